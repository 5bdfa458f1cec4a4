#include "lib/mail/lenient_header.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <optional>

namespace mgw::mail
{

namespace
{

constexpr auto npos = std::string_view::npos;

bool is_space(char c)
{
    return static_cast<unsigned char>(c) <= 32;
}

std::string_view trim_controls(std::string_view text)
{
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

enum class Line : char { empty, blank, field, continuation, junk };

Line kind_of(std::string_view line)
{
    if (line == "\n" || line == "\r\n" || line.empty())
        return Line::empty;
    const auto text = trim_controls(line);
    if (text.empty())
        return Line::blank;
    if (looks_like_field(line))
        return Line::field;
    if (is_blank(line[0]))
        return Line::continuation;
    const auto colon = text.find(':');
    const auto name = trim(text.substr(0, colon));
    const bool is_name = colon != npos && !name.empty() && name.size() <= 80 &&
                         std::ranges::none_of(name, [](char c) { return is_space(c) || c == '=' || c == '"'; });
    return is_name ? Line::field : Line::junk;
}

void add(std::vector<std::string>& values, std::string_view value, std::size_t limit)
{
    constexpr std::size_t most_octets = 1000;
    value = trim_controls(value);
    if (value.empty() || value.size() > most_octets || values.size() >= limit)
        return;
    if (std::ranges::find(values, value) == values.end())
        values.emplace_back(value);
}

std::string without(std::string_view text, std::string_view octets)
{
    std::string out;
    for (const char c : text)
        if (!octets.contains(c))
            out += c;
    return out;
}

std::string without_comments(std::string_view text)
{
    std::string out;
    std::size_t depth = 0;
    for (const char c : text) {
        if (c == '(')
            ++depth;
        else if (c == ')' && depth > 0)
            --depth;
        else if (depth == 0)
            out += c;
    }
    return out;
}

/// Folds undone, NUL gone, a field on each line.
std::string flatten(std::string_view header)
{
    std::string out;
    for (std::size_t at = 0; at < header.size();) {
        const auto next = next_loose_line(header, at);
        auto line = header.substr(at, next - at);
        while (line.ends_with('\n') || line.ends_with('\r'))
            line.remove_suffix(1);
        if (!out.empty() && !(!line.empty() && is_blank(line[0])))
            out += '\n';
        out += line;
        at = next;
    }
    std::erase(out, '\0');
    return out;
}

std::string percent_decoded(std::string_view text)
{
    const auto digit = [](char c) {
        return is_digit(c) ? c - '0' : (lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1);
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// charset'language'text, percent-encoded (RFC 2231 section 4), the first part of it given or not. Where the charset
/// leaves the order of octets open, `order` settles it.
std::string extended(std::string_view value, std::string_view order = "BE")
{
    std::string charset = "utf-8";
    const auto a = value.find('\'');
    const auto b = a == npos ? a : value.find('\'', a + 1);
    if (b != npos) {
        if (a > 0)
            charset = value.substr(0, a);
        value.remove_prefix(b + 1);
    }
    if (iequals(charset, "utf-16") || iequals(charset, "utf-32"))
        charset += order;
    return to_utf8(percent_decoded(value), charset);
}

/// One parameter as it stands.
struct Parameter {
    std::optional<std::uint64_t> number; ///< of name*N
    bool is_extended = false;
    std::string_view value; ///< to the line's end
};

/// The value up to what ends it, without quotes: the common reading.
std::string plain(std::string_view value)
{
    if (value.starts_with('"')) {
        std::string out;
        for (std::size_t i = 1; i < value.size() && value[i] != '"'; ++i) {
            if (value[i] == '\\' && i + 1 < value.size())
                ++i;
            out += value[i];
        }
        return out;
    }
    return std::string(trim_controls(value.substr(0, value.find(';'))));
}

void add_readings(std::vector<std::string>& values, std::string_view value, std::size_t limit)
{
    add(values, plain(value), limit);
    if (value.starts_with('"')) { // quoted as it should be: one value, whatever stands in it
        const auto quote = value.find('"', 1);
        const auto rest = quote == npos ? std::string_view("?") : trim_controls(value.substr(quote + 1));
        if ((rest.empty() || rest[0] == ';') && !value.substr(0, quote).contains('\\'))
            return;
    }
    const auto to_semicolon = trim_controls(value.substr(0, value.find(';')));
    add(values, without(to_semicolon, "\""), limit);
    add(values, to_semicolon, limit);
    add(values, without(to_semicolon, "\"\\"), limit);
    add(values, value.substr(0, value.find_first_of(" \t;")), limit);
    add(values, value.substr(0, value.find_first_of("\"(;,")), limit);
    if (const auto quote = value.find('"'); quote != npos) {
        const auto inside = value.substr(quote + 1);
        add(values, inside.substr(0, inside.find('"')), limit);
    }
    if (value.size() > 2 && value.starts_with('\''))
        add(values, value.substr(1, value.find('\'', 1) - 1), limit);
    const auto last = value.ends_with(';') ? value.substr(0, value.size() - 1) : value;
    add(values, without(last, "\""), limit);
    add(values, last, limit);
    if (to_semicolon.contains('%'))
        add(values, percent_decoded(without(to_semicolon, "\"")), limit);
    if (const auto equals = to_semicolon.rfind('='); equals != npos)
        add(values, to_semicolon.substr(equals + 1), limit);
}

/// The parameter at `at`, behind its name; nothing if no "=" follows soon.
std::optional<Parameter> parameter_at(std::string_view text, std::size_t at)
{
    constexpr std::size_t most_between = 12;
    constexpr std::size_t most_value = 4096; // is read again and again: no name is as long
    Parameter out;
    const auto end = at + std::min(text.substr(at, most_between + 1).find('='), text.size());
    if (end >= text.size())
        return std::nullopt;
    const auto between = text.substr(at, end - at);
    if (std::ranges::any_of(
            between, [](char c) { return !is_space(c) && !is_digit(c) && !std::string_view("*\"'\\").contains(c); }))
        return std::nullopt;
    if (const auto star = between.find('*'); star != npos) {
        auto number = between.substr(star + 1);
        const auto second = number.find('*');
        out.is_extended = trim(number).empty() || second != npos;
        out.number = parse_number(trim_controls(number.substr(0, second))).value_or(0);
    }
    auto value = text.substr(end + 1, most_value);
    value = value.substr(0, value.find('\n'));
    out.value = trim_controls(value);
    return out;
}

/// Joins RFC 2231 pieces in one order, those with a number given before left out or not.
void add_joined(std::vector<std::string>& values, const std::vector<Parameter>& pieces, bool skips_doubled,
                std::size_t limit)
{
    std::string joined;
    std::string plainly;
    std::vector<std::uint64_t> seen;
    for (const auto& piece : pieces) {
        if (skips_doubled && std::ranges::find(seen, *piece.number) != seen.end())
            continue;
        seen.push_back(*piece.number);
        const auto value = plain(piece.value);
        plainly += value;
        joined += value;
    }
    add(values, extended(joined), limit);
    if (istarts_with(joined, "utf-"))
        add(values, extended(joined, "LE"), limit);
    add(values, plainly, limit);
}

void add_pieces(std::vector<std::string>& values, std::vector<Parameter> pieces, std::size_t limit)
{
    if (pieces.empty())
        return;
    add_joined(values, pieces, false, limit);
    add_joined(values, pieces, true, limit);
    std::ranges::stable_sort(pieces, {}, [](const Parameter& p) { return *p.number; });
    add_joined(values, pieces, false, limit);
    add_joined(values, pieces, true, limit);
    std::ranges::reverse(pieces); // the last one given of a number counts
    std::ranges::stable_sort(pieces, {}, [](const Parameter& p) { return *p.number; });
    add_joined(values, pieces, true, limit);
    for (const auto& piece : pieces) {
        add(values, extended(plain(piece.value)), limit);
        add_readings(values, piece.value, limit);
    }
}

void add_values(std::vector<std::string>& values, std::string_view text, std::string_view key, std::size_t limit)
{
    constexpr std::size_t most_parameters = 64;
    std::vector<Parameter> pieces;
    std::optional<Parameter> first;
    std::size_t count = 0;
    for (std::size_t at = 0; count < most_parameters;) {
        const auto found = ifind(text.substr(at), key);
        if (found == npos)
            break;
        at += found + key.size();
        const auto parameter = parameter_at(text, at);
        if (!parameter)
            continue;
        ++count;
        if (parameter->number) {
            pieces.push_back(*parameter);
        } else {
            add_readings(values, parameter->value, limit);
            first = *parameter;
        }
    }
    if (first && !pieces.empty()) { // as if it were the piece that is missing
        auto all = pieces;
        first->number = 0;
        all.insert(all.begin(), *first);
        add_joined(values, all, false, limit);
    }
    add_pieces(values, std::move(pieces), limit);
}

/// The rest of each line after `word` and a colon.
std::string after_colon(std::string_view header, std::string_view word)
{
    constexpr std::size_t most_octets = 4096;
    const auto text = flatten(header);
    std::string out;
    std::string_view rest = text;
    while (out.size() < most_octets) {
        const auto found = ifind(rest, word);
        if (found == npos)
            break;
        rest.remove_prefix(found + word.size());
        std::size_t colon = 0;
        while (colon < rest.size() && is_space(rest[colon]) && rest[colon] != '\n')
            ++colon;
        if (colon < rest.size() && rest[colon] == ':')
            out.append(rest.substr(colon + 1, std::min(rest.find('\n'), rest.size()) - colon - 1)).append(" ");
    }
    return to_lower(decode_words(out) + " " + out);
}

} // namespace

std::size_t next_loose_line(std::string_view octets, std::size_t at)
{
    // in blocks, so that looking for the one character never runs far past the other
    constexpr std::size_t block = 256;
    for (; at < octets.size(); at += block) {
        const auto part = octets.substr(at, block);
        const auto lf = std::min(part.find('\n'), part.size());
        const auto cr = part.substr(0, lf).find('\r');
        if (cr != npos)
            return octets.substr(at + cr + 1, 1) == "\n" ? at + cr + 2 : at + cr + 1;
        if (lf < part.size())
            return at + lf + 1;
    }
    return octets.size();
}

bool looks_like_field(std::string_view line)
{
    const auto text = trim_controls(line);
    const auto colon = text.substr(0, 80).find(':');
    if (colon == npos)
        return false;
    const auto name = trim_controls(text.substr(0, colon));
    static constexpr std::string_view names[] = {"from",        "to",           "cc",      "subject",
                                                 "date",        "received",     "sender",  "message-id",
                                                 "return-path", "mime-version", "reply-to"};
    return istarts_with(name, "content-") || istarts_with(name, "x-") ||
           std::ranges::any_of(names, [&](std::string_view known) { return iequals(name, known); });
}

LenientHeader read_leniently(std::string_view octets, std::size_t limit_octets)
{
    constexpr std::size_t most_begins = 12;
    constexpr std::size_t most_junk = 4;
    LenientHeader out;
    std::vector<std::size_t>& begins = out.body_begins;
    const auto may_begin = [&](std::size_t at) {
        if (begins.size() < most_begins && std::ranges::find(begins, at) == begins.end())
            begins.push_back(at);
    };
    std::size_t strict = npos; // after the first line that is really empty
    std::size_t junk = 0;
    std::size_t at = 0;
    bool after_blank = false;
    while (at < octets.size() && at < limit_octets && begins.size() < most_begins) {
        const auto next = next_loose_line(octets, at);
        const auto line = octets.substr(at, next - at);
        const auto kind = kind_of(line);
        if (kind == Line::empty || kind == Line::blank) {
            if (kind == Line::empty && strict == npos)
                strict = next;
            may_begin(next);
            after_blank = true;
        } else if (kind == Line::junk) {
            if (after_blank || ++junk > most_junk)
                break;
            may_begin(at);
            may_begin(next);
        } else if (after_blank && !looks_like_field(line)) {
            break;
        } else {
            after_blank = false;
        }
        at = next;
    }
    const std::size_t end = begins.empty() ? at : *std::ranges::max_element(begins);
    out.text = octets.substr(0, std::max(end, at));
    if (begins.empty())
        may_begin(0);
    if (strict != npos) {
        std::erase(begins, strict);
        begins.insert(begins.begin(), strict);
    }
    return out;
}

std::vector<std::string> lenient_values(std::string_view header, std::string_view key, std::size_t limit_values)
{
    std::vector<std::string> values;
    const auto text = flatten(header);
    add_values(values, text, key, limit_values);
    if (text.contains('('))
        add_values(values, without_comments(text), key, limit_values);
    if (text.contains('\\'))
        add_values(values, without(text, "\\"), key, limit_values);
    if (text.contains("=?")) {
        for (std::size_t i = 0, n = values.size(); i < n; ++i)
            if (values[i].contains("=?"))
                add(values, decode_words(values[i]), limit_values);
        add_values(values, decode_words(text), key, limit_values);
    }
    return values;
}

std::string lenient_encodings(std::string_view header)
{
    return after_colon(header, "transfer-encoding");
}

std::string lenient_type(std::string_view header)
{
    const auto type = after_colon(header, "content-type");
    const auto text = trim_controls(type);
    return std::string(text.substr(0, text.find_first_of(";, \t")));
}

} // namespace mgw::mail
