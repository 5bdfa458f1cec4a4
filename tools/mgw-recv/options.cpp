#include "tools/mgw-recv/options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::recv
{

namespace
{

void number(CLI::App& app, const char* name, unsigned& into, const char* value, unsigned least, unsigned most,
            const char* text)
{
    app.add_option(name, into, text)
        ->type_name(value)
        ->capture_default_str()
        ->check(CLI::Range(least, most).description(""));
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
    app.add_option(
           "--listen", o.listen,
           "Serve SMTP there: ADDRESS:PORT, [IPV6]:PORT or unix:/PATH; port 0 lets the kernel choose. May be repeated.")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    app.add_option("--lmtp", o.lmtp, "Serve LMTP there, in the same forms. May be repeated.")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    app.add_option("--listen-tls", o.listen_tls,
                   "Serve SMTP under TLS from the first octet there, in the same forms. May be repeated.")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    tool.hint(app.add_option("--port-file", o.port_file,
                             "Write the port of each listener to this file once mail is taken, one a line.")
                  ->type_name("FILE"),
              cli::Complete::file);
    app.add_option("--user", o.user, "Become this user once the sockets are bound.")->type_name("USER");
    app.add_option(
           "--pipeline", o.pipeline,
           "Stages for each message, between bars as in a shell: 'mgw-auth | mgw-filter policy.sieve | mgw-queue add'.")
        ->type_name("COMMANDS")
        ->envname("MGW_PIPELINE");
    app.add_option(
           "--domain", o.domains,
           "Take SMTP mail for this domain only, or with a leading dot for all below it; without this option every "
           "recipient is taken, which on a public address is an open relay. May be repeated.")
        ->type_name("DOMAIN")
        ->allow_extra_args(false);
    app.add_flag("--per-message", o.per_message, "Start the stages anew for each message.");
    app.add_flag(
        "--stdin", o.from_stdin,
        "Take one foreign message (or a mailbox) from standard input and print what the pipeline makes of it.");
    app.add_flag("--smtp-stdio", o.smtp_stdio, "Serve one SMTP session on standard input and output.");
    app.add_option("--hostname", o.hostname,
                   "Name of this server in greetings and Received fields; without it the machine's.")
        ->type_name("NAME");
    tool.hint(
        app.add_option("--tls-cert", o.tls_cert,
                       "Certificate with its chain, PEM; STARTTLS is offered with it. May be repeated: a client gets "
                       "the one that has the name it asks for, else the first. Read anew on SIGHUP.")
            ->type_name("FILE")
            ->allow_extra_args(false),
        cli::Complete::file);
    tool.hint(
        app.add_option("--tls-key", o.tls_key,
                       "Private key of the certificate, PEM; without it looked for in the certificate's file. One for "
                       "each --tls-cert, in the same order, or none.")
            ->type_name("FILE")
            ->allow_extra_args(false),
        cli::Complete::file);
    app.add_flag(
        "--tls-ask-cert", o.tls_ask_cert,
        "Ask clients for a certificate; its fingerprint and subject go into the record and the envelope block, "
        "whoever signed it. No client is refused for it.");
    app.add_option("--memory", o.memory,
                   "Octets of all messages in progress, with k, M or G; beyond it clients get 452.")
        ->type_name("SIZE")
        ->capture_default_str();
    number(app, "--lane-timeout", o.lane_timeout, "SECONDS", 1, 3600,
           "Seconds that the stages have for one message, 1 to 3600; then the client gets 451.");
    number(app, "--lane-start-timeout", o.lane_start_timeout, "SECONDS", 1, 3600,
           "Seconds until the last stage must be ready, 1 to 3600.");
    number(app, "--drain-timeout", o.drain_timeout, "SECONDS", 1, 3600,
           "Seconds to finish what is in progress when told to stop, 1 to 3600.");
    number(app, "--command-timeout", o.command_timeout, "SECONDS", 1, 3600,
           "Seconds that a client may take for the next command, 1 to 3600.");
    number(app, "--data-timeout", o.data_timeout, "SECONDS", 1, 3600,
           "Seconds that a client may take for the next octets of a message, 1 to 3600.");
    number(app, "--data-rate", o.data_rate, "OCTETS", 1, 1000000,
           "Octets a second that a client must reach over a message after the first --data-timeout, 1 to 1000000.");
    number(app, "--connections", o.connections, "N", 1, 1000000, "Connections at a time, 1 to 1000000.");
    number(app, "--connections-per-ip", o.connections_per_ip, "N", 1, 1000000,
           "Connections at a time from one IPv4 address or IPv6 /64, 1 to 1000000.");
    number(app, "--errors", o.errors, "N", 1, 1000, "Refused commands in a session before it is closed, 1 to 1000.");
    number(app, "--messages", o.messages, "N", 0, 1000000,
           "Messages of one session, then 421; 0 to 1000000, 0 for no limit.");
    number(app, "--session-timeout", o.session_timeout, "SECONDS", 1, 86400,
           "Seconds that a session may last without a message, 1 to 86400.");
    number(app, "--text-line", o.text_line, "OCTETS", 998, 1U << 30,
           "Octets of the longest line of a message, 998 (RFC 5321) to 1073741824; a message with a longer one is "
           "refused.");
    tool.choices(
        app.add_option("--bare-newlines", o.bare_newlines,
                       "What to do with a message in which a CR or LF stands alone: refuse it, or mend its line ends.")
            ->type_name("WHAT")
            ->capture_default_str(),
        {"reject", "normalize"});
    app.add_flag(
        "--strict", o.strict,
        "Refuse what most servers tolerate: blanks after the colon of MAIL FROM: and RCPT TO:, addresses without "
        "brackets, a HELO that is neither a domain nor an address literal.");
    app.add_flag(
        "--exit-verdict", o.exit_verdict,
        "With --stdin let the verdict be the exit status: 75 for defer, 77 for reject, discard and quarantine.");
    declare_auth(tool, o.auth);
    declare_door(tool, o.door);
    cli::declare_stream_options(tool, app, o.stream);
    cli::declare_envelope_options(tool, app, o.envelope);
}

} // namespace mgw::recv
