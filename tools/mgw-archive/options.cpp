#include "tools/mgw-archive/options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::archive_tool
{

namespace
{

using Declare = void (*)(cli::Tool&, CLI::App&, Options&);

void command(cli::Tool& tool, Options& o, Command which, const std::string& name, const std::string& summary,
             Declare declare)
{
    tool.command(name, summary, [&tool, &o, which, declare](CLI::App& app) {
        app.callback([&o, which] { o.command = which; });
        tool.hint(app.add_option("--archive", o.archive, "Folder of the archive; default ~/.local/state/mgw/archive.")
                      ->type_name("DIR"),
                  cli::Complete::directory);
        declare(tool, app, o);
    });
}

void add_pack_size(CLI::App& app, Options& o)
{
    app.add_option("--pack-size", o.pack_octets,
                   "Size in octets at which a pack is sealed and another begins, 65536 to 2^40.")
        ->type_name("OCTETS")
        ->capture_default_str()
        ->check(CLI::Range(std::uint64_t{65536}, std::uint64_t{1} << 40).description(""));
}

void declare_list(cli::Tool&, CLI::App& list, Options& o)
{
    list.add_option("--since", o.since,
                    "Only messages archived at this time or later: 2026-11-24, 2026-11-24T05:47:35Z, or 5d, 4h, 5m, "
                    "90s ago.")
        ->type_name("TIME");
    list.add_option("--until", o.until, "Only messages archived before this time, in the same forms.")
        ->type_name("TIME");
    list.add_option("--from", o.from, "Only messages whose envelope sender or From contains this text.")
        ->type_name("TEXT");
    list.add_option("--to", o.to, "Only messages whose envelope recipients, To or Cc contain this text.")
        ->type_name("TEXT");
    list.add_option("--subject", o.subject, "Only messages whose Subject contains this text.")->type_name("TEXT");
    list.add_option("--id", o.id, "Only messages with this archive id, Mgw-Id or Message-ID.")->type_name("ID");
}

void declare_add(cli::Tool& tool, CLI::App& add, Options& o)
{
    cli::declare_stream_options(tool, add, o.stream);
    cli::declare_envelope_options(tool, add, o.envelope);
    add_pack_size(add, o);
}

void declare_tee(cli::Tool& tool, CLI::App& tee, Options& o)
{
    cli::declare_stage_options(tool, tee, o.stage);
    add_pack_size(tee, o);
}

void declare_get(cli::Tool&, CLI::App& get, Options& o)
{
    get.add_flag("--envelope", o.show_envelope, "Write the envelope block instead of the message.");
    get.add_option("ID", o.ids, "Messages, by archive id, Mgw-Id or Message-ID.")->type_name("ID")->required();
}

void declare_backup(cli::Tool& tool, CLI::App& backup, Options& o)
{
    tool.hint(
        backup.add_option("--to", o.folder, "Folder of the backup, on another disk.")->type_name("DIR")->required(),
        cli::Complete::directory);
}

void declare_restore(cli::Tool& tool, CLI::App& restore, Options& o)
{
    tool.hint(restore.add_option("--from", o.folder, "Folder of the backup.")->type_name("DIR")->required(),
              cli::Complete::directory);
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    tool.app().require_subcommand(1);
    command(tool, o, Command::add, "add", "Keep messages durably, then answer.", declare_add);
    command(tool, o, Command::tee, "tee", "Keep a copy of messages durably and pass them on unchanged.", declare_tee);
    command(tool, o, Command::get, "get", "Write messages as they were archived, octet for octet.", declare_get);
    command(tool, o, Command::list, "list", "List messages in the order of their arrival.", declare_list);
    command(tool, o, Command::verify, "verify", "Read every octet of the archive and name what is wrong.",
            [](cli::Tool&, CLI::App&, Options&) {});
    command(tool, o, Command::backup, "backup", "Copy to a folder what it has not got yet, verified.", declare_backup);
    command(tool, o, Command::restore, "restore", "Make an archive from a backup, verified.", declare_restore);
}

} // namespace mgw::archive_tool
