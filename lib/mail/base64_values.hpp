#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mgw::mail
{

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Values of characters that stand for no six bits.
constexpr std::uint8_t base64_blank = 64; ///< and line ends
constexpr std::uint8_t base64_pad = 65;
constexpr std::uint8_t base64_junk = 66;

constexpr auto base64_values = [] {
    std::array<std::uint8_t, 256> t{};
    t.fill(base64_junk);
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i)
        t[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
    t['='] = base64_pad;
    t['\r'] = t['\n'] = t[' '] = t['\t'] = base64_blank;
    return t;
}();

/// What a character is worth in base64 (RFC 2045 section 6.8), or one of the values above.
constexpr std::uint8_t base64_value(char c)
{
    return base64_values[static_cast<unsigned char>(c)];
}

} // namespace mgw::mail
