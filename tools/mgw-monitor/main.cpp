#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-monitor", "read the records of the other tools: what happened to a message, and how much"};
    mgw::monitor::Options options;
    mgw::monitor::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::monitor::run(tool, options); });
}
