#pragma once

#include "lib/core/result.hpp"
#include "tools/mgw-archive/options.hpp"

namespace mgw::archive_tool
{

/// The whole tool: one of its commands.
Result<Status> run(cli::Tool& tool, const Options& options);

Result<Status> add(cli::Tool& tool, const Options& options, const std::string& archive);
Result<Status> tee(cli::Tool& tool, const Options& options, const std::string& archive);
Result<Status> get(cli::Tool& tool, const Options& options, const std::string& archive);
Result<Status> list(cli::Tool& tool, const Options& options, const std::string& archive);
Result<Status> verify(cli::Tool& tool, const std::string& archive);
Result<Status> backup(cli::Tool& tool, const Options& options, const std::string& archive);
Result<Status> restore(cli::Tool& tool, const Options& options, const std::string& archive);

} // namespace mgw::archive_tool
