#include "tools/mgw-queue/options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::queue_tool
{

namespace
{

using Declare = void (*)(cli::Tool&, CLI::App&, Options&);

void command(cli::Tool& tool, Options& o, Command which, const std::string& name, const std::string& summary,
             Declare declare)
{
    tool.command(name, summary, [&tool, &o, which, declare](CLI::App& app) {
        app.callback([&o, which] { o.command = which; });
        tool.hint(app.add_option("--spool", o.spool,
                                 "Folder of the queue; default $MGW_SPOOL or ~/.local/state/mgw/spool.")
                      ->type_name("DIR"),
                  cli::Complete::directory);
        declare(tool, app, o);
    });
}

void add_ids(cli::Tool&, CLI::App& app, Options& o)
{
    app.add_option("ID", o.ids, "Messages, by queue id or Mgw-Id.")->type_name("ID")->required();
}

void add_dsn(CLI::App& app, Options& o)
{
    app.add_option("--hostname", o.hostname, "Name of this system in notices; default the machine's name.")
        ->type_name("NAME");
    app.add_option("--dsn-hop", o.dsn_hop, "Next hop of notices, as in Mgw-Hop; default what mgw-send finds.")
        ->type_name("DESTINATION");
}

void declare_add(cli::Tool& tool, CLI::App& add, Options& o)
{
    cli::declare_stream_options(tool, add, o.stream);
    cli::declare_envelope_options(tool, add, o.envelope);
    tool.choices(
        add.add_option("--mixed", o.mixed,
                       "What becomes of refused copies over SMTP when others are accepted; defer asks the client "
                       "to send them apart.")
            ->type_name("WHAT")
            ->capture_default_str(),
        {"quarantine", "defer"});
    add.add_option("--min-free", o.min_free,
                   "Answer 452 when less disk space is free: a size with k, M or G, or a share such as 5%; auto is the "
                   "smaller of 64M and 5%.")
        ->type_name("SIZE")
        ->capture_default_str();
    add_dsn(add, o);
    add.add_option("--segment-size", o.segment_octets, "Size at which a new file of the spool begins, in octets.")
        ->type_name("OCTETS")
        ->capture_default_str()
        ->check(CLI::Range(std::uint64_t{65536}, std::uint64_t{1} << 40).description(""));
}

void declare_run(cli::Tool&, CLI::App& run, Options& o)
{
    run.add_option("--send", o.send, "Program that delivers: reads frames, writes answers.")
        ->type_name("COMMAND")
        ->capture_default_str();
    run.add_flag("--once", o.once, "End when nothing is due, for cron.");
    run.add_option("--window", o.window, "Messages that are with the program at one time, 1 to 10000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1U, 10000U).description(""));
    run.add_option("--first-wait", o.first_wait,
                   "Wait after the first failed attempt; it doubles with each further one.")
        ->type_name("TIME")
        ->capture_default_str();
    run.add_option("--longest-wait", o.longest_wait, "The wait never grows longer.")
        ->type_name("TIME")
        ->capture_default_str();
    run.add_option("--lifetime", o.lifetime, "A message that is older is returned to its sender when an attempt fails.")
        ->type_name("TIME")
        ->capture_default_str();
    run.add_option("--grace", o.grace, "Wait for running deliveries after SIGTERM.")
        ->type_name("TIME")
        ->capture_default_str();
    add_dsn(run, o);
}

void declare_list(cli::Tool& tool, CLI::App& list, Options& o)
{
    tool.choices(list.add_option("--state", o.state, "Only messages in this state.")->type_name("STATE"),
                 {"ready", "deferred", "held", "quarantined"});
    list.add_option("--sender", o.sender, "Only messages whose sender contains this text.")->type_name("TEXT");
    list.add_option("--recipient", o.recipient, "Only messages with a waiting recipient that contains this text.")
        ->type_name("TEXT");
    list.add_option("--older", o.older, "Only messages that came longer ago than this: 90s, 5m, 4h, 5d.")
        ->type_name("TIME");
}

void declare_hold(cli::Tool& tool, CLI::App& hold, Options& o)
{
    hold.add_option("--reason", o.reason, "Why, for list and show.")->type_name("TEXT");
    add_ids(tool, hold, o);
}

void declare_release(cli::Tool& tool, CLI::App& release, Options& o)
{
    release
        .add_option("--release-pipeline", o.release_pipeline,
                    "Stages for messages from quarantine, such as 'mgw-route | mgw-crypt | mgw-queue add'.")
        ->type_name("STAGES");
    add_ids(tool, release, o);
}

void declare_remove(cli::Tool& tool, CLI::App& remove, Options& o)
{
    remove.add_option("--reason", o.reason, "Why, for the record.")->type_name("TEXT");
    add_ids(tool, remove, o);
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    tool.app().require_subcommand(1);
    command(tool, o, Command::add, "add", "Keep messages durably, then answer.", declare_add);
    command(tool, o, Command::list, "list", "List the messages of the queue.", declare_list);
    command(tool, o, Command::show, "show", "Show all that is known of messages, without their text.", add_ids);
    command(tool, o, Command::cat, "cat", "Write messages as they were received, octet for octet.", add_ids);
    command(tool, o, Command::hold, "hold", "Keep messages from being delivered until they are released.",
            declare_hold);
    command(tool, o, Command::release, "release", "Deliver held messages, and quarantined ones through a pipeline.",
            declare_release);
    command(tool, o, Command::remove, "delete", "Delete messages; nobody is told.", declare_remove);
    command(tool, o, Command::retry, "retry", "Make deferred messages due now.", add_ids);
    command(tool, o, Command::run, "run", "Deliver what is due.", declare_run);
    command(tool, o, Command::check, "check", "Verify every file of the spool and name what is wrong.",
            [](cli::Tool&, CLI::App&, Options&) {});
}

} // namespace mgw::queue_tool
