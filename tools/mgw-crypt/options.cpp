#include "options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::crypt
{

namespace
{

void declare_homedir(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.hint(app.add_option("--homedir", o.homedir,
                             "GnuPG's folder with the keyring, at most 87 octets of path; GNUPGHOME or ~/.gnupg where "
                             "it is not given.")
                  ->type_name("DIRECTORY"),
              cli::Complete::directory);
}

void declare_encrypt(cli::Tool& tool, CLI::App& encrypt, Options& o)
{
    cli::declare_stage_options(tool, encrypt, o.encrypt_stage);
    declare_homedir(tool, encrypt, o);
    tool.choices(
        encrypt
            .add_option("--no-key", o.no_key,
                        "What becomes of recipients without a usable key; pass sends the whole message in clear.")
            ->type_name("WHAT")
            ->capture_default_str(),
        {"reject", "defer", "pass"});
    tool.choices(
        encrypt
            .add_option("--hide-recipients", o.hide_recipients,
                        "When to leave key ids out of the message; auto is when a recipient is not named in To or Cc.")
            ->type_name("WHEN")
            ->capture_default_str(),
        {"auto", "always", "never"});
    encrypt.callback([&o] { o.command = Command::encrypt; });
}

void declare_decrypt(cli::Tool& tool, CLI::App& decrypt, Options& o)
{
    cli::declare_stage_options(tool, decrypt, o.decrypt_stage);
    declare_homedir(tool, decrypt, o);
    decrypt.callback([&o] { o.command = Command::decrypt; });
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    tool.command("encrypt", "encrypt messages to all of their recipients (PGP/MIME)",
                 [&](CLI::App& app) { declare_encrypt(tool, app, o); });
    tool.command("decrypt", "decrypt messages and verify signatures inside",
                 [&](CLI::App& app) { declare_decrypt(tool, app, o); });
}

} // namespace mgw::crypt
