#pragma once

#include "options.hpp"

namespace mgw::monitor
{

Result<Status> run(cli::Tool& tool, const Options& options);

} // namespace mgw::monitor
