#include "tools/mgw-filter/options.hpp"

#include <CLI/CLI.hpp>
#include <string_view>

namespace mgw::filter_tool
{

std::vector<char*> take_each(int argc, char** argv, Options& options)
{
    std::vector<char*> ours;
    int at = 0;
    for (; at < argc && std::string_view(argv[at]) != "--each"; ++at)
        ours.push_back(argv[at]);
    if (at == argc)
        return ours;
    options.has_each = true;
    options.each.assign(argv + at + 1, argv + argc);
    if (!options.each.empty() && options.each.back() == "--input=frames") {
        options.each.pop_back();
        ours.push_back(argv[argc - 1]);
    }
    return ours;
}

void declare(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
    tool.hint(
        app.add_option("--policy", o.policy, "Sieve script that decides; without it the first operand is the script.")
            ->type_name("FILE"),
        cli::Complete::file);
    tool.choices(
        app.add_option("--allow-override", o.allow_override,
                       "Let the policy lift verdicts of this class by an accept; virus is the only one that needs it.")
            ->type_name("CLASS"),
        {"virus"});
    // taken off the command line by take_each(); declared for help, manual page and completions
    app.add_option("--each",
                   "Run a program once per message instead of a policy; the last option: everything behind it is "
                   "the command and its arguments. On the command line only.")
        ->type_name("COMMAND")
        ->configurable(false);
    app.add_option("--each-timeout", o.each_timeout, "Seconds that the program may take for one message, 1 to 3600.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600).description(""));
    cli::declare_stage_options(tool, app, o.stage);
}

} // namespace mgw::filter_tool
