#pragma once

#include "options.hpp"

namespace mgw::route
{

/// Routes what is on standard input, or prints look-ups.
Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::route
