#pragma once

#include "lib/core/result.hpp"
#include "options.hpp"

namespace mgw::auth_tool
{

/// Verifies or signs what comes in.
Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::auth_tool
