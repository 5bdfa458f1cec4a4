#include "lib/mail/codec.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <array>
#include <cerrno>
#include <iconv.h>
#include <optional>
#include <utility>

namespace mgw::mail
{

namespace
{

/// Names that mail uses for charsets, as browsers read them (encoding.spec.whatwg.org), in glibc's names.
std::string charset_name(std::string_view name)
{
    static constexpr std::array<std::pair<std::string_view, const char*>, 17> aliases{{
        {"us-ascii", "WINDOWS-1252"},
        {"ascii", "WINDOWS-1252"},
        {"ansi_x3.4-1968", "WINDOWS-1252"},
        {"iso-8859-1", "WINDOWS-1252"},
        {"latin1", "WINDOWS-1252"},
        {"iso8859-1", "WINDOWS-1252"},
        {"iso-8859-9", "WINDOWS-1254"},
        {"iso-8859-11", "WINDOWS-874"},
        {"tis-620", "WINDOWS-874"},
        {"gb2312", "GB18030"},
        {"gbk", "GB18030"},
        {"x-gbk", "GB18030"},
        {"ks_c_5601-1987", "CP949"},
        {"euc-kr", "CP949"},
        {"shift_jis", "CP932"},
        {"x-sjis", "CP932"},
        {"unicode-1-1-utf-8", "UTF-8"},
    }};
    for (const auto& [from, to] : aliases)
        if (iequals(name, from))
            return to;
    return std::string(name);
}

inline void close_iconv(void* p) noexcept
{
    ::iconv_close(p);
}

void append_replacing(std::string& out, std::string_view octets)
{
    for (const char c : octets) {
        if (static_cast<unsigned char>(c) < 0x80)
            out += c;
        else
            out += "\xEF\xBF\xBD";
    }
}

} // namespace

namespace
{

/// iconv takes more for UTF-8 than RFC 3629 does: numbers over 10FFFF.
std::string only_valid(std::string out)
{
    if (is_valid_utf8(out))
        return out;
    std::string valid;
    for (std::size_t i = 0; i < out.size();) {
        std::size_t n = 1;
        while (n <= 4 && (i + n > out.size() || !is_valid_utf8(std::string_view(out).substr(i, n))))
            ++n;
        valid += n <= 4 ? std::string_view(out).substr(i, n) : std::string_view("\xEF\xBF\xBD");
        i += n <= 4 ? n : 1;
    }
    return valid;
}

} // namespace

std::string to_utf8(std::string_view octets, std::string_view charset)
{
    if (charset.size() > 40 || charset.contains('/') || charset.contains(','))
        charset = {}; // iconv reads options behind '/'
    const bool ascii =
        octets.find_first_not_of(
            "\t\n\r "
            "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") ==
        std::string_view::npos;
    const bool shifts = istarts_with(charset, "iso-2022") || istarts_with(charset, "hz") ||
                        istarts_with(charset, "utf-7") || istarts_with(charset, "utf-16");
    if ((ascii && !shifts) ||
        ((charset.empty() || iequals(charset, "utf-8") || iequals(charset, "utf8")) && is_valid_utf8(octets)))
        return std::string(octets);
    const std::string name = charset.empty() ? "UTF-8" : charset_name(charset);
    const iconv_t raw = ::iconv_open("UTF-8", name.c_str());
    std::string out;
    if (raw == reinterpret_cast<iconv_t>(-1)) { // NOLINT: iconv's own error value
        append_replacing(out, octets);
        return out;
    }
    const Handle<void, close_iconv> converter{raw};
    char* in = const_cast<char*>(octets.data()); // NOLINT: iconv does not write there
    std::size_t left = octets.size();
    std::array<char, 4096> buffer{};
    while (left > 0) {
        char* to = buffer.data();
        std::size_t room = buffer.size();
        const auto n = ::iconv(converter.get(), &in, &left, &to, &room);
        out.append(buffer.data(), static_cast<std::size_t>(to - buffer.data()));
        if (n == static_cast<std::size_t>(-1) && errno != E2BIG) {
            out += "\xEF\xBF\xBD";
            ++in;
            --left;
        }
    }
    char* to = buffer.data(); // some converters hold the last character back: another may combine with it
    std::size_t room = buffer.size();
    ::iconv(converter.get(), nullptr, nullptr, &to, &room);
    out.append(buffer.data(), static_cast<std::size_t>(to - buffer.data()));
    return only_valid(std::move(out));
}

namespace
{

struct Word {
    std::string charset;
    std::string octets;
    std::size_t end = 0; ///< past its "?="
};

/// The encoded word at `at` (RFC 2047 section 2), read generously: blanks inside the text of Q are accepted.
std::optional<Word> word_at(std::string_view value, std::size_t at)
{
    constexpr std::size_t longest = 4096;
    if (!value.substr(at).starts_with("=?"))
        return std::nullopt;
    const auto charset_end = value.find('?', at + 2);
    if (charset_end == std::string_view::npos || charset_end - at > 64 || charset_end + 2 >= value.size() ||
        value[charset_end + 2] != '?')
        return std::nullopt;
    const char kind = lower(value[charset_end + 1]);
    const auto text_begin = charset_end + 3;
    const auto text_end = value.substr(0, std::min(value.size(), text_begin + longest)).find("?=", text_begin);
    if ((kind != 'b' && kind != 'q') || text_end == std::string_view::npos)
        return std::nullopt;
    Word word;
    const auto charset = value.substr(at + 2, charset_end - at - 2);
    word.charset = charset.substr(0, charset.find('*')); // RFC 2231 section 5: a language may follow
    word.end = text_end + 2;
    std::string text(value.substr(text_begin, text_end - text_begin));
    if (kind == 'q') {
        for (char& c : text)
            if (c == '_')
                c = ' ';
        word.octets = qp_decode(text);
    } else {
        word.octets = base64_decode(text);
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
    std::string pending_charset;
    const auto flush = [&] {
        if (!pending.empty())
            out += to_utf8(pending, pending_charset);
        pending.clear();
    };
    std::size_t at = 0;
    while (at < value.size()) {
        const auto start = value.find("=?", at);
        if (start == std::string_view::npos || limit_words == 0)
            break;
        const auto word = word_at(value, start);
        --limit_words; // what only looks like a word costs a search, too
        const std::string_view between = value.substr(at, start - at);
        if (!word) {
            flush();
            out += to_utf8(value.substr(at, start + 2 - at), "utf-8");
            at = start + 2;
            continue;
        }
        const bool adjacent = !pending_charset.empty() && trim(between).empty();
        if (!adjacent) {
            flush();
            out += to_utf8(between, "utf-8");
        } else if (!iequals(pending_charset, word->charset)) {
            flush();
        }
        pending += word->octets;
        pending_charset = word->charset;
        at = word->end;
        if (at < value.size() && !is_blank(value[at]) && !value.substr(at).starts_with("=?")) {
            flush();
            pending_charset.clear();
        }
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
