#pragma once

#include "tools/mgw-filter/options.hpp"

namespace mgw::filter_tool
{

/// Prints the parts of every message, as text or (--json) one object a line, or writes one part of the only message.
/// Status::data when there is no such part, or more than one message to take it from.
Result<Status> parts(cli::Tool& tool, const Options& options);

} // namespace mgw::filter_tool
