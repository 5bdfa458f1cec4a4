#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// The edits that turn the header fields `before` into `after`, each with its line end, as packets; their number in
/// `count`. The octets that were not meant to change are not in them. Status::temp_fail when `after` has a line that is
/// no field.
Result<std::string> header_edits(const std::vector<std::string_view>& before,
                                 const std::vector<std::string_view>& after, std::size_t& count);

/// A message's header fields with their line ends, and where its body begins.
struct SplitMessage {
    std::vector<std::string_view> fields;
    std::size_t body_begin = 0;
};
SplitMessage split_message(std::string_view octets);

} // namespace mgw::smtp
