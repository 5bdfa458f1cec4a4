#pragma once

#include "tools/mgw-send/options.hpp"

#include "lib/core/result.hpp"

namespace mgw::send
{

/// Delivers everything that comes in; see mgw-send(1).
Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::send
