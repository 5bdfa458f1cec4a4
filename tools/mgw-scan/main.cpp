#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-scan", "measure content: viruses, file names, true file types"};
    mgw::scan::Options options;
    mgw::scan::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::scan::run(tool, options); });
}
