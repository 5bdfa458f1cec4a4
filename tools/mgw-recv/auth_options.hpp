#pragma once

#include "lib/cli/tool.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/server_front.hpp"

#include <string>
#include <vector>

namespace mgw::recv
{

/// Who may send mail of its own through the gateway.
struct AuthOptions {
    std::vector<std::string> submission;     ///< addresses to listen on, STARTTLS
    std::vector<std::string> submission_tls; ///< the same, TLS from the first octet
    std::string passwords;
    std::string sender_logins;
    unsigned wrong_password_pause = 1;
    std::vector<std::string> relay_from;
    std::vector<std::string> proxy_from;
    std::vector<std::string> xclient_from;
    bool is_passwd = false; ///< the command `passwd`
    std::string login;

    bool listens() const { return !submission.empty() || !submission_tls.empty(); }
};

void declare_auth(cli::Tool& tool, AuthOptions& options);

/// Reads the tables that the front needs; not the passwords, which the front must not have. Status::usage for options
/// that do not go together, Status::config for a table that cannot be read.
Result<void> set_up_auth(const AuthOptions& options, bool has_certificate, smtp::FrontOptions& front);

/// The command `passwd`: reads a password from standard input and prints the line for --passwords.
Result<Status> run_passwd(cli::Tool& tool, const AuthOptions& options);

} // namespace mgw::recv
