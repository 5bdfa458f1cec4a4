#include "lib/mail/codec.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace mgw::mail
{

namespace
{

constexpr std::uint8_t skip = 64;
constexpr std::uint8_t pad = 65;
constexpr std::uint8_t bad = 66;

constexpr auto base64_values = [] {
    std::array<std::uint8_t, 256> t{};
    t.fill(bad);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        t[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    t['='] = pad;
    t['\r'] = t['\n'] = t[' '] = t['\t'] = skip;
    return t;
}();

std::uint8_t base64_value(char c)
{
    return base64_values[static_cast<unsigned char>(c)];
}

int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

void set(bool* flag)
{
    if (flag != nullptr)
        *flag = true;
}

} // namespace

std::string base64_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    out.resize_and_overwrite(text.size() / 4 * 3 + 4, [](char*, std::size_t n) { return n; });
    char* to = out.data();
    const char* p = text.data();
    const char* const end = p + text.size();
    std::uint32_t bits = 0;
    unsigned have = 0;
    bool padded = false;
    const auto full = [&] { return static_cast<std::size_t>(to - out.data()) >= limit_octets; };
    while (p < end) {
        if (have == 0) {
            while (end - p >= 4) { // whole groups without anything odd
                const std::uint32_t a = base64_value(p[0]);
                const std::uint32_t b = base64_value(p[1]);
                const std::uint32_t c = base64_value(p[2]);
                const std::uint32_t d = base64_value(p[3]);
                if ((a | b | c | d) >= skip)
                    break;
                const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
                *to++ = static_cast<char>(group >> 16);
                *to++ = static_cast<char>(group >> 8);
                *to++ = static_cast<char>(group);
                p += 4;
                if (full())
                    break;
            }
            if (p >= end)
                break;
        }
        if (full()) { // line ends that follow are no loss
            if (std::any_of(p, end, [](char c) { return base64_value(c) < skip; }))
                set(damaged);
            have = 0;
            break;
        }
        const std::uint8_t v = base64_value(*p++);
        if (v < skip) {
            if (padded)
                set(damaged); // data after padding: programs differ, we read on
            padded = false;
            bits = bits << 6 | v;
            if (++have == 4) {
                *to++ = static_cast<char>(bits >> 16);
                *to++ = static_cast<char>(bits >> 8);
                *to++ = static_cast<char>(bits);
                have = 0;
            }
        } else if (v == pad) {
            if (have == 2)
                *to++ = static_cast<char>(bits >> 4);
            if (have == 3) {
                *to++ = static_cast<char>(bits >> 10);
                *to++ = static_cast<char>(bits >> 2);
            }
            have = 0;
            padded = true;
        } else if (v == bad) {
            set(damaged);
        }
    }
    if (have != 0) {
        set(damaged);
        if (have == 2)
            *to++ = static_cast<char>(bits >> 4);
        if (have == 3) {
            *to++ = static_cast<char>(bits >> 10);
            *to++ = static_cast<char>(bits >> 2);
        }
    }
    const auto decoded = static_cast<std::size_t>(to - out.data());
    if (decoded > limit_octets)
        set(damaged);
    out.resize(std::min(decoded, limit_octets));
    return out;
}

std::string base64_encode(std::string_view octets, std::size_t line_chars, std::string_view line_end)
{
    static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve(octets.size() / 3 * 4 + 8 + (line_chars != 0 ? octets.size() / line_chars * 2 + 4 : 0));
    std::size_t column = 0;
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        const auto at = [&](std::size_t k) -> std::uint32_t {
            return k < octets.size() ? static_cast<unsigned char>(octets[k]) : 0U;
        };
        const std::uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        out += alphabet[group >> 18];
        out += alphabet[group >> 12 & 63];
        out += i + 1 < octets.size() ? alphabet[group >> 6 & 63] : '=';
        out += i + 2 < octets.size() ? alphabet[group & 63] : '=';
        column += 4;
        if (line_chars != 0 && column + 4 > line_chars) {
            out += line_end;
            column = 0;
        }
    }
    if (line_chars != 0 && column > 0)
        out += line_end;
    return out;
}

std::string qp_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    out.reserve(std::min(text.size(), limit_octets));
    std::size_t i = 0;
    while (i < text.size()) {
        const std::size_t equals = std::min(text.find('=', i), text.size());
        const std::size_t room = limit_octets - out.size();
        out += text.substr(i, std::min(equals - i, room));
        if (equals - i > room) {
            set(damaged);
            return out;
        }
        if (equals >= text.size())
            return out;
        i = equals + 1;
        std::size_t eol = i; // a soft line break may have blanks before the line end
        while (eol < text.size() && is_blank(text[eol]))
            ++eol;
        if (eol < text.size() && text[eol] == '\n') {
            i = eol + 1;
        } else if (eol + 1 < text.size() && text[eol] == '\r' && text[eol + 1] == '\n') {
            i = eol + 2;
        } else if (eol >= text.size()) {
            return out; // "=" at the very end: a soft break that was cut
        } else if (out.size() >= limit_octets) {
            set(damaged);
            return out;
        } else if (i + 1 < text.size() && hex_digit(text[i]) >= 0 && hex_digit(text[i + 1]) >= 0) {
            out += static_cast<char>(hex_digit(text[i]) * 16 + hex_digit(text[i + 1]));
            i += 2;
        } else {
            set(damaged);
            out += '=';
        }
    }
    return out;
}

std::string uu_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    bool inside = false;
    while (!text.empty()) {
        const auto lf = text.find('\n');
        std::string_view line = trim(text.substr(0, lf));
        if (const auto raw = text.substr(0, lf); inside && !raw.empty() && raw[0] == ' ')
            line = raw; // a count of 0 may be written as a blank
        text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
        if (!inside) {
            inside = line.starts_with("begin ");
            continue;
        }
        if (line == "end")
            return out;
        if (line.empty())
            continue;
        const auto value = [&](std::size_t k) -> unsigned {
            return k < line.size() ? (static_cast<unsigned>(line[k]) - 32U) & 63U : 0U;
        };
        unsigned count = value(0);
        for (std::size_t k = 1; count > 0; k += 4) {
            const unsigned group = value(k) << 18 | value(k + 1) << 12 | value(k + 2) << 6 | value(k + 3);
            for (unsigned shift = 16; count > 0; shift -= 8, --count) {
                if (out.size() >= limit_octets) {
                    set(damaged);
                    return out;
                }
                out += static_cast<char>(group >> shift);
                if (shift == 0) {
                    --count;
                    break;
                }
            }
        }
    }
    set(damaged);
    return out;
}

} // namespace mgw::mail
