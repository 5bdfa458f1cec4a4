#include "lib/cli/tool.hpp"
#include "tools/mgw-filter/options.hpp"
#include "tools/mgw-filter/run.hpp"

int main(int argc, char** argv)
{
    mgw::filter_tool::Options options;
    auto arguments = mgw::filter_tool::take_each(argc, argv, options);
    mgw::cli::Tool tool{"mgw-filter", "decide about messages by a Sieve policy, or run a program over them"};
    mgw::filter_tool::declare(tool, options);
    if (auto status = tool.parse(static_cast<int>(arguments.size()), arguments.data()))
        return *status;
    return tool.run([&] { return mgw::filter_tool::run(tool, options); });
}
