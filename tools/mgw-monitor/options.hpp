#pragma once

#include "lib/cli/tool.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace mgw::monitor_tool
{

enum class Command : char { report, trace, metrics };

struct Options {
    Command command = Command::report;
    std::vector<std::string> files;
    std::string what; ///< of trace
    std::size_t top = 10;
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::monitor_tool
