#include "lib/cli/impl.hpp"

#include <algorithm>
#include <sstream>

namespace mgw::cli
{

namespace
{

using Choices = std::map<const CLI::Option*, std::vector<std::string>>;
using Hints = std::map<const CLI::Option*, Complete>;

std::string scdoc_text(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (c == '*' || c == '_' || c == '\\' || c == '~' || c == '`' || c == '<' || c == '>' || c == '#')
            out += '\\';
        out += c;
    }
    return out;
}

bool takes_value(const CLI::Option& option)
{
    return option.get_items_expected_max() != 0;
}

/// "--name" or, for an operand, "NAME"
std::string long_name(const CLI::Option& option)
{
    if (!option.get_lnames().empty())
        return "--" + option.get_lnames()[0];
    return option.get_snames().empty() ? option.get_name() : "-" + option.get_snames()[0];
}

/// With the one that turns a flag off: "--name, --no-name"
std::string all_names(const CLI::Option& option)
{
    std::string out;
    for (const auto& name : option.get_lnames())
        out += (out.empty() ? "--" : ", --") + name;
    return out.empty() ? long_name(option) : out;
}

bool is_operand(const CLI::Option& option)
{
    return option.get_lnames().empty() && option.get_snames().empty();
}

std::vector<const CLI::App*> commands_of(const CLI::App& app)
{
    std::vector<const CLI::App*> out;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        out.push_back(sub);
    return out;
}

/// Where it does not, files may stand in a command's place.
bool needs_command(const CLI::App& app)
{
    return app.get_require_subcommand_min() > 0;
}

void man_options(std::ostringstream& out, const CLI::App& app, const Choices& choices)
{
    std::string group;
    for (const CLI::Option* option : visible_options(app)) {
        if (option->get_group() != group && option->get_group() == "Common options")
            out << "Options that every tool has:\n\n";
        group = option->get_group();
        if (is_operand(*option))
            out << "_" << scdoc_text(option->get_type_name().empty() ? option->get_name() : option->get_type_name())
                << "_\n";
        else
            out << "*" << scdoc_text(all_names(*option)) << "*"
                << (takes_value(*option) ? " _" + scdoc_text(option->get_type_name()) + "_" : "") << "\n";
        out << "\t" << scdoc_text(option->get_description());
        if (const auto list = choices.find(option); list != choices.end()) {
            out << " One of:";
            for (std::size_t i = 0; i < list->second.size(); ++i)
                out << (i == 0 ? " *" : ", *") << scdoc_text(list->second[i]) << "*";
            out << ".";
        }
        if (!option->get_default_str().empty() && takes_value(*option))
            out << " Default: " << scdoc_text(option->get_default_str()) << ".";
        if (!option->get_envname().empty())
            out << " Environment: *" << scdoc_text(option->get_envname()) << "*.";
        if (option->get_required())
            out << " Required.";
        if (option->get_items_expected_max() > 1 && !is_operand(*option))
            out << " May be repeated.";
        out << "\n\n";
    }
}

std::string man(const CLI::App& app, const Choices& choices)
{
    std::ostringstream out;
    for (const CLI::App* sub : commands_of(app)) {
        out << "## " << sub->get_name() << "\n\n" << scdoc_text(sub->get_description()) << "\n\n";
        man_options(out, *sub, choices);
    }
    if (!commands_of(app).empty())
        out << (needs_command(app) ? "## All commands\n\n" : "## Without a command\n\n");
    man_options(out, app, choices);
    return out.str();
}

std::string words(const std::vector<const CLI::Option*>& options)
{
    std::string out;
    for (const CLI::Option* option : options)
        if (!is_operand(*option))
            for (const auto& name : option->get_lnames())
                out += (out.empty() ? "--" : " --") + name;
    return out;
}

std::string bash(const std::string& tool, const CLI::App& app, const Choices& choices, const Hints& hints)
{
    std::string function = "_" + tool;
    std::ranges::replace(function, '-', '_');
    std::ostringstream out;
    out << "# bash completion for " << tool << "\n" << function << "() {\n";
    out << "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n";
    out << "  case $prev in\n";
    const auto values = [&](const CLI::App& a) {
        for (const CLI::Option* option : visible_options(a)) {
            if (!takes_value(*option) || is_operand(*option))
                continue;
            out << "    " << long_name(*option) << ") ";
            if (const auto list = choices.find(option); list != choices.end()) {
                out << "mapfile -t COMPREPLY < <(compgen -W '";
                for (const auto& value : list->second)
                    out << value << " ";
                out << "' -- \"$cur\")";
            } else if (const auto hint = hints.find(option); hint != hints.end()) {
                out << "mapfile -t COMPREPLY < <(compgen " << (hint->second == Complete::directory ? "-d" : "-f")
                    << " -- \"$cur\")";
            } else {
                out << "COMPREPLY=()";
            }
            out << "; return ;;\n";
        }
    };
    values(app);
    for (const CLI::App* sub : commands_of(app))
        values(*sub);
    out << "  esac\n";
    out << "  local options='--help " << words(visible_options(app)) << "'\n";
    if (!commands_of(app).empty()) {
        out << "  local word commands='";
        for (const CLI::App* sub : commands_of(app))
            out << sub->get_name() << " ";
        out << "'\n  for word in \"${COMP_WORDS[@]:1}\"; do\n    case $word in\n";
        for (const CLI::App* sub : commands_of(app))
            out << "      " << sub->get_name() << ") commands=''; options=\"$options " << words(visible_options(*sub))
                << "\" ;;\n";
        out << "    esac\n  done\n";
        out << "  [[ $cur == -* || -z $commands ]] || { mapfile -t COMPREPLY < <(compgen "
            << (needs_command(app) ? "" : "-f ") << "-W \"$commands\" -- \"$cur\"); return; }\n";
    }
    out << "  if [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n";
    out << "  else mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); fi\n";
    out << "}\ncomplete -o filenames -F " << function << " " << tool << "\n";
    return out.str();
}

std::string quoted(std::string_view text, std::string_view special)
{
    std::string out;
    for (const char c : text) {
        if (c == '\'')
            out += "'\\'";
        else if (special.contains(c))
            out += '\\';
        out += c;
    }
    return out;
}

void zsh_options(std::ostringstream& out, const CLI::App& app, const Choices& choices, const Hints& hints)
{
    for (const CLI::Option* option : visible_options(app)) {
        if (is_operand(*option))
            continue;
        out << " \\\n    '" << (option->get_items_expected_max() > 1 ? "*" : "") << long_name(*option)
            << (takes_value(*option) ? "=" : "") << "[" << quoted(option->get_description(), "[]\\:") << "]";
        if (takes_value(*option)) {
            out << ":" << quoted(option->get_type_name(), ":\\");
            if (const auto list = choices.find(option); list != choices.end()) {
                out << ":(";
                for (std::size_t i = 0; i < list->second.size(); ++i)
                    out << (i > 0 ? " " : "") << list->second[i];
                out << ")";
            } else if (const auto hint = hints.find(option); hint != hints.end()) {
                out << (hint->second == Complete::directory ? ":_files -/" : ":_files");
            } else {
                out << ": ";
            }
        }
        out << "'";
        for (std::size_t i = 1; i < option->get_lnames().size(); ++i)
            out << " \\\n    '--" << option->get_lnames()[i] << "[Not --" << option->get_lnames()[0] << ".]'";
    }
}

std::string zsh(const std::string& tool, const CLI::App& app, const Choices& choices, const Hints& hints)
{
    std::ostringstream out;
    out << "#compdef " << tool << "\n# zsh completion for " << tool << "\n";
    if (commands_of(app).empty()) {
        out << "_arguments '--help[Print this help and exit.]'";
        zsh_options(out, app, choices, hints);
        out << " \\\n    '*:file:_files'\n";
        return out.str();
    }
    out << "local line state\n_arguments -C '--help[Print this help and exit.]'";
    zsh_options(out, app, choices, hints);
    std::string names;
    for (const CLI::App* sub : commands_of(app))
        names += sub->get_name() + " ";
    out << " \\\n    '1:command:"
        << (needs_command(app) ? "(" + names + ")"
                               : "{_alternative \"commands\\:command\\:(" + names + ")\" \"files\\:file\\:_files\"}")
        << "' '*::argument:->argument'\ncase $line[1] in\n";
    for (const CLI::App* sub : commands_of(app)) {
        out << "  " << sub->get_name() << ") _arguments";
        zsh_options(out, *sub, choices, hints);
        out << " \\\n    '*:file:_files' ;;\n";
    }
    if (!needs_command(app))
        out << "  *) _files ;;\n";
    out << "esac\n";
    return out.str();
}

void fish_options(std::ostringstream& out, const std::string& start, const CLI::App& app, const Choices& choices,
                  const Hints& hints)
{
    for (const CLI::Option* option : visible_options(app)) {
        if (is_operand(*option))
            continue;
        for (std::size_t i = 1; i < option->get_lnames().size(); ++i)
            out << start << " -l " << option->get_lnames()[i] << "\n";
        out << start << " -l " << option->get_lnames().at(0) << " -d '" << quoted(option->get_description(), "\\")
            << "'";
        if (takes_value(*option)) {
            if (const auto list = choices.find(option); list != choices.end()) {
                out << " -x -a '";
                for (const auto& value : list->second)
                    out << value << " ";
                out << "'";
            } else if (hints.contains(option)) {
                out << " -r -F";
            } else {
                out << " -x";
            }
        }
        out << "\n";
    }
}

std::string fish(const std::string& tool, const CLI::App& app, const Choices& choices, const Hints& hints)
{
    std::ostringstream out;
    out << "# fish completion for " << tool << "\ncomplete -c " << tool << " -l help -d 'Print this help and exit.'\n";
    fish_options(out, "complete -c " + tool, app, choices, hints);
    for (const CLI::App* sub : commands_of(app)) {
        out << "complete -c " << tool << " -n __fish_use_subcommand -a " << sub->get_name() << " -d '"
            << quoted(sub->get_description(), "\\") << "'\n";
        fish_options(out, "complete -c " + tool + " -n '__fish_seen_subcommand_from " + sub->get_name() + "'", *sub,
                     choices, hints);
    }
    return out.str();
}

} // namespace

std::vector<const CLI::Option*> visible_options(const CLI::App& app)
{
    std::vector<const CLI::Option*> own;
    std::vector<const CLI::Option*> common;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty() || option == app.get_help_ptr() || option->check_lname("version"))
            continue;
        (option->get_group() == "Common options" ? common : own).push_back(option);
    }
    own.insert(own.end(), common.begin(), common.end());
    return own;
}

Result<std::string> generate(std::string_view what, const std::string& tool, const CLI::App& app,
                             const Choices& choices, const Hints& hints)
{
    if (what == "man")
        return man(app, choices);
    if (what == "bash")
        return bash(tool, app, choices, hints);
    if (what == "zsh")
        return zsh(tool, app, choices, hints);
    if (what == "fish")
        return fish(tool, app, choices, hints);
    if (what == "names") { // what docs.bats compares: every option, one a line
        std::ostringstream out;
        const auto list = [&](const std::string& prefix, const CLI::App& a) {
            for (const CLI::Option* option : visible_options(a))
                for (const auto& name : option->get_lnames()) // a flag may have one that turns it off
                    out << prefix << "--" << name << "\n";
        };
        list("", app);
        for (const CLI::App* sub : commands_of(app))
            list(sub->get_name() + " ", *sub);
        return out.str();
    }
    return fail(Status::usage, "--generate is man, bash, zsh, fish or names");
}

} // namespace mgw::cli
