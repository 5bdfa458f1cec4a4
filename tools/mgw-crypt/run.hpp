#pragma once

#include "options.hpp"

namespace mgw::crypt
{

/// Runs the chosen subcommand over what is on standard input. Status::usage without one.
Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::crypt
