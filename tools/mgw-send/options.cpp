#include "tools/mgw-send/options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::send
{

void declare(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
    cli::declare_stream_options(tool, app, o.stream);
    cli::declare_envelope_options(tool, app, o.envelope);
    app.add_option("--deliver", o.deliver,
                   "Where recipients go that have no Mgw-Hop: smtp:DOMAIN[:PORT] (by its MX), smtp:[HOST][:PORT], "
                   "smtps:... (TLS "
                   "from the start), "
                   "lmtp:[HOST]:PORT, "
                   "lmtp:unix:PATH, maildir:PATH, pipe:NAME, error:5.1.1 TEXT, or mx (each recipient's own domain).")
        ->type_name("DESTINATION");
    tool.hint(app.add_option("--maildir", o.maildirs,
                             "Folder below which Maildirs may be, made when missing; alone it is the destination "
                             "itself; may be repeated.")
                  ->type_name("DIR"),
              cli::Complete::directory);
    app.add_option("--command", o.commands,
                   "Program that pipe:NAME runs with the message on its standard input; {sender} and {recipient} stand "
                   "for the envelope's "
                   "addresses; may be repeated.")
        ->type_name("NAME=COMMAND");
    tool.choices(app.add_option("--line-ends", o.line_ends,
                                "Line ends of a CRLF message in a Maildir or for a program: lf, or keep.")
                     ->type_name("ENDS")
                     ->capture_default_str(),
                 {"lf", "keep"});
    app.add_option("--name", o.name,
                   "Name of this machine in EHLO and in Maildir file names; the host's name by default.")
        ->type_name("HOST");
    tool.choices(
        app.add_option("--tls", o.tls,
                       "TLS where DANE, MTA-STS and --tls-policy say nothing: none, may (where it is offered), "
                       "encrypt (always), verify (always, with a certificate that names the host), secure "
                       "(that names the recipients' domain), dane (that a TLSA record names).")
            ->type_name("LEVEL")
            ->capture_default_str(),
        {"none", "may", "encrypt", "verify", "secure", "dane"});
    tool.hint(app.add_option("--tls-policy", o.tls_policy,
                             "File of lines DOMAIN LEVEL, .DOMAIN LEVEL (all below), [HOST] LEVEL.")
                  ->type_name("FILE"),
              cli::Complete::file);
    tool.hint(app.add_option("--tls-ca", o.tls_ca,
                             "PEM file of the authorities that certificates are checked by; the system's by default.")
                  ->type_name("FILE"),
              cli::Complete::file);
    app.add_flag("--dane,!--no-dane", o.dane,
                 "Ask for TLSA records (RFC 7672) where the DNS server validates; default.");
    app.add_flag("--mta-sts,!--no-mta-sts", o.mta_sts, "Ask for the policies of domains (MTA-STS, RFC 8461); default.");
    app.add_option("--mta-sts-port", o.mta_sts_port, "Port of the servers of MTA-STS policies, for tests.")
        ->type_name("PORT")
        ->capture_default_str()
        ->check(CLI::Range(1, 65535).description(""));
    app.add_option("--state", o.state,
                   "Where policies of MTA-STS are kept: an SQLite file, or redis://HOST[:PORT][/DB]; only in memory by "
                   "default.")
        ->type_name("STATE");
    tool.hint(app.add_option("--state-password-file", o.state_password_file,
                             "File whose first line is the password of the Redis server.")
                  ->type_name("FILE"),
              cli::Complete::file);
    tool.hint(app.add_option("--auth-file", o.auth_file,
                             "File of lines HOST LOGIN PASSWORD, readable by its owner only: logins for destinations.")
                  ->type_name("FILE"),
              cli::Complete::file);
    app.add_option("--source", o.sources, "Address that connections come from, one IPv4 and one IPv6 at most.")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    app.add_option("--connections", o.connections, "Connections at a time, 1 to 1000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    app.add_option("--destination-connections", o.destination_connections,
                   "Connections at a time to one destination, 1 to 1000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    app.add_option("--recipients", o.recipients, "Recipients of one SMTP or LMTP transaction at most, 1 to 1000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    app.add_flag("--downgrade,!--no-downgrade", o.downgrade,
                 "Encode 8-bit parts for servers that take 7-bit mail only, where nothing signed changes; default.");
    app.add_option("--connect-timeout", o.connect_timeout, "Seconds for a connection to one address, 1 to 600.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(1, 600).description(""));
    app.add_option("--reply-timeout", o.reply_timeout,
                   "Seconds for a server's reply, twice that after the final dot, 1 to 3600.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600).description(""));
    app.add_option("--command-timeout", o.command_timeout, "Seconds for a delivery program, 1 to 3600.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600).description(""));
    app.add_option("--idle", o.idle, "Seconds that an open connection waits for more mail, 0 to 300.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(0, 300).description(""));
    app.add_option("--memory", o.memory, "Octets of messages in memory at a time.")
        ->type_name("SIZE")
        ->capture_default_str()
        ->transform(CLI::AsSizeValue(false));
    tool.hint(app.add_option("--dns-zone", o.dns_zone, "Zone file that replaces the DNS.")->type_name("FILE"),
              cli::Complete::file);
    tool.hint(app.add_option("--dns-record", o.dns_record, "Zone file to which the answers of this run are added.")
                  ->type_name("FILE"),
              cli::Complete::file);
    app.add_option("--dns-server", o.dns_server,
                   "DNS servers, ADDRESS[:PORT] with commas between; those of /etc/resolv.conf by default.")
        ->type_name("SERVERS");
    app.add_flag("--dns-trusted", o.dns_trusted,
                 "Believe what the DNS server says about validation (AD) although it is not on this machine.");
}

} // namespace mgw::send
