#pragma once

#include "lib/cli/stage.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mgw::archive_tool
{

enum class Command : char { none, add, tee, get, list, verify, backup, restore };

struct Options {
    Command command = Command::none;
    std::string archive; ///< empty for default_archive()
    std::uint64_t pack_octets = 256U << 20;

    cli::StreamOptions stream; ///< add
    cli::EnvelopeOptions envelope;
    cli::StageOptions stage; ///< tee

    std::vector<std::string> ids; ///< get
    bool show_envelope = false;

    std::string since; ///< list
    std::string until;
    std::string from;
    std::string to;
    std::string subject;
    std::string id;

    std::string folder; ///< backup --to, restore --from
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::archive_tool
