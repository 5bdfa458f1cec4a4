#include "tools/mgw-recv/options.hpp"
#include "tools/mgw-recv/run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-recv",
                        "receive mail: SMTP and LMTP server, milter, and the entrance for foreign messages"};
    mgw::recv::Options options;
    mgw::recv::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::recv::run(tool, options); });
}
