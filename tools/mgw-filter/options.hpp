#pragma once

#include "lib/cli/stage.hpp"
#include "lib/core/command.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace mgw::filter_tool
{

/// What is done instead of filtering; none is the tool's own work.
enum class Command : char { none, parts, diff, undo, redo };

struct Options {
    cli::StageOptions stage;
    Command command = Command::none;
    std::string policy;         ///< --policy, else the first operand
    std::string allow_override; ///< --allow-override=virus
    bool has_each = false;
    Arguments each;             ///< what stands behind --each
    unsigned each_timeout = 30; ///< --each-timeout, seconds

    cli::StreamOptions shown;       ///< parts: the messages to show
    std::string part;               ///< parts --extract: a number or a path
    bool raw = false;               ///< parts --raw
    std::vector<std::string> files; ///< diff: before and after; undo, redo: the edits and the message
    bool strip_block = false;       ///< diff, undo, redo --block=strip
};

/// Cuts the command line at `--each`: all that follows is the program's, whatever it looks like, but for a last
/// `--input=frames`, which a supervisor appends for this tool. Returns what is left for this tool, argv[0] first.
std::vector<char*> take_each(int argc, char** argv, Options& options);

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::filter_tool
