#pragma once

#include "lib/cli/stage.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace mgw::route
{

struct Options {
    cli::StageOptions stage;
    std::vector<std::string> aliases;
    std::vector<std::string> transports;
    std::vector<std::string> users;
    std::vector<std::string> local_domains;
    std::vector<std::string> redirect_domains; ///< OLD=NEW
    std::string redirect;
    std::string relay;
    std::string delimiters = "+";
    std::string srs_domain;
    std::string srs_secret_file;
    std::size_t alias_limit = 1000;
    bool lookup = false;
    std::vector<std::string> addresses; ///< of lookup
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::route
