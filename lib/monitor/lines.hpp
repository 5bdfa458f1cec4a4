#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <functional>
#include <string_view>

namespace mgw::monitor
{

inline constexpr std::size_t longest_line = 256U << 10;

/// Calls `line` for each line of a descriptor, without its line end, in constant memory. A line of more than
/// longest_line octets is passed as an empty view with `too_long` set.
Result<void> for_each_line(int fd, const std::function<void(std::string_view line, bool too_long)>& line);

} // namespace mgw::monitor
