#pragma once

#include "options.hpp"

namespace mgw::scan
{

/// Loads the signatures and scans everything that comes.
Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::scan
