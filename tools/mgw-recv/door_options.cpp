#include "tools/mgw-recv/door_options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::recv
{

namespace
{

void declare_state(cli::Tool& tool, CLI::App& app, DoorOptions& o)
{
    app.add_option("--state", o.state,
                   "Where the door keeps what it counts: a file, or redis://HOST:PORT/DB or redis+unix:/PATH, which "
                   "several gateways may share; default door.sqlite under the state home.")
        ->type_name("PLACE");
    tool.hint(app.add_option("--state-password-file", o.state_password_file,
                             "File whose first line is the password of the Redis server.")
                  ->type_name("FILE"),
              cli::Complete::file);
}

void declare_state_command(cli::Tool& tool, CLI::App& app, DoorOptions& o)
{
    app.callback([&o] { o.is_state_command = true; });
    tool.choices(app.add_option("ACTION", o.state_action, "What to do.")->type_name("ACTION")->required(),
                 {"list", "forget"});
    app.add_option("KEY", o.state_keys,
                   "Entries, as list shows them; for list the beginning of the keys that are wanted.")
        ->type_name("KEY");
    declare_state(tool, app, o);
}

void add_file(cli::Tool& tool, CLI::App& app, const char* name, std::string& into, const char* text)
{
    tool.hint(app.add_option(name, into, text)->type_name("FILE"), cli::Complete::file);
}

void add_files(cli::Tool& tool, CLI::App& app, const char* name, std::vector<std::string>& into, const char* text)
{
    tool.hint(app.add_option(name, into, text)->type_name("FILE")->allow_extra_args(false), cli::Complete::file);
}

void add_texts(CLI::App& app, const char* name, std::vector<std::string>& into, const char* value, const char* text)
{
    app.add_option(name, into, text)->type_name(value)->allow_extra_args(false);
}

void add_number(CLI::App& app, const char* name, unsigned& into, const char* value, unsigned least, unsigned most,
                const char* text)
{
    app.add_option(name, into, text)
        ->type_name(value)
        ->capture_default_str()
        ->check(CLI::Range(least, most).description(""));
}

void declare_lists(cli::Tool& tool, CLI::App& app, DoorOptions& o)
{
    add_files(tool, app, "--allow", o.allow,
              "File of networks whose clients meet no check but those of recipients. May be repeated.");
    add_files(tool, app, "--deny", o.deny, "File of networks whose clients are sent away. May be repeated.");
    add_texts(
        app, "--dnsbl", o.dnsbl, "LIST",
        "Ask this DNS list: 'zen.example.org 127.0.0.2-3=SBL:reject 127.0.0.10,11=PBL:2'; see mgw-recv(1). May be "
        "repeated.");
    add_file(tool, app, "--dnsbl-file", o.dnsbl_file, "File of DNS lists, one a line.");
    add_number(app, "--dnsbl-weight", o.dnsbl_weight, "N", 0, 100000,
               "Refuse when the weights of the DNS lists reach this sum, 0 to 100000; 0 for never.");
    add_file(tool, app, "--recipients", o.recipients,
             "File of the addresses that exist, in the form of Postfix's tables; others get 550.");
    app.add_option("--callout", o.callout,
                   "Ask this server whether a recipient exists, without sending anything: smtp:[ADDRESS]:PORT, "
                   "lmtp:[ADDRESS]:PORT or lmtp:unix:PATH.")
        ->type_name("DESTINATION");
    add_file(tool, app, "--class-map", o.class_map,
             "File of addresses and their policy classes; recipients of another class than the first of a message get "
             "452.");
}

void declare_checks(cli::Tool& tool, CLI::App& app, DoorOptions& o)
{
    add_number(app, "--early-wait", o.early_wait, "MS", 0, 30000,
               "Milliseconds that the greeting waits for clients that speak before it, 0 to 30000; 0 for no wait.");
    tool.choices(app.add_option("--helo-check", o.helo_checks,
                                "What HELO must be: a host name or literal, no name of ours, a literal of the client's "
                                "own address, a name that the DNS has. May be repeated.")
                     ->type_name("CHECK")
                     ->allow_extra_args(false),
                 {"syntax", "self", "address", "dns"});
    tool.choices(app.add_option("--reverse-name", o.reverse_name,
                                "Whether a client's address must have a name, or one that leads back to it.")
                     ->type_name("WHAT")
                     ->capture_default_str(),
                 {"none", "named", "confirmed"});
    add_texts(app, "--rate", o.rates, "LIMIT",
              "Limit a rate: 'NAME: connections|messages|recipients|failures per "
              "client|network|sender|recipient|login 60/1m burst 10'. May be repeated.");
    app.add_option("--greylist", o.greylist,
                   "Tell senders that are not known to come back after this time: 90s, 5m, 1h; without it nobody.")
        ->type_name("TIME");
    tool.choices(app.add_option("--greylist-key", o.greylist_key,
                                "What is known after a sender whose SPF passes came back: its domain, the domain with "
                                "the network, or network, sender and recipient as for others.")
                     ->type_name("WHAT")
                     ->capture_default_str(),
                 {"domain", "network-domain", "triplet"});
    add_number(app, "--tarpit", o.tarpit, "MS", 0, 20000,
               "Milliseconds before a refusal of the door is said, more for each one in the hour, 0 to 20000.");
    add_texts(app, "--door-dry-run", o.dry_run, "RULE",
              "Only record what this rule would do: deny, early, helo, reverse, dnsbl, rate, greylist, recipient, "
              "class, policy, tarpit, one of them as rate:NAME, dnsbl:NAME or helo:CHECK, or all. May be repeated.");
}

void declare_process(cli::Tool& tool, CLI::App& app, DoorOptions& o)
{
    tool.choices(app.add_option("--door-on-error", o.on_error,
                                "What an answer that does not come in time means; where --recipients or --class-map "
                                "is given, RCPT is deferred in any case.")
                     ->type_name("WHAT")
                     ->capture_default_str(),
                 {"pass", "defer"});
    add_number(app, "--door-timeout", o.timeout, "SECONDS", 1, 120,
               "Seconds that the door may take for an answer, 1 to 120.");
    add_number(app, "--door-threads", o.threads, "N", 1, 256, "Questions that wait for the DNS at a time, 1 to 256.");
    declare_state(tool, app, o);
    add_file(tool, app, "--dns-zone", o.dns_zone, "Zone file that answers the door in place of the network.");
    add_file(tool, app, "--dns-record", o.dns_record,
             "File to which the door's DNS answers are appended, as a zone file.");
    app.add_option("--dns-server", o.dns_server,
                   "Name servers as ADDRESS:PORT, separated by commas; without it those of /etc/resolv.conf.")
        ->type_name("SERVERS");
    add_number(app, "--dns-timeout", o.dns_timeout_ms, "MS", 100, 60000,
               "Milliseconds until a look-up of the door fails, 100 to 60000.");
}

} // namespace

void declare_door(cli::Tool& tool, DoorOptions& o)
{
    auto& app = tool.app();
    tool.later(app, [&] {
        declare_lists(tool, app, o);
        declare_checks(tool, app, o);
        declare_process(tool, app, o);
    });
    tool.command("state", "show what the door has counted, or forget it",
                 [&](CLI::App& state) { declare_state_command(tool, state, o); });
}

} // namespace mgw::recv
