#include "tools/mgw-filter/options.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <map>
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

namespace
{

constexpr std::array<std::string_view, 4> commands{"parts", "diff", "undo", "redo"};

/// What belongs to filtering alone does not go with a command.
void refuse_options_of_filter(cli::Tool& tool, const std::string& name)
{
    for (const CLI::Option* option : tool.app().get_options())
        if (option->count() > 0 && option->get_group() != "Common options")
            throw CLI::ValidationError(option->get_lnames().empty()
                                           ? name + " is a command and comes first; a file of that name is ./" + name
                                           : "--" + option->get_lnames()[0] + " does not go with the command " + name);
}

void command(cli::Tool& tool, Options& o, Command which, const std::string& summary,
             std::function<void(CLI::App&)> declare)
{
    const std::string name(commands.at(static_cast<std::size_t>(which) - 1));
    tool.command(name, summary, [&tool, &o, which, name, declare = std::move(declare)](CLI::App& app) {
        app.callback([&tool, &o, which, name] {
            refuse_options_of_filter(tool, name);
            o.command = which;
        });
        declare(app);
    });
}

void declare_parts(cli::Tool& tool, CLI::App& app, Options& o)
{
    static const std::map<std::string, cli::Kind> kinds{
        {"message", cli::Kind::message}, {"mbox", cli::Kind::mbox}, {"frames", cli::Kind::frames}};
    tool.hint(app.add_option("FILE", o.shown.operands,
                             "Messages, mboxes, Maildirs and folders of messages to read instead of standard input.")
                  ->type_name("FILE"),
              cli::Complete::file);
    tool.choices(app.add_option_function<std::string>(
                        "--input", [&o](const std::string& value) { o.shown.input = kinds.at(value); },
                        "Kind of the input: one message (the default), an mbox, or the frames of a lane.")
                     ->type_name("KIND"),
                 {"message", "mbox", "frames"});
    app.add_option("--extract", o.part,
                   "Write the decoded octets of this part of the one message to standard output: a number or a path "
                   "of the list, such as 3 or 1.2.")
        ->type_name("PART");
    app.add_flag("--raw", o.raw, "With --extract: the part as it stands, with its header and its encoding.");
}

void declare_block(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.choices(app.add_option_function<std::string>(
                        "--block", [&o](const std::string& value) { o.strip_block = value == "strip"; },
                        "Whether the envelope block at the top counts as a part of the message, or is set aside.")
                     ->type_name("MODE"),
                 {"keep", "strip"});
}

void declare_diff(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.hint(app.add_option("FILE", o.files, "The message before and the message after; - is standard input.")
                  ->type_name("FILE")
                  ->required()
                  ->expected(2),
              cli::Complete::file);
    declare_block(tool, app, o);
}

void declare_replay(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.hint(app.add_option("FILE", o.files,
                             "The edits, as diff --json wrote them, then the message; without it, standard input.")
                  ->type_name("FILE")
                  ->required()
                  ->expected(1, 2),
              cli::Complete::file);
    declare_block(tool, app, o);
}

void declare_commands(cli::Tool& tool, Options& o)
{
    command(tool, o, Command::parts, "Show the parts of messages, or write one of them out.",
            [&](CLI::App& app) { declare_parts(tool, app, o); });
    command(tool, o, Command::diff, "Say what was changed between two messages.",
            [&](CLI::App& app) { declare_diff(tool, app, o); });
    command(tool, o, Command::undo, "Take edits back: the message as it was before them, octet for octet.",
            [&](CLI::App& app) { declare_replay(tool, app, o); });
    command(tool, o, Command::redo, "Do edits again: the message as it was after them, octet for octet.",
            [&](CLI::App& app) { declare_replay(tool, app, o); });
}

void declare_policy(cli::Tool& tool, Options& o)
{
    tool.hint(
        tool.app()
            .add_option("--policy", o.policy, "Sieve script that decides; without it the first operand is the script.")
            ->type_name("FILE"),
        cli::Complete::file);
}

void declare_filter(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
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
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    tool.optional_commands(commands, [&] { declare_commands(tool, o); });
    auto& app = tool.app();
    tool.later(app, [&] { declare_policy(tool, o); });
    tool.later(app, [&] { declare_filter(tool, o); });
    cli::declare_stage_options(tool, app, o.stage);
}

} // namespace mgw::filter_tool
