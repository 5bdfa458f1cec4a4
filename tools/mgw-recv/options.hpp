#pragma once

#include "lib/cli/stream.hpp"
#include "lib/cli/tool.hpp"
#include "tools/mgw-recv/auth_options.hpp"
#include "tools/mgw-recv/door_options.hpp"

#include <string>
#include <vector>

namespace mgw::recv
{

struct Options {
    std::vector<std::string> domains;
    std::vector<std::string> listen; ///< ADDR:PORT or unix:/path
    std::vector<std::string> lmtp;
    std::vector<std::string> listen_tls;
    std::string port_file;
    std::string user;
    std::string pipeline;
    bool per_message = false;
    bool from_stdin = false;
    bool smtp_stdio = false;
    std::string hostname;
    std::vector<std::string> tls_cert;
    std::vector<std::string> tls_key; ///< one for each certificate, or none
    bool tls_ask_cert = false;
    std::string memory = "256M";
    unsigned lane_timeout = 300;
    unsigned lane_start_timeout = 120;
    unsigned drain_timeout = 30;
    unsigned command_timeout = 300;
    unsigned data_timeout = 180;
    unsigned data_rate = 100;
    unsigned connections = 1000;
    unsigned connections_per_ip = 50;
    unsigned errors = 20;
    unsigned messages = 0;
    unsigned session_timeout = 3600;
    unsigned text_line = 1U << 20;
    std::string bare_newlines = "reject";
    bool strict = false;
    bool exit_verdict = false;
    AuthOptions auth;
    DoorOptions door;
    cli::StreamOptions stream;
    cli::EnvelopeOptions envelope;
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::recv
