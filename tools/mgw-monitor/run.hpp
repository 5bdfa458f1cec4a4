#pragma once

#include "tools/mgw-monitor/options.hpp"

#include "lib/core/result.hpp"

namespace mgw::monitor_tool
{

/// Reads the records and prints what was asked for; see mgw-monitor(1).
Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::monitor_tool
