#include "options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::monitor
{

namespace
{

CLI::App& command(cli::Tool& tool, Options& o, Command which, const std::string& name, const std::string& summary)
{
    auto& app = tool.command(name, summary);
    app.fallthrough();
    app.callback([&o, which] { o.command = which; });
    return app;
}

void add_files(cli::Tool& tool, Options& o, CLI::App& app)
{
    tool.hint(
        app.add_option("FILE", o.files, "Files of records; standard input without one, or as -.")->type_name("FILE"),
        cli::Complete::file);
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    tool.app().require_subcommand(1);
    auto& trace = command(tool, o, Command::trace, "trace", "Tell what happened to a message, and why.");
    trace.add_option("ID", o.wanted, "Id of a message, or the address of a sender or recipient.")
        ->type_name("ID|ADDRESS")
        ->required();
    add_files(tool, o, trace);
}

} // namespace mgw::monitor
