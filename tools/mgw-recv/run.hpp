#pragma once

#include "lib/smtp/lane.hpp"
#include "tools/mgw-recv/options.hpp"

namespace mgw::recv
{

/// Serves SMTP and LMTP, or one session on standard input and output, or takes messages from standard input.
Result<Status> run(cli::Tool& tool, const Options& options);

/// --stdin: foreign messages on standard input, one pipeline over all of them, the results on standard output.
Result<Status> run_stdin(cli::Tool& tool, const Options& options);

/// The stages write their records where this tool does, unless one has a --log of its own.
void share_log(const cli::Tool& tool, smtp::LanePlan& plan);

} // namespace mgw::recv
