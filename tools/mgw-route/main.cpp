#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-route", "decide where a message goes: aliases, redirects, next hops"};
    mgw::route::Options options;
    mgw::route::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::route::run(tool, options); });
}
