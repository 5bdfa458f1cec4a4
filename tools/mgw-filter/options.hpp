#pragma once

#include "lib/cli/stage.hpp"
#include "lib/core/command.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace mgw::filter_tool
{

struct Options {
    cli::StageOptions stage;
    std::string policy;         ///< --policy, else the first operand
    std::string allow_override; ///< --allow-override=virus
    bool has_each = false;
    Arguments each;             ///< what stands behind --each
    unsigned each_timeout = 30; ///< --each-timeout, seconds
};

/// Cuts the command line at `--each`: all that follows is the program's, whatever it looks like, but for a last
/// `--input=frames`, which a supervisor appends for this tool. Returns what is left for this tool, argv[0] first.
std::vector<char*> take_each(int argc, char** argv, Options& options);

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::filter_tool
