#include "tools/mgw-send/options.hpp"
#include "tools/mgw-send/run.hpp"

#include "lib/cli/tool.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-send", "deliver messages by SMTP, LMTP, into Maildirs, to programs"};
    mgw::send::Options options;
    mgw::send::declare(tool, options);
    if (const auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::send::run(tool, options); });
}
