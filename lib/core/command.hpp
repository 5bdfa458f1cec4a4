#pragma once

#include "lib/core/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw
{

using Arguments = std::vector<std::string>;

/// Words of a command as a shell would split them, without its expansions: blanks separate, '…' and "…" quote,
/// \ escapes. Status::config for an unclosed quote or an unquoted ; & < > ` $ ( ).
Result<Arguments> split_command(std::string_view text);

/// Commands between unquoted '|'. Status::config for an empty one.
Result<std::vector<Arguments>> split_pipeline(std::string_view text);

} // namespace mgw
