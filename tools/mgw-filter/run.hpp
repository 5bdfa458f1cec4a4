#pragma once

#include "tools/mgw-filter/options.hpp"

namespace mgw::filter_tool
{

/// Does what the command says. Without one: compiles the policy (or looks for the program of --each) and runs it over
/// all messages; with --check only the former.
Result<Status> run(cli::Tool& tool, Options& options);

} // namespace mgw::filter_tool
