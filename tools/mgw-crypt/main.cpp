#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv)
{
    mgw::cli::Tool tool{"mgw-crypt", "encrypt and decrypt messages with OpenPGP"};
    mgw::crypt::Options options;
    mgw::crypt::declare(tool, options);
    if (auto status = tool.parse(argc, argv))
        return *status;
    return tool.run([&] { return mgw::crypt::run(tool, options); });
}
