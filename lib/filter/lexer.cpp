#include "lib/filter/lexer.hpp"

#include "lib/core/text.hpp"

#include <limits>

namespace mgw::filter
{

namespace
{

constexpr bool begins_identifier(char c)
{
    return is_letter(c) || c == '_';
}

class Lexer {
public:
    Lexer(std::string_view script, std::vector<Problem>& problems) : script_(script), problems_(problems) {}

    std::vector<Token> run()
    {
        // a byte order mark is what some editors leave; it means nothing
        if (script_.starts_with("\xEF\xBB\xBF"))
            at_ = 3;
        std::vector<Token> tokens;
        while (skip_blanks()) {
            Token token;
            token.at = here_;
            const bool more = at_ < script_.size();
            if (more && !read(token))
                break;
            tokens.push_back(std::move(token));
            if (!more)
                return tokens;
        }
        tokens.push_back(Token{.at = here_});
        return tokens;
    }

private:
    char peek(std::size_t ahead = 0) const { return at_ + ahead < script_.size() ? script_[at_ + ahead] : '\0'; }

    void advance(std::size_t count = 1)
    {
        for (; count > 0 && at_ < script_.size(); --count, ++at_) {
            if (script_[at_] == '\n') {
                ++here_.line;
                here_.column = 1;
            } else {
                ++here_.column;
            }
        }
    }

    bool problem(Position at, std::string message, std::string hint = {})
    {
        problems_.push_back({at, std::move(message), std::move(hint)});
        return false;
    }

    /// White space and comments; false when a comment does not end.
    bool skip_blanks()
    {
        while (at_ < script_.size()) {
            const char c = peek();
            if (is_blank(c) || c == '\r' || c == '\n') {
                advance();
            } else if (c == '#') {
                while (at_ < script_.size() && peek() != '\n')
                    advance();
            } else if (c == '/' && peek(1) == '*') {
                const Position began = here_;
                const auto end = script_.find("*/", at_ + 2);
                if (end == std::string_view::npos)
                    return problem(began, "this comment is never closed", "end it with */");
                advance(end + 2 - at_);
            } else {
                break;
            }
        }
        return true;
    }

    bool read(Token& token)
    {
        const char c = peek();
        if (begins_identifier(c)) {
            token.kind = TokenKind::identifier;
            token.text = word();
            return token.text != "text" || peek() != ':' || multi_line(token);
        }
        if (c == ':') {
            advance();
            if (!begins_identifier(peek()))
                return problem(token.at, "a name must follow the colon of a tag");
            token.kind = TokenKind::tag;
            token.text = word();
            return true;
        }
        if (is_digit(c))
            return number(token);
        if (c == '"')
            return quoted(token);
        if (std::string_view("()[]{},;").contains(c)) {
            token.kind = TokenKind::punctuation;
            token.mark = c;
            advance();
            return true;
        }
        return problem(token.at, "unexpected character " + describe(c),
                       c == '\'' ? "strings stand in double quotes" : "");
    }

    static std::string describe(char c)
    {
        if (c > ' ' && c < 127)
            return std::string("'") + c + "'";
        return "with octet value " + std::to_string(static_cast<unsigned char>(c));
    }

    std::string word()
    {
        std::string text;
        for (char c = peek(); begins_identifier(c) || is_digit(c); c = peek()) {
            text += lower(c);
            advance();
        }
        return text;
    }

    bool number(Token& token)
    {
        token.kind = TokenKind::number;
        constexpr auto most = std::numeric_limits<std::uint64_t>::max();
        std::uint64_t value = 0;
        bool fits = true;
        for (; is_digit(peek()); advance()) {
            const auto digit = static_cast<std::uint64_t>(peek() - '0');
            fits = fits && value <= (most - digit) / 10;
            value = fits ? value * 10 + digit : most;
        }
        unsigned shift = 0;
        switch (lower(peek())) {
        case 'k':
            shift = 10;
            break;
        case 'm':
            shift = 20;
            break;
        case 'g':
            shift = 30;
            break;
        default:
            break;
        }
        if (shift != 0)
            advance();
        if (begins_identifier(peek()) || is_digit(peek()))
            return problem(token.at, "a number may end in K, M or G only");
        if (!fits || value > (most >> shift))
            return problem(token.at, "this number is too large");
        token.number = value << shift;
        return true;
    }

    bool quoted(Token& token)
    {
        token.kind = TokenKind::string;
        advance();
        while (at_ < script_.size()) {
            char c = peek();
            if (c == '"') {
                advance();
                return true;
            }
            if (c == '\\') {
                advance();
                c = peek();
                if (at_ >= script_.size())
                    break;
            }
            if (c == '\0')
                return problem(here_, "a string must not contain NUL");
            token.text += c;
            advance();
        }
        return problem(token.at, "this string is never closed", "end it with \"");
    }

    /// RFC 5228 section 2.4.2: "text:" up to a line with a single dot; a doubled dot at the start of a line is one dot.
    bool multi_line(Token& token)
    {
        advance();
        token.kind = TokenKind::string;
        token.text.clear();
        while (is_blank(peek()))
            advance();
        if (peek() == '#') {
            while (at_ < script_.size() && peek() != '\n')
                advance();
        }
        if (peek() == '\r')
            advance();
        if (peek() != '\n')
            return problem(here_, "the text must begin on the line after \"text:\"");
        advance();
        while (at_ < script_.size()) {
            const auto end = script_.find('\n', at_);
            const auto line = script_.substr(at_, end == std::string_view::npos ? end : end + 1 - at_);
            if (line.contains('\0'))
                return problem(here_, "a text must not contain NUL");
            if (line == "." || line == ".\n" || line == ".\r\n") {
                advance(line.size());
                return true;
            }
            token.text += line.starts_with("..") ? line.substr(1) : line;
            advance(line.size());
        }
        return problem(token.at, "this text is never closed", "end it with a line that holds a single dot");
    }

    std::string_view script_;
    std::vector<Problem>& problems_;
    std::size_t at_ = 0;
    Position here_;
};

} // namespace

std::vector<Token> tokenize(std::string_view script, std::vector<Problem>& problems)
{
    return Lexer(script, problems).run();
}

} // namespace mgw::filter
