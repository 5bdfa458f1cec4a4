#include "lib/filter/compile.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/filter/text.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

constexpr Word words[] = {
    {"accept", "vnd.mgw.verdict", false},
    {"address", "", true},
    {"allof", "", true},
    {"anyof", "", true},
    {"attachment", "vnd.mgw.attachment", true},
    {"defer", "vnd.mgw.verdict", false},
    {"discard", "", false},
    {"else", "", false},
    {"elsif", "", false},
    {"envelope", "envelope", true},
    {"environment", "environment", true},
    {"ereject", "ereject", false},
    {"exists", "", true},
    {"false", "", true},
    {"fileinto", "fileinto", false},
    {"header", "", true},
    {"if", "", false},
    {"keep", "", false},
    {"not", "", true},
    {"quarantine", "vnd.mgw.verdict", false},
    {"redirect", "", false},
    {"reject", "reject", false},
    {"require", "", false},
    {"result", "vnd.mgw.result", true},
    {"set", "variables", false},
    {"size", "", true},
    {"stop", "", false},
    {"string", "variables", true},
    {"true", "", true},
};

std::string quoted(std::string_view text)
{
    return "\"" + printable(text, 60) + "\"";
}

} // namespace

const std::vector<std::string_view>& extension_names()
{
    static const std::vector<std::string_view> names = {"comparator-i;ascii-casemap",
                                                        "comparator-i;ascii-numeric",
                                                        "comparator-i;octet",
                                                        "copy",
                                                        "encoded-character",
                                                        "envelope",
                                                        "environment",
                                                        "ereject",
                                                        "fileinto",
                                                        "reject",
                                                        "relational",
                                                        "subaddress",
                                                        "variables",
                                                        "vnd.mgw.attachment",
                                                        "vnd.mgw.result",
                                                        "vnd.mgw.verdict"};
    return names;
}

const Word* find_word(std::string_view name)
{
    const auto* found = std::ranges::find(words, name, &Word::name);
    return found == std::end(words) ? nullptr : found;
}

std::string describe(const Problem& problem, std::string_view name)
{
    return std::string(name) + ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) + ": " +
           problem.message;
}

Compiled compile(std::string_view script, const CompileOptions& options)
{
    return Compiler(options).run(script);
}

Compiled Compiler::run(std::string_view script)
{
    const auto nodes = parse_script(script, options_.limits, problems_);
    program_.name = options_.name;
    program_.hash = hex(sha256(script));
    program_.version = options_.version;
    block(nodes, true);
    emit(Op::stop);
    program_.variables = has("variables");

    Compiled out;
    std::ranges::stable_sort(problems_, [](const Problem& a, const Problem& b) {
        return a.at.line != b.at.line ? a.at.line < b.at.line : a.at.column < b.at.column;
    });
    if (problems_.empty())
        out.program = std::move(program_);
    out.problems = std::move(problems_);
    return out;
}

bool Compiler::problem(Position at, std::string message, std::string hint)
{
    problems_.push_back({at, std::move(message), std::move(hint)});
    return false;
}

bool Compiler::needs(Position at, const std::string& what, std::string_view extension)
{
    return extension.empty() || has(extension) ||
           problem(at, what + " needs the extension \"" + std::string(extension) + "\"",
                   "name it at the beginning of the script: require \"" + std::string(extension) + "\";");
}

std::size_t Compiler::emit(Op op, std::size_t operand)
{
    program_.code.push_back({op, static_cast<std::uint32_t>(operand)});
    return program_.code.size() - 1;
}

void Compiler::require(const Node& node)
{
    Cursor cursor(*this, node);
    const Argument* names = cursor.strings("the names of extensions");
    if (names == nullptr || !cursor.done())
        return;
    for (const auto& name : names->strings) {
        if (std::ranges::find(extension_names(), name.text) != extension_names().end()) {
            required_.insert(name.text);
            continue;
        }
        std::string known;
        for (const auto extension : extension_names())
            known.append(known.empty() ? "" : ", ").append(extension);
        problem(name.at, "the extension " + quoted(name.text) + " is not supported", "supported are " + known);
    }
}

void Compiler::block(const Nodes& nodes, bool top)
{
    bool may_require = top;
    for (std::size_t i = 0; i < nodes.size();) {
        const Node& node = nodes[i];
        if (node.name == "require") {
            if (!may_require)
                problem(node.at, "\"require\" must stand before all other commands",
                        "move it to the top of the script");
            require(node);
            ++i;
            continue;
        }
        may_require = false;
        if (node.name == "if") {
            i = if_chain(nodes, i);
            continue;
        }
        if (node.name == "elsif" || node.name == "else")
            problem(node.at, "\"" + node.name + "\" without an \"if\" before it",
                    "it must follow directly on the block of an \"if\" or \"elsif\"");
        else
            command(node);
        ++i;
    }
}

/// "if", its "elsif"s and "else"; returns the position after them.
std::size_t Compiler::if_chain(const Nodes& nodes, std::size_t at)
{
    std::vector<std::size_t> ends;
    bool open = true;
    for (bool first = true; at < nodes.size() && open; ++at, first = false) {
        const Node& node = nodes[at];
        const bool is_else = node.name == "else";
        if (!first && !is_else && node.name != "elsif")
            break;
        std::size_t skip = 0;
        if (is_else) {
            open = false;
            Cursor cursor(*this, node);
            if (!node.tests.empty() || cursor.more())
                problem(node.at, "\"else\" takes no test", "write \"elsif\" for a further test");
        } else {
            condition(node);
            skip = emit(Op::jump_if_false);
        }
        if (!node.has_block)
            problem(node.at, "\"" + node.name + "\" needs a block", "write { … } after it");
        block(node.block, false);
        const bool goes_on = at + 1 < nodes.size() && (nodes[at + 1].name == "elsif" || nodes[at + 1].name == "else");
        if (!is_else) {
            if (goes_on)
                ends.push_back(emit(Op::jump));
            land(skip);
        }
    }
    for (const auto jump : ends)
        land(jump);
    return at;
}

bool Compiler::condition(const Node& node)
{
    if (!node.arguments.empty())
        problem(node.arguments.front().at, "\"" + node.name + "\" takes a test, no other arguments");
    if (node.tests.size() != 1 || node.test_list)
        return problem(node.at, "\"" + node.name + "\" needs exactly one test",
                       "join several by allof (…) or anyof (…)");
    test(node.tests.front());
    return true;
}

void Compiler::command(const Node& node)
{
    const Word* word = find_word(node.name);
    if (word == nullptr || word->is_test) {
        problem(node.at, word == nullptr ? "unknown command " + quoted(node.name) : quoted(node.name) + " is a test",
                word == nullptr
                    ? "commands are keep, discard, stop, redirect, fileinto, reject, ereject, set, quarantine, "
                      "defer, accept, if, require"
                    : "tests stand after \"if\" or \"elsif\"");
        return;
    }
    if (!needs(node.at, quoted(node.name), word->extension))
        return;
    if (node.name == "stop") {
        if (Cursor(*this, node).done())
            emit(Op::stop);
        return;
    }
    action(node);
}

Text Compiler::text(const StringItem& item)
{
    std::string octets = item.text;
    std::string why;
    if (has("encoded-character")) {
        if (auto decoded = decode_encoded_characters(octets, why))
            octets = std::move(*decoded);
        else
            problem(item.at, why);
    }
    if (!has("variables"))
        return Text{.literal = std::move(octets)};
    why.clear();
    Text out = cut_variables(octets, why);
    if (!why.empty())
        problem(item.at, why);
    return out;
}

std::vector<Text> Compiler::texts(const Argument& argument)
{
    std::vector<Text> out;
    out.reserve(argument.strings.size());
    for (const auto& item : argument.strings)
        out.push_back(text(item));
    return out;
}

std::optional<std::string> Compiler::constant(const Argument& argument, const char* what)
{
    Text out = text(argument.strings.front());
    if (out.is_literal())
        return std::move(out.literal);
    problem(argument.at, std::string(what) + " must not contain variables");
    return std::nullopt;
}

} // namespace mgw::filter
