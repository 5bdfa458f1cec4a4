#include "tools/mgw-monitor/options.hpp"
#include "tools/mgw-monitor/run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-monitor", "read the records of the others: report, trace, metrics"};
    mgw::monitor_tool::Options options;
    mgw::monitor_tool::declare(tool, options);
    if (const auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::monitor_tool::run(tool, options); });
}
