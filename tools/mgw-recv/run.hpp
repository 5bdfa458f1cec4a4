#pragma once

#include "tools/mgw-recv/options.hpp"

namespace mgw::recv
{

/// Serves SMTP and LMTP, or one session on standard input and output, or takes messages from standard input.
Result<Status> run(cli::Tool& tool, const Options& options);

/// --stdin: foreign messages on standard input, one pipeline over all of them, the results on standard output.
Result<Status> run_stdin(cli::Tool& tool, const Options& options);

/// --milter: serves mail servers as a filter.
Result<Status> run_milter(cli::Tool& tool, const Options& options);

} // namespace mgw::recv
