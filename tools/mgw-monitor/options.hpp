#pragma once

#include "lib/cli/tool.hpp"

#include <string>
#include <vector>

namespace mgw::monitor
{

enum class Command : char { trace, report, metrics };

struct Options {
    Command command = Command::report;
    std::string wanted; ///< of trace
    std::vector<std::string> files;
    unsigned top = 10; ///< of report
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::monitor
