#include "lib/core/text.hpp"
#include "lib/mail/charset.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <optional>

namespace mgw::mail
{

namespace
{

/// A field has at most 64 KB; a word that is longer than this is no word.
constexpr std::size_t longest_word = 16U << 10;
constexpr std::size_t longest_charset = 64;
constexpr std::size_t most_others = 256; ///< that only look like words

struct Word {
    std::string charset;
    std::string octets;
    std::string cut;     ///< what follows `octets`: "=" or "=X", the rest of which some writers put into the next word
    std::size_t end = 0; ///< past its "?="
};

/// RFC 2047 section 4.2. What is no "=XX" stays as it is, blanks too.
std::string q_decode(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = text[i] == '=' ? hex_octet(text.substr(i + 1)) : std::nullopt;
        out += octet.value_or(text[i] == '_' ? ' ' : text[i]);
        i += octet ? 2 : 0;
    }
    return out;
}

/// Where the text of a word that begins at `begin` ends. A '?' that was left unencoded before "=XX" ends no word as
/// long as a better end comes before any blank: "=?utf-8?Q?what?=20now?=".
std::size_t text_end(std::string_view value, std::size_t begin, bool is_q)
{
    const auto bounded = value.substr(0, std::min(value.size(), begin + longest_word));
    const auto first = bounded.find("?=", begin);
    if (!is_q || first == std::string_view::npos)
        return first;
    auto end = first;
    while (hex_octet(bounded.substr(end + 2))) {
        const auto next = bounded.find("?=", end + 2);
        if (next == std::string_view::npos)
            return first;
        const auto between = bounded.substr(end + 2, next - end - 2);
        if (between.find_first_of(" \t\r\n") != std::string_view::npos || between.contains("=?"))
            return first;
        end = next;
    }
    return end;
}

/// The begin of "=XX" at the end of a text, if it breaks off there.
std::string_view broken_off(std::string_view text)
{
    if (text.ends_with('='))
        return text.substr(text.size() - 1);
    const bool is_half = text.size() >= 2 && text[text.size() - 2] == '=' && hex_value(text.back()) >= 0;
    return is_half ? text.substr(text.size() - 2) : std::string_view{};
}

/// The encoded word at `at` (RFC 2047 section 2), read generously: blanks inside the text are accepted. `before` is
/// what the word before it broke off in.
std::optional<Word> word_at(std::string_view value, std::size_t at, std::string_view before)
{
    const auto charset_end = value.substr(0, std::min(value.size(), at + longest_charset)).find('?', at + 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= value.size() || value[charset_end + 2] != '?')
        return std::nullopt;
    const char kind = lower(value[charset_end + 1]);
    if (kind != 'b' && kind != 'q')
        return std::nullopt;
    const auto begin = charset_end + 3;
    const auto end = text_end(value, begin, kind == 'q');
    if (end == std::string_view::npos)
        return std::nullopt;
    const auto charset = value.substr(at + 2, charset_end - at - 2);
    const auto text = value.substr(begin, end - begin);
    // RFC 2231 section 5: a language may follow the charset
    Word word{std::string(charset.substr(0, charset.find('*'))), {}, {}, end + 2};
    if (kind == 'b') {
        word.octets = std::string(before) + base64_decode(text);
    } else {
        const auto whole = std::string(before).append(text);
        word.cut = broken_off(whole);
        word.octets = q_decode(std::string_view(whole).substr(0, whole.size() - word.cut.size()));
    }
    return word;
}

} // namespace

std::string decode_words(std::string_view value, std::size_t limit_words)
{
    if (!value.contains("=?"))
        return is_valid_utf8(value) ? std::string(value) : to_utf8(value, "windows-1252");
    std::string out;
    std::string pending; // octets of adjacent words of one charset: a character may be split between them
    std::string charset;
    std::string cut;
    const auto flush = [&] {
        pending += cut;
        if (!pending.empty())
            out += to_utf8(pending, charset);
        pending.clear();
        cut.clear();
    };
    bool after_word = false;
    std::size_t at = 0;
    std::size_t others = 0; // what only looks like a word costs a search, too
    for (; limit_words > 0 && others < most_others; --limit_words) {
        const auto start = value.find("=?", at);
        if (start == std::string_view::npos)
            break;
        const auto between = value.substr(at, start - at);
        const bool is_next = after_word && trim(between).empty() &&
                             istarts_with(value.substr(start + 2), charset); // of one charset, most likely
        const auto word = word_at(value, start, is_next ? cut : std::string_view{});
        if (!word) {
            flush();
            out += to_utf8(value.substr(at, start + 2 - at), "utf-8");
            at = start + 2;
            after_word = false;
            ++others;
            continue;
        }
        if (!after_word || !trim(between).empty()) { // blanks between two words, folded or not, are no text
            flush();
            out += to_utf8(between, "utf-8");
        } else if (!iequals(charset, word->charset)) {
            flush();
        }
        pending += word->octets;
        cut = word->cut;
        charset = word->charset;
        at = word->end;
        after_word = true;
    }
    flush();
    out += to_utf8(value.substr(at), "utf-8");
    return out;
}

std::string encode_words(std::string_view utf8)
{
    bool plain = !utf8.contains("=?");
    for (const char c : utf8)
        plain = plain && static_cast<unsigned char>(c) < 127 && static_cast<unsigned char>(c) >= 32;
    if (plain)
        return std::string(utf8);
    std::string out;
    std::size_t i = 0;
    while (i < utf8.size()) {
        // 45 octets make 60 characters: with the frame a word stays within 75; never cut inside a character
        std::size_t n = std::min<std::size_t>(45, utf8.size() - i);
        while (n > 1 && i + n < utf8.size() && (static_cast<unsigned char>(utf8[i + n]) & 0xC0) == 0x80)
            --n;
        out += (out.empty() ? "" : " ");
        out += "=?UTF-8?B?" + base64_encode(utf8.substr(i, n), 0) + "?=";
        i += n;
    }
    return out;
}

} // namespace mgw::mail
