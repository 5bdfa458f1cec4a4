#include "lib/auth/spf_macro.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace mgw::auth::spf
{
namespace
{

constexpr bool is_alnum(char c)
{
    return is_letter(c) || is_digit(c);
}

/// "%{" letter digits "r" delimiters "}"
struct Macro {
    char letter = 0; ///< lower case
    bool url_escape = false;
    unsigned parts = 0; ///< 0 for all
    bool reverse = false;
    std::string_view delimiters;
};

/// One element of a macro-string: a literal octet, or a macro-expand.
struct Element {
    char literal = 0;
    std::string_view escaped; ///< what %%, %_ and %- stand for
    std::optional<Macro> macro;
    std::size_t end = 0;
};

std::optional<Macro> read_macro(std::string_view text, std::size_t& at)
{
    Macro macro;
    if (at == text.size())
        return {};
    macro.letter = lower(text[at]);
    macro.url_escape = macro.letter != text[at];
    if (!std::string_view("slodiphvcrt").contains(macro.letter))
        return {};
    const std::size_t digits = ++at;
    while (at < text.size() && is_digit(text[at])) {
        macro.parts = std::min(macro.parts * 10 + static_cast<unsigned>(text[at] - '0'), 100000U);
        ++at;
    }
    if (at > digits && macro.parts == 0)
        return {};
    macro.reverse = at < text.size() && lower(text[at]) == 'r';
    at += macro.reverse;
    const auto end = text.find_first_not_of(".-+,/_=", at);
    if (end == std::string_view::npos || text[end] != '}')
        return {};
    macro.delimiters = text.substr(at, end - at);
    at = end + 1;
    return macro;
}

/// The element at `at`, or nothing for a syntax error.
std::optional<Element> read_element(std::string_view text, std::size_t at)
{
    Element element;
    const char c = text[at];
    if (c != '%') {
        element.literal = c;
        element.end = at + 1;
        return element;
    }
    if (at + 1 == text.size())
        return {};
    element.end = at + 2;
    switch (text[at + 1]) {
    case '%':
        element.escaped = "%";
        return element;
    case '_':
        element.escaped = " ";
        return element;
    case '-':
        element.escaped = "%20";
        return element;
    case '{':
        element.macro = read_macro(text, element.end);
        if (!element.macro)
            return {};
        return element;
    default:
        return {};
    }
}

std::string value_of(char letter, const MacroValues& values)
{
    switch (letter) {
    case 's':
        return values.local + "@" + values.sender_domain;
    case 'l':
        return values.local;
    case 'o':
        return values.sender_domain;
    case 'd':
        return values.domain;
    case 'i':
        return values.dotted_ip;
    case 'p':
        return values.validated_name();
    case 'v':
        return std::string(values.ip_version);
    case 'h':
        return values.helo;
    case 'c':
        return values.readable_ip;
    case 'r':
        return values.receiver;
    default:
        return values.time;
    }
}

std::string transform(const Macro& macro, const std::string& value)
{
    const std::string_view delimiters = macro.delimiters.empty() ? "." : macro.delimiters;
    std::vector<std::string_view> parts;
    std::string_view rest = value;
    for (;;) {
        const auto at = rest.find_first_of(delimiters);
        parts.push_back(rest.substr(0, at));
        if (at == std::string_view::npos)
            break;
        rest.remove_prefix(at + 1);
    }
    if (macro.reverse)
        std::ranges::reverse(parts);
    const std::size_t skip = macro.parts != 0 && macro.parts < parts.size() ? parts.size() - macro.parts : 0;
    std::string out;
    for (std::size_t i = skip; i < parts.size(); ++i) {
        if (i > skip)
            out += '.';
        out += parts[i];
    }
    return out;
}

/// RFC 3986 section 2.1: all but the unreserved characters.
std::string url_escape(std::string_view text)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_alnum(c) || std::string_view("-._~").contains(c)) {
            out += c;
            continue;
        }
        const auto u = static_cast<unsigned char>(c);
        out += '%';
        out += digits[u >> 4];
        out += digits[u & 0xf];
    }
    return out;
}

/// toplabel: letters, digits and inner hyphens, not digits alone.
bool is_top_label(std::string_view label)
{
    if (label.empty() || !is_alnum(label.front()) || !is_alnum(label.back()))
        return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; }))
        return false;
    return !std::ranges::all_of(label, is_digit);
}

/// Where the last macro-expand ends (0 if there is none); nothing for a syntax error.
std::optional<std::size_t> last_macro_end(std::string_view text, MacroUse use)
{
    std::size_t last = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto element = read_element(text, at);
        if (!element)
            return {};
        at = element->end;
        if (element->literal == 0 && (element->macro || !element->escaped.empty()))
            last = at;
        else if (element->literal < 0x21 || element->literal > 0x7e) {
            if (element->literal != ' ' || use != MacroUse::explanation)
                return {};
        }
        if (element->macro && use == MacroUse::domain && std::string_view("crt").contains(element->macro->letter))
            return {};
    }
    return last;
}

} // namespace

bool is_macro_string(std::string_view text, MacroUse use)
{
    return last_macro_end(text, use).has_value();
}

bool is_domain_spec(std::string_view text)
{
    const auto macro_end = last_macro_end(text, MacroUse::domain);
    if (!macro_end || text.empty())
        return false;
    if (*macro_end == text.size())
        return true;
    if (text.ends_with('.'))
        text.remove_suffix(1);
    const auto dot = text.rfind('.');
    return dot != std::string_view::npos && dot >= *macro_end && is_top_label(text.substr(dot + 1));
}

bool uses_validated_name(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const auto element = read_element(text, at);
        if (!element)
            return false;
        if (element->macro && element->macro->letter == 'p')
            return true;
        at = element->end;
    }
    return false;
}

std::string expand(std::string_view text, const MacroValues& values)
{
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto element = read_element(text, at);
        if (!element)
            break;
        at = element->end;
        if (element->macro) {
            const auto value = transform(*element->macro, value_of(element->macro->letter, values));
            out += element->macro->url_escape ? url_escape(value) : value;
        } else if (!element->escaped.empty()) {
            out += element->escaped;
        } else {
            out += element->literal;
        }
    }
    return out;
}

std::string expand_domain(std::string_view text, const MacroValues& values)
{
    auto name = expand(text, values);
    if (name.ends_with('.'))
        name.pop_back();
    if (name.size() > 253) {
        const auto dot = name.find('.', name.size() - 254);
        name = dot == std::string::npos ? std::string() : name.substr(dot + 1);
    }
    return name;
}

} // namespace mgw::auth::spf
