#pragma once

#include "lib/cli/stage.hpp"

#include <string>

namespace mgw::crypt
{

enum class Command : char { none, encrypt, decrypt };

struct Options {
    Command command = Command::none;
    cli::StageOptions encrypt_stage;
    cli::StageOptions decrypt_stage;
    std::string homedir;
    std::string no_key = "reject";        ///< reject|defer|pass
    std::string hide_recipients = "auto"; ///< auto|always|never
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::crypt
