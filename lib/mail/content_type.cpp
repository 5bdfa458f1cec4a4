#include "lib/mail/content_type.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace mgw::mail
{

namespace
{

/// Reads tokens of a structured value; comments count as blanks (RFC 5322 section 3.2.2), nested up to a limit.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    void skip_blanks()
    {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
                ++at_;
            else if (c == '(')
                skip_comment();
            else
                return;
        }
    }
    bool done() const { return at_ >= text_.size(); }
    char peek() const { return done() ? '\0' : text_[at_]; }
    bool take(char c)
    {
        skip_blanks();
        if (peek() != c || done())
            return false;
        ++at_;
        return true;
    }
    void skip() { ++at_; }
    /// Octets up to a blank, a comment or one of `stops`.
    std::string_view token(std::string_view stops)
    {
        const std::size_t begin = at_;
        while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '\r' && text_[at_] != '\n' &&
               text_[at_] != '(' && !stops.contains(text_[at_]))
            ++at_;
        return text_.substr(begin, at_ - begin);
    }
    std::string quoted()
    {
        std::string out;
        ++at_;
        while (at_ < text_.size() && text_[at_] != '"') {
            // a backslash before anything but a quote or itself is kept: Windows paths in file names
            if (text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\'))
                ++at_;
            if (text_[at_] != '\r' && text_[at_] != '\n')
                out += text_[at_];
            ++at_;
        }
        if (at_ < text_.size())
            ++at_;
        return out;
    }
    /// An unquoted parameter value: common programs read on over blanks until ';'.
    std::string loose_value()
    {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != ';' && text_[at_] != '(')
            ++at_;
        return std::string(trim(text_.substr(begin, at_ - begin)));
    }

private:
    void skip_comment()
    {
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '\\' && at_ < text_.size())
                ++at_;
            else if (c == '(')
                ++depth;
            else if (c == ')' && --depth == 0)
                return;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

/// A value of RFC 2231: name*, or one section of name*0, name*1* …
struct Section {
    std::string name;
    std::optional<unsigned> number; ///< nothing for name*
    bool encoded = false;           ///< percent-encoded; the first one begins with charset'language'
    std::string text;
};

/// Sections in their order as one value (RFC 2231 section 4.1).
std::string join(const std::vector<const Section*>& sections)
{
    std::string charset;
    std::string octets;
    bool first = true;
    for (const auto* section : sections) {
        std::string_view text = section->text;
        if (section->encoded && first) {
            const auto a = text.find('\'');
            const auto b = a == std::string_view::npos ? a : text.find('\'', a + 1);
            if (b != std::string_view::npos) {
                charset = text.substr(0, a);
                text.remove_prefix(b + 1);
            }
        }
        octets += section->encoded ? percent_decode(text) : std::string(text);
        first = false;
    }
    return to_utf8(octets, charset);
}

/// All values that the sections of one parameter may be read as, the most usual first: programs differ in what they do
/// with a section that is there twice or missing, and with name* beside name*0.
std::vector<std::string> readings(std::vector<const Section*> sections)
{
    std::vector<std::string> out;
    const auto add = [&](const std::vector<const Section*>& some) {
        if (some.empty())
            return;
        auto value = join(some);
        if (std::ranges::find(out, value) == out.end())
            out.push_back(std::move(value));
    };
    const auto numbered = std::stable_partition(sections.begin(), sections.end(), [](auto* s) { return !s->number; });
    for (auto at = sections.begin(); at != numbered; ++at)
        add({*at});
    std::stable_sort(numbered, sections.end(), [](auto* a, auto* b) { return *a->number < *b->number; });
    std::vector<const Section*> first_of_each;
    std::vector<const Section*> last_of_each;
    for (auto at = numbered; at != sections.end(); ++at) {
        if (at == numbered || *(*at)->number != *first_of_each.back()->number) {
            first_of_each.push_back(*at);
            last_of_each.push_back(*at);
        } else {
            last_of_each.back() = *at;
        }
    }
    add(first_of_each);
    add(last_of_each);
    const auto gap =
        std::ranges::adjacent_find(first_of_each, [](auto* a, auto* b) { return *a->number + 1 != *b->number; });
    if (gap != first_of_each.end()) // some stop there
        add({first_of_each.begin(), gap + 1});
    return out;
}

} // namespace

std::optional<std::string> ContentType::parameter(std::string_view name) const
{
    const auto at = std::ranges::find_if(parameters, [&](const auto& p) { return p.first == name; });
    return at == parameters.end() ? std::nullopt : std::optional(at->second);
}

ContentType parse_content_type(std::string_view value)
{
    constexpr std::string_view separators = "()<>@,;:\\\"/[]?="; // RFC 2045 section 5.1: not in a type
    ContentType out;
    Lexer lex(value);
    lex.skip_blanks();
    out.value = to_lower(lex.token(";/"));
    if (lex.take('/')) {
        lex.skip_blanks();
        out.value += '/';
        out.value += to_lower(lex.token(separators));
        // not a type: whoever asks takes the default (RFC 2045 section 5.2)
        if (out.value.find_first_of(separators) != out.value.find('/') || out.value.starts_with('/'))
            out.value.clear();
    }
    std::vector<Section> sections;
    for (std::size_t n = 0; !lex.done() && n < most_parameters; ++n) {
        // whatever stands before the next ';' is no part of the value
        while (!lex.done() && lex.peek() != ';') {
            if (lex.peek() == '"')
                lex.quoted();
            else if (lex.peek() == '(')
                lex.skip_blanks();
            else
                lex.skip();
        }
        if (!lex.take(';'))
            break;
        lex.skip_blanks();
        const std::string name = to_lower(lex.token("=;"));
        if (!lex.take('='))
            continue;
        lex.skip_blanks();
        std::string text = lex.peek() == '"' ? lex.quoted() : lex.loose_value();
        const auto star = name.find('*');
        if (star == std::string::npos) {
            if (!name.empty())
                // a boundary is octets to look for, whatever it looks like
                out.parameters.emplace_back(name,
                                            name == "boundary" ? std::move(text) : decode_words(text, text.size()));
            continue;
        }
        std::string_view rest = std::string_view(name).substr(star + 1);
        const bool encoded = rest.empty() || rest.ends_with('*');
        if (rest.ends_with('*'))
            rest.remove_suffix(1);
        const auto number = parse_number(rest);
        if (rest.empty() || (number && *number < 1000))
            sections.push_back({name.substr(0, star),
                                number ? std::optional(static_cast<unsigned>(*number)) : std::nullopt, encoded,
                                std::move(text)});
    }
    std::map<std::string_view, std::vector<const Section*>> extended;
    for (const auto& section : sections)
        extended[section.name].push_back(&section);
    // RFC 6266 section 4.3 and the common programs prefer the extended form where both are there: it comes first
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [name, some] : extended)
        for (auto& value : readings(some))
            all.emplace_back(name, std::move(value));
    std::ranges::move(out.parameters, std::back_inserter(all));
    out.parameters = std::move(all);
    return out;
}

} // namespace mgw::mail
