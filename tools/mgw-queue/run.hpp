#pragma once

#include "lib/queue/dsn.hpp"
#include "lib/queue/spool.hpp"
#include "tools/mgw-queue/options.hpp"

#include <vector>

namespace mgw::queue_tool
{

/// The whole tool: one of its commands.
Result<Status> run(cli::Tool& tool, const Options& options);

Result<Status> add(cli::Tool& tool, const Options& options, const std::string& spool);
Result<Status> deliver(cli::Tool& tool, const Options& options, const std::string& spool);
Result<Status> list(cli::Tool& tool, const Options& options, queue::Spool& spool);
Result<Status> show(cli::Tool& tool, const Options& options, queue::Spool& spool);
Result<Status> cat(const Options& options, queue::Spool& spool);
Result<Status> check(cli::Tool& tool, const std::string& spool);
/// hold, delete, retry, and release of held messages.
Result<Status> change(cli::Tool& tool, const Options& options, queue::Spool& spool);
/// Runs quarantined messages through the release pipeline; finished there, they leave the quarantine.
Result<Status> release(cli::Tool& tool, const Options& options, queue::Spool& spool);

/// The messages that the command line names, by queue id or Mgw-Id. Status::data when one is not in the queue.
Result<std::vector<const queue::Entry*>> chosen(const Options& options, const queue::Spool& spool);
queue::DsnOptions dsn_options(const Options& options);

} // namespace mgw::queue_tool
