#include "tools/mgw-queue/options.hpp"
#include "tools/mgw-queue/run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-queue", "keep what must not be lost: queue, retries, quarantine"};
    mgw::queue_tool::Options options;
    mgw::queue_tool::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::queue_tool::run(tool, options); });
}
