#pragma once

#include "lib/cli/stage.hpp"
#include "lib/cli/tool.hpp"

#include <cstdint>
#include <string>

namespace mgw::auth_tool
{

enum class Command : char { verify, sign };

struct Options {
    Command command = Command::verify;
    cli::StageOptions stage;      ///< of verifying
    cli::StageOptions sign_stage; ///< of signing

    std::string authserv_id; ///< empty: the machine's name
    std::string org_domain = "walk";
    bool received_spf = false;
    unsigned min_rsa_bits = 1024;
    unsigned max_signatures = 10;
    std::string dns_zone;
    std::string dns_record;
    std::string dns_server;
    unsigned dns_timeout_ms = 5000;

    std::string domain;
    std::string selector;
    std::string signing_key_file;
    std::int64_t lifetime_seconds = 0;
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::auth_tool
