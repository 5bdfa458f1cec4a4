#pragma once

#include "lib/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Text of protocols: ASCII only, no locale.
namespace mgw
{

constexpr bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
constexpr char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char upper(char c)
{
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
constexpr bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}
constexpr bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}
/// 0 to 15 for a hexadecimal digit in either case, else -1.
constexpr int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}
/// The octet that two hexadecimal digits at the front of `text` stand for; nothing without them.
constexpr std::optional<char> hex_octet(std::string_view text)
{
    if (text.size() < 2 || hex_value(text[0]) < 0 || hex_value(text[1]) < 0)
        return std::nullopt;
    return static_cast<char>(hex_value(text[0]) * 16 + hex_value(text[1]));
}

bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
bool iends_with(std::string_view text, std::string_view suffix);
/// Position of `needle` in `text` without regard to case, or npos.
std::size_t ifind(std::string_view text, std::string_view needle);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

/// Without blanks, CR and LF at both ends.
std::string_view trim(std::string_view text);

/// Pieces between `separator`s; an empty text has one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Pieces between runs of blanks, none of them empty.
std::vector<std::string_view> split_blanks(std::string_view text);

/// A whole decimal number without sign; nothing if there is any other character or it does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);
/// A number with an optional suffix k, M or G (powers of 1024).
std::optional<std::uint64_t> parse_size(std::string_view text);

std::string hex(std::string_view octets);
/// Undoes hex(), in either case; nothing if there is any other character, or half an octet.
std::optional<std::string> from_hex(std::string_view digits);

/// RFC 3461 section 4: every octet outside 33..126, and '+' and '=', becomes +XX.
std::string xtext(std::string_view octets);
/// Undoes xtext; a malformed +XX stays as it is.
std::string from_xtext(std::string_view text);
/// Each %XX as the octet that it stands for (RFC 3986 section 2.1); a malformed one stays as it is.
std::string percent_decode(std::string_view text);

/// For people's eyes: control characters and invalid UTF-8 replaced by '?', at most `limit_octets`.
std::string printable(std::string_view octets, std::size_t limit_octets = 400);
/// As printable(), and octets above 126 replaced as well.
std::string printable_ascii(std::string_view octets, std::size_t limit_octets = 400);
/// For a terminal: control characters, and those that show nothing or change the direction of text, become \xHH for
/// each octet; invalid UTF-8 becomes '?'; at most `limit_octets`.
std::string shown(std::string_view text, std::size_t limit_octets = 400);
/// A JSON string (RFC 8259 section 7) with its quotes. Nothing of valid UTF-8 is lost: what must not reach a terminal
/// is escaped as \uHHHH. Invalid UTF-8 becomes '?'.
std::string json_text(std::string_view utf8);
bool is_valid_utf8(std::string_view octets);
bool is_ascii(std::string_view octets);
/// `code_point` is at most U+10FFFF.
void append_utf8(std::string& out, char32_t code_point);
/// The code point of the well-formed UTF-8 sequence at the front of `text`, which is taken off it.
char32_t take_code_point(std::string_view& text);

} // namespace mgw
