#include "lib/filter/syntax.hpp"

namespace mgw::filter
{

namespace
{

class Parser {
public:
    Parser(std::vector<Token> tokens, const ScriptLimits& limits, std::vector<Problem>& problems)
        : tokens_(std::move(tokens)), limits_(limits), problems_(problems)
    {}

    std::vector<Node> run()
    {
        std::vector<Node> commands;
        while (current().kind != TokenKind::end) {
            commands.emplace_back();
            if (!command(commands.back(), 0))
                return {};
        }
        return commands;
    }

private:
    const Token& current() const { return tokens_[at_]; }
    void advance()
    {
        if (at_ + 1 < tokens_.size())
            ++at_;
    }
    bool is(char mark) const { return current().kind == TokenKind::punctuation && current().mark == mark; }
    bool take(char mark)
    {
        if (!is(mark))
            return false;
        advance();
        return true;
    }

    bool problem(Position at, std::string message, std::string hint = {})
    {
        problems_.push_back({at, std::move(message), std::move(hint)});
        return false;
    }

    std::string found() const
    {
        const Token& t = current();
        switch (t.kind) {
        case TokenKind::identifier:
            return "\"" + t.text + "\"";
        case TokenKind::tag:
            return "\":" + t.text + "\"";
        case TokenKind::number:
            return "a number";
        case TokenKind::string:
            return "a string";
        case TokenKind::punctuation:
            return std::string("'") + t.mark + "'";
        case TokenKind::end:
            return "the end of the script";
        }
        return {};
    }

    bool too_deep(std::size_t depth)
    {
        return depth >= limits_.nesting &&
               !problem(current().at,
                        "blocks and tests nest deeper than " + std::to_string(limits_.nesting) + " levels",
                        "join conditions by allof and anyof");
    }

    bool command(Node& node, std::size_t depth)
    {
        if (too_deep(depth))
            return false;
        if (current().kind != TokenKind::identifier)
            return problem(current().at, "expected a command, found " + found(),
                           is('}') ? "a block is closed twice" : "");
        if (!head(node, depth))
            return false;
        if (take(';'))
            return true;
        if (!is('{'))
            return problem(current().at, "expected ';' or a block after \"" + node.name + "\", found " + found(),
                           "an action ends in ';'");
        const Position opened = current().at;
        advance();
        node.has_block = true;
        while (!is('}')) {
            if (current().kind == TokenKind::end)
                return problem(opened, "this block is never closed", "end it with }");
            node.block.emplace_back();
            if (!command(node.block.back(), depth + 1))
                return false;
        }
        advance();
        return true;
    }

    /// The name, the arguments, then a test or a list of tests.
    bool head(Node& node, std::size_t depth)
    {
        node.at = current().at;
        node.name = current().text;
        advance();
        while (starts_argument()) {
            Argument argument;
            if (!read_argument(argument))
                return false;
            node.arguments.push_back(std::move(argument));
        }
        if (current().kind == TokenKind::identifier) {
            node.tests.emplace_back();
            return test(node.tests.back(), depth);
        }
        if (!is('('))
            return true;
        const Position opened = current().at;
        node.test_list = true;
        do {
            advance();
            node.tests.emplace_back();
            if (!test(node.tests.back(), depth))
                return false;
        } while (is(','));
        return take(')') ||
               problem(opened, "this list of tests is never closed", "tests are separated by ',' and end in ')'");
    }

    bool test(Node& node, std::size_t depth)
    {
        if (too_deep(depth))
            return false;
        if (current().kind != TokenKind::identifier)
            return problem(current().at, "expected a test, found " + found());
        return head(node, depth + 1);
    }

    bool starts_argument() const
    {
        return current().kind == TokenKind::tag || current().kind == TokenKind::number ||
               current().kind == TokenKind::string || is('[');
    }

    bool read_argument(Argument& argument)
    {
        const Token& token = current();
        argument.at = token.at;
        switch (token.kind) {
        case TokenKind::tag:
            argument.kind = Argument::Kind::tag;
            argument.tag = token.text;
            break;
        case TokenKind::number:
            argument.kind = Argument::Kind::number;
            argument.number = token.number;
            break;
        case TokenKind::string:
            argument.strings.push_back({token.at, token.text});
            break;
        default:
            return string_list(argument);
        }
        advance();
        return true;
    }

    bool string_list(Argument& argument)
    {
        argument.is_list = true;
        do {
            advance();
            if (current().kind != TokenKind::string)
                return problem(current().at, "expected a string in this list, found " + found(),
                               "a list is written [\"one\", \"two\"]");
            argument.strings.push_back({current().at, current().text});
            advance();
        } while (is(','));
        return take(']') || problem(current().at, "expected ',' or ']' in this list, found " + found());
    }

    std::vector<Token> tokens_;
    const ScriptLimits& limits_;
    std::vector<Problem>& problems_;
    std::size_t at_ = 0;
};

} // namespace

std::vector<Node> parse_script(std::string_view script, const ScriptLimits& limits, std::vector<Problem>& problems)
{
    if (script.size() > limits.octets) {
        problems.push_back({{}, "the script is larger than " + std::to_string(limits.octets) + " octets"});
        return {};
    }
    auto tokens = tokenize(script, problems);
    if (!problems.empty())
        return {};
    return Parser(std::move(tokens), limits, problems).run();
}

} // namespace mgw::filter
