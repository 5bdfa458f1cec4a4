#include "lib/filter/text.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <charconv>

namespace mgw::filter
{

namespace
{

std::optional<std::uint32_t> parse_hex(std::string_view text)
{
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

/// The octets that the inside of ${…} stands for; nothing when it is no encoded character.
std::optional<std::string> encoded(std::string_view inside, std::string& why)
{
    const bool is_hex = istarts_with(inside, "hex:");
    if (!is_hex && !istarts_with(inside, "unicode:"))
        return std::nullopt;
    inside.remove_prefix(is_hex ? 4 : 8);
    std::string out;
    std::size_t at = 0;
    const auto is_space = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
    while (at < inside.size()) {
        if (is_space(inside[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < inside.size() && !is_space(inside[end]))
            ++end;
        const auto digits = inside.substr(at, end - at);
        at = end;
        const auto value = parse_hex(digits);
        if (!value || (is_hex && digits.size() > 2))
            return std::nullopt;
        if (is_hex) {
            out += static_cast<char>(*value);
        } else if (*value > 0x10FFFF || (*value >= 0xD800 && *value < 0xE000)) {
            why = "there is no character U+" + std::string(digits.substr(0, 16));
            return std::nullopt;
        } else {
            append_utf8(out, *value);
        }
    }
    return out.empty() ? std::nullopt : std::optional(out);
}

} // namespace

std::optional<std::string> decode_encoded_characters(std::string_view text, std::string& why)
{
    std::string out;
    for (;;) {
        const auto open = text.find("${");
        if (open == std::string_view::npos)
            return out.append(text);
        const auto close = text.find('}', open);
        if (close == std::string_view::npos)
            return out.append(text);
        out.append(text.substr(0, open));
        if (const auto octets = encoded(text.substr(open + 2, close - open - 2), why)) {
            out.append(*octets);
            text.remove_prefix(close + 1);
        } else {
            if (!why.empty())
                return std::nullopt;
            out.append("${");
            text.remove_prefix(open + 2);
        }
    }
}

bool is_identifier(std::string_view text)
{
    const auto letter = [](char c) { return is_letter(c) || c == '_'; };
    return !text.empty() && letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || is_digit(c); });
}

Text cut_variables(std::string_view text, std::string& why)
{
    Text out;
    std::string literal;
    bool any = false;
    const auto add = [&](Text::Piece piece) {
        if (!literal.empty())
            out.pieces.push_back({.text = std::exchange(literal, {})});
        out.pieces.push_back(std::move(piece));
        any = true;
    };
    while (!text.empty()) {
        const auto open = text.find("${");
        literal.append(text.substr(0, open));
        if (open == std::string_view::npos)
            break;
        text.remove_prefix(open);
        const auto close = text.find('}');
        const auto name = close == std::string_view::npos ? std::string_view{} : text.substr(2, close - 2);
        const auto number = parse_number(name);
        const auto dot = name.find('.');
        if (is_identifier(name)) {
            add({.text = to_lower(name), .variable = true});
        } else if (number && std::ranges::all_of(name, is_digit)) {
            // ${10} and above are valid names that no test ever sets
            add({.match = static_cast<int>(std::min<std::uint64_t>(*number, 1000)), .variable = true});
        } else if (dot != std::string_view::npos && is_identifier(name.substr(0, dot))) {
            why = "there is no namespace \"" + printable(name.substr(0, dot)) + "\" for variables";
            return out;
        } else {
            literal.append("${");
            text.remove_prefix(2);
            continue;
        }
        text.remove_prefix(close + 1);
    }
    if (!any)
        out.literal = std::move(literal);
    else if (!literal.empty())
        out.pieces.push_back({.text = std::move(literal)});
    return out;
}

int modifier_precedence(std::string_view name)
{
    if (name == "lower" || name == "upper")
        return 40;
    if (name == "lowerfirst" || name == "upperfirst")
        return 30;
    if (name == "quotewildcard")
        return 20;
    return name == "length" ? 10 : 0;
}

std::string modify(std::string value, std::string_view modifier)
{
    if (modifier == "lower")
        return to_lower(value);
    if (modifier == "upper")
        return to_upper(value);
    if (modifier == "lowerfirst" && !value.empty()) {
        value.front() = lower(value.front());
    } else if (modifier == "upperfirst" && !value.empty()) {
        value.front() = upper(value.front());
    } else if (modifier == "quotewildcard") {
        std::string quoted;
        for (const char c : value) {
            if (c == '*' || c == '?' || c == '\\')
                quoted += '\\';
            quoted += c;
        }
        return quoted;
    } else if (modifier == "length") {
        // characters, not octets (RFC 5229 section 4.1.2)
        const auto count =
            std::ranges::count_if(value, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
        return std::to_string(count);
    }
    return value;
}

} // namespace mgw::filter
