#include "options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::monitor
{

namespace
{

void add_files(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.hint(
        app.add_option("FILE", o.files, "Files of records; standard input without one, or as -.")->type_name("FILE"),
        cli::Complete::file);
}

void declare_trace(cli::Tool& tool, CLI::App& trace, Options& o)
{
    trace.add_option("ID", o.wanted, "Id of a message, or the address of a sender or recipient.")
        ->type_name("ID|ADDRESS")
        ->required();
    add_files(tool, trace, o);
}

void declare_report(cli::Tool& tool, CLI::App& report, Options& o)
{
    report
        .add_option("--top", o.top, "Rows of each list of rules, viruses, senders, recipients and clients, 1 to 1000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    add_files(tool, report, o);
}

using Declare = void (*)(cli::Tool&, CLI::App&, Options&);

void command(cli::Tool& tool, Options& o, Command which, const std::string& name, const std::string& summary,
             Declare declare)
{
    tool.command(name, summary, [&tool, &o, which, declare](CLI::App& app) {
        app.callback([&o, which] { o.command = which; });
        declare(tool, app, o);
    });
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    tool.app().require_subcommand(1);
    command(tool, o, Command::trace, "trace", "Tell what happened to a message, and why.", declare_trace);
    command(tool, o, Command::report, "report", "Sum up: messages, verdicts, authentication, times.", declare_report);
    command(tool, o, Command::metrics, "metrics", "Write the sums in Prometheus' text format.", add_files);
}

} // namespace mgw::monitor
