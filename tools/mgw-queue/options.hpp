#pragma once

#include "lib/cli/stream.hpp"
#include "lib/cli/tool.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mgw::queue_tool
{

enum class Command : char { none, add, list, show, cat, hold, release, remove, retry, run, check };

struct Options {
    Command command = Command::none;
    std::string spool; ///< empty for default_spool()
    cli::StreamOptions stream;
    cli::EnvelopeOptions envelope;

    // add
    std::string mixed = "quarantine";
    std::string min_free = "auto";
    std::string hostname; ///< empty for the machine's name
    std::string dsn_hop;
    std::uint64_t segment_octets = 64U << 20;

    // list, show, cat, hold, release, delete, retry
    std::vector<std::string> ids;
    std::string state;
    std::string sender;
    std::string recipient;
    std::string older;
    std::string reason;
    std::string release_pipeline;

    // run
    std::string send = "mgw-send";
    bool once = false;
    unsigned window = 64;
    std::string first_wait = "5m";
    std::string longest_wait = "4h";
    std::string lifetime = "5d";
    std::string grace = "30s";
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::queue_tool
