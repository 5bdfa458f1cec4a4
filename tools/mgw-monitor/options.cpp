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

    auto& report = command(tool, o, Command::report, "report", "Sum up: messages, verdicts, authentication, times.");
    report
        .add_option("--top", o.top, "Rows of each list of rules, viruses, senders, recipients and clients, 1 to 1000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    add_files(tool, o, report);

    add_files(tool, o, command(tool, o, Command::metrics, "metrics", "Write the sums in Prometheus' text format."));
}

} // namespace mgw::monitor
