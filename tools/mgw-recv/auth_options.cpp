#include "tools/mgw-recv/auth_options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::recv
{

void declare_auth(cli::Tool& tool, AuthOptions& o)
{
    auto& app = tool.app();
    app.add_option(
           "--listen-submission", o.submission,
           "Serve authors' programs there (RFC 6409, port 587): no mail without AUTH, no AUTH without STARTTLS. "
           "The forms of --listen. May be repeated.")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    app.add_option("--listen-submission-tls", o.submission_tls,
                   "The same with TLS from the first octet (RFC 8314, port 465). May be repeated.")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    tool.hint(app.add_option("--passwords", o.passwords,
                             "Hashed passwords of those who may submit mail, lines of mgw-recv passwd. Read anew on "
                             "SIGHUP.")
                  ->type_name("FILE"),
              cli::Complete::file);
    tool.hint(app.add_option("--sender-logins", o.sender_logins,
                             "Table (postmap text) of sender addresses, or @DOMAIN, and the logins that may use them; "
                             "others get 553. Without it a login may use any address.")
                  ->type_name("FILE"),
              cli::Complete::file);
    app.add_option(
           "--wrong-password-pause", o.wrong_password_pause,
           "Seconds that a client waits after a wrong password, 0 to 60; as much more after each further one of "
           "its network, up to ten times.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(0, 60).description(""));
    app.add_option("--relay-from", o.relay_from,
                   "Network whose clients may send to every domain, whatever --domain says: 192.0.2.0/24. May be "
                   "repeated.")
        ->type_name("NETWORK")
        ->allow_extra_args(false);
    app.add_option("--proxy-from", o.proxy_from,
                   "Network of proxies: connections from there must begin with a PROXY header (version 1 or 2), which "
                   "says who the client is. May be repeated.")
        ->type_name("NETWORK")
        ->allow_extra_args(false);
    app.add_option("--xclient-from", o.xclient_from,
                   "Network whose clients may say with XCLIENT or XFORWARD whom they stand for. May be repeated.")
        ->type_name("NETWORK")
        ->allow_extra_args(false);
    tool.command("passwd", "read a password and print its line for --passwords", [&o](CLI::App& passwd) {
        passwd.add_option("LOGIN", o.login, "Whose password it is.")->required();
        passwd.callback([&o] { o.is_passwd = true; });
    });
}

} // namespace mgw::recv
