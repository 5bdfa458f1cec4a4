#include "tools/mgw-monitor/options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::monitor_tool
{

namespace
{

CLI::App& command(cli::Tool& tool, Options& o, Command which, const std::string& name, const std::string& summary)
{
    auto& app = tool.command(name, summary);
    app.callback([&o, which] { o.command = which; });
    return app;
}

void add_files(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.hint(app.add_option("FILE", o.files, "Files that the tools wrote with --log; standard input by default.")
                  ->type_name("FILE"),
              cli::Complete::file);
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    auto& report = command(tool, o, Command::report, "report", "Say in sum what the records say.");
    report.add_option("--top", o.top, "Lines in each list of the most frequent, 1 to 1000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    add_files(tool, report, o);
    auto& trace =
        command(tool, o, Command::trace, "trace", "Tell what happened to one message, or to those of an address.");
    trace.add_option("WHAT", o.what, "An Mgw-Id, a queue id, or an address (a sender or recipient).")
        ->type_name("ID|ADDRESS")
        ->required();
    add_files(tool, trace, o);
    auto& metrics = command(tool, o, Command::metrics, "metrics", "Print counters in the text format of Prometheus.");
    add_files(tool, metrics, o);
    tool.app().require_subcommand(1);
}

} // namespace mgw::monitor_tool
