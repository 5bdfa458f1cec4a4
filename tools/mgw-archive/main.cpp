#include "tools/mgw-archive/options.hpp"
#include "tools/mgw-archive/run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-archive", "keep every message for years: store, find, verify, back up"};
    mgw::archive_tool::Options options;
    mgw::archive_tool::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::archive_tool::run(tool, options); });
}
