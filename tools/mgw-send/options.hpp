#pragma once

#include "lib/cli/stream.hpp"
#include "lib/cli/tool.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mgw::send
{

struct Options {
    cli::StreamOptions stream;
    cli::EnvelopeOptions envelope;
    std::string deliver;
    std::vector<std::string> maildirs;
    std::vector<std::string> commands;
    std::string line_ends = "lf";
    std::string name; ///< of this machine; empty for the host's own
    std::string tls = "may";
    std::string tls_policy;
    std::string tls_ca;
    bool dane = true;
    bool mta_sts = true;
    std::uint16_t mta_sts_port = 443;
    std::string state;
    std::string state_password_file;
    std::vector<std::string> sources;
    std::string auth_file;
    unsigned connections = 20;
    unsigned destination_connections = 5;
    unsigned recipients = 50;
    bool downgrade = true;
    unsigned connect_timeout = 30;
    unsigned reply_timeout = 300;
    unsigned command_timeout = 300;
    unsigned idle = 2;
    std::uint64_t memory = 256U << 20;
    std::string dns_zone;
    std::string dns_record;
    std::string dns_server;
    bool dns_trusted = false;
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::send
