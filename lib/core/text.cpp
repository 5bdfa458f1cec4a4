#include "lib/core/text.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace mgw
{

bool iequals(std::string_view a, std::string_view b)
{
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool istarts_with(std::string_view text, std::string_view prefix)
{
    return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

bool iends_with(std::string_view text, std::string_view suffix)
{
    return text.size() >= suffix.size() && iequals(text.substr(text.size() - suffix.size()), suffix);
}

std::size_t ifind(std::string_view text, std::string_view needle)
{
    const auto at = std::search(text.begin(), text.end(), needle.begin(), needle.end(),
                                [](char x, char y) { return lower(x) == lower(y); });
    return at == text.end() && !needle.empty() ? std::string_view::npos : static_cast<std::size_t>(at - text.begin());
}

std::string to_lower(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

std::string to_upper(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), upper);
    return out;
}

std::string_view trim(std::string_view text)
{
    const auto is_space = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> out;
    for (;;) {
        const auto at = text.find(separator);
        out.push_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return out;
        text.remove_prefix(at + 1);
    }
}

std::vector<std::string_view> split_blanks(std::string_view text)
{
    std::vector<std::string_view> out;
    std::size_t i = 0;
    while (i < text.size()) {
        while (i < text.size() && is_blank(text[i]))
            ++i;
        std::size_t end = i;
        while (end < text.size() && !is_blank(text[end]))
            ++end;
        if (end > i)
            out.push_back(text.substr(i, end - i));
        i = end;
    }
    return out;
}

std::optional<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text)
{
    if (text.empty())
        return std::nullopt;
    unsigned shift = 0;
    switch (lower(text.back())) {
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
        text.remove_suffix(1);
    const auto value = parse_number(text);
    if (!value || *value > (UINT64_MAX >> shift))
        return std::nullopt;
    return *value << shift;
}

std::string hex(std::string_view octets)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(octets.size() * 2);
    for (const char c : octets) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view digits)
{
    std::string out;
    if (digits.size() % 2 != 0)
        return std::nullopt;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto octet = hex_octet(digits.substr(i));
        if (!octet)
            return std::nullopt;
        out += *octet;
    }
    return out;
}

std::string xtext(std::string_view octets)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : octets) {
        const auto u = static_cast<unsigned char>(c);
        if (u >= 33 && u <= 126 && c != '+' && c != '=') {
            out += c;
        } else {
            out += '+';
            out += digits[u >> 4];
            out += digits[u & 15];
        }
    }
    return out;
}

namespace
{

/// Each `escape` and two hexadecimal digits as the octet that they stand for.
std::string unescaped(std::string_view text, char escape)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = text[i] == escape ? hex_octet(text.substr(i + 1)) : std::nullopt;
        out += octet.value_or(text[i]);
        i += octet ? 2 : 0;
    }
    return out;
}

} // namespace

std::string from_xtext(std::string_view text)
{
    return unescaped(text, '+');
}

std::string percent_decode(std::string_view text)
{
    return unescaped(text, '%');
}

namespace
{

/// Octets of the well-formed UTF-8 sequence at the start of `s` (RFC 3629), 0 if there is none.
std::size_t utf8_sequence(std::string_view s)
{
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto tail = [&](std::size_t i) { return i < s.size() && (at(i) & 0xC0) == 0x80; };
    const unsigned char c = at(0);
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF)
        return tail(1) ? 2 : 0;
    if ((c & 0xF0) == 0xE0) {
        if (!tail(1) || !tail(2) || (c == 0xE0 && at(1) < 0xA0) || (c == 0xED && at(1) > 0x9F))
            return 0;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (!tail(1) || !tail(2) || !tail(3) || (c == 0xF0 && at(1) < 0x90) || (c == 0xF4 && at(1) > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

struct Range {
    char32_t first;
    char32_t last;
};
/// Controls, and what Unicode calls format characters (Cf, Zl, Zp), Bidi_Control or Default_Ignorable_Code_Point: they
/// show nothing, or change how what stands beside them is shown.
constexpr Range unseen[] = {
    {0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x0600, 0x0605},
    {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},   {0x08E2, 0x08E2},
    {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},   {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

/// Octets of a character at the beginning of `text` that must not reach a terminal, 0 if it may or is none.
std::size_t unsafe(std::string_view text)
{
    const std::size_t octets = utf8_sequence(text);
    if (octets == 0)
        return 0;
    const char32_t code = take_code_point(text);
    const auto* range = std::ranges::lower_bound(unseen, code, {}, &Range::last);
    return range != std::end(unseen) && range->first <= code ? octets : 0;
}

void append_json_unit(std::string& out, char32_t unit)
{
    const char octets[2] = {static_cast<char>(unit >> 8), static_cast<char>(unit & 0xFF)};
    out.append("\\u").append(hex(std::string_view(octets, 2)));
}

} // namespace

std::string printable(std::string_view octets, std::size_t limit_octets)
{
    std::string out;
    while (!octets.empty()) {
        const std::size_t n = utf8_sequence(octets);
        if (out.size() + std::max<std::size_t>(n, 1) > limit_octets)
            break;
        const auto c = static_cast<unsigned char>(octets[0]);
        // C1 control characters are C2 80 to C2 9F
        const bool control =
            c < 32 || c == 127 || (n == 2 && c == 0xC2 && static_cast<unsigned char>(octets[1]) < 0xA0);
        if (n == 0 || control)
            out += '?';
        else
            out += octets.substr(0, n);
        octets.remove_prefix(std::max<std::size_t>(n, 1));
    }
    return out;
}

std::string shown(std::string_view text, std::size_t limit_octets)
{
    std::string safe;
    while (!text.empty() && safe.size() < limit_octets) {
        const auto count = unsafe(text);
        for (std::size_t i = 0; i < count; ++i)
            safe.append("\\x").append(hex(text.substr(i, 1)));
        if (count == 0)
            safe += text[0];
        text.remove_prefix(count == 0 ? 1 : count);
    }
    return printable(safe, limit_octets);
}

std::string json_text(std::string_view utf8)
{
    std::string out = "\"";
    while (!utf8.empty()) {
        const std::size_t count = utf8_sequence(utf8);
        const char c = utf8[0];
        if (count == 0) {
            out += '?';
        } else if (c == '"' || c == '\\') {
            out.append(1, '\\').append(1, c);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            out.append(1, '\\').append(1, c == '\n' ? 'n' : (c == '\r' ? 'r' : 't'));
        } else if (unsafe(utf8) != 0) {
            auto rest = utf8;
            const auto code = take_code_point(rest);
            if (code >= 0x10000) // a surrogate pair
                append_json_unit(out, 0xD800 + ((code - 0x10000) >> 10));
            append_json_unit(out, code < 0x10000 ? code : 0xDC00 + ((code - 0x10000) & 0x3FF));
        } else {
            out += utf8.substr(0, count);
        }
        utf8.remove_prefix(std::max<std::size_t>(count, 1));
    }
    return out += '"';
}

std::string printable_ascii(std::string_view octets, std::size_t limit_octets)
{
    std::string out(octets.substr(0, limit_octets));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126)
            c = '?';
    return out;
}

bool is_valid_utf8(std::string_view octets)
{
    while (!octets.empty()) {
        const std::size_t n = utf8_sequence(octets);
        if (n == 0)
            return false;
        octets.remove_prefix(n);
    }
    return true;
}

bool is_ascii(std::string_view octets)
{
    return std::ranges::all_of(octets, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void append_utf8(std::string& out, char32_t code_point)
{
    const auto put = [&out](char32_t octet) { out += static_cast<char>(octet); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xC0 | code_point >> 6);
        put(0x80 | (code_point & 0x3F));
    } else if (code_point < 0x10000) {
        put(0xE0 | code_point >> 12);
        put(0x80 | (code_point >> 6 & 0x3F));
        put(0x80 | (code_point & 0x3F));
    } else {
        put(0xF0 | code_point >> 18);
        put(0x80 | (code_point >> 12 & 0x3F));
        put(0x80 | (code_point >> 6 & 0x3F));
        put(0x80 | (code_point & 0x3F));
    }
}

char32_t take_code_point(std::string_view& text)
{
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t octets = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t out = octets == 1 ? lead : lead & (0x7FU >> octets);
    for (std::size_t i = 1; i < octets; ++i)
        out = out << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    text.remove_prefix(octets);
    return out;
}

} // namespace mgw
