#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-auth", "measure authenticity: SPF, DKIM, DMARC, reverse DNS; sign"};
    mgw::auth_tool::Options options;
    mgw::auth_tool::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::auth_tool::run(tool, options); });
}
