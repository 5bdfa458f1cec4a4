#include "lib/mail/charset.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/charset_labels.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iconv.h>

namespace mgw::mail
{

namespace
{

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::size_t longest_label = 40;

struct Name {
    std::string_view from;
    std::string_view to;
};

/// Names that mail uses beside the web's labels, and what iconv calls them.
constexpr std::array mail_names{
    Name{"ansi_x3.4-1986", "windows-1252"},
    Name{"cp936", "GB18030"},
    Name{"cp949", "CP949"},
    Name{"cp950", "BIG5-HKSCS"},
    Name{"gbk2312", "GB18030"},
    Name{"ms936", "GB18030"},
    Name{"ms949", "CP949"},
    Name{"ms950", "BIG5-HKSCS"},
    Name{"uhc", "CP949"},
    Name{"unicode-1-1-utf-7", "UTF-7"},
    Name{"utf-8mb4", "utf-8"},
    Name{"utf8mb4", "utf-8"},
    Name{"utf_8", "utf-8"},
    Name{"x-euc-kr", "CP949"},
};

/// Encodings of the web under another name in glibc's iconv. All others have the same name there.
constexpr std::array iconv_names{
    Name{"big5", "BIG5-HKSCS"}, Name{"euc-jp", "EUC-JP-MS"},          Name{"euc-kr", "CP949"},
    Name{"gbk", "GB18030"},     Name{"iso-2022-jp", "ISO-2022-JP-3"}, Name{"iso-8859-8-i", "ISO-8859-8"},
    Name{"shift_jis", "CP932"}, Name{"windows-874", "CP874"},         Name{"x-mac-cyrillic", "MAC-UK"},
};

template <class Table> std::string_view look_up(const Table& table, std::string_view name)
{
    const auto at = std::ranges::find(table, name, &Name::from);
    return at == table.end() ? std::string_view{} : at->to;
}

inline void close_iconv(void* p) noexcept
{
    ::iconv_close(p);
}
using Converter = Handle<void, close_iconv>;

Converter open_converter(std::string_view name)
{
    const iconv_t raw = ::iconv_open("UTF-8", std::string(name).c_str());
    return Converter{raw == reinterpret_cast<iconv_t>(-1) ? nullptr : raw}; // NOLINT: iconv's own error value
}

/// Octets over 7F by a function to Unicode: for encodings of one octet a character that need no tables of iconv.
template <class Map> std::string by_octet(std::string_view octets, Map map)
{
    std::string out;
    out.reserve(octets.size() + octets.size() / 4);
    for (const char c : octets)
        append_utf8(out, static_cast<unsigned char>(c) < 0x80 ? static_cast<unsigned>(c)
                                                              : map(static_cast<unsigned char>(c)));
    return out;
}

/// What windows-1252 has where ISO 8859-1 has control characters; five of them it leaves.
unsigned windows_1252(unsigned char c)
{
    static constexpr std::array<std::uint16_t, 32> special{
        0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
        0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    return c < 0xA0 ? special[c - 0x80U] : c;
}

/// How many octets at `at` are one character of UTF-8, or what there is of one (RFC 3629 section 4).
struct Utf8Unit {
    std::size_t octets;
    bool whole;
};
Utf8Unit utf8_at(std::string_view text, std::size_t at)
{
    const auto octet = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[at + i]); };
    const unsigned first = octet(0);
    if (first < 0x80)
        return {1, true};
    if (first < 0xC2 || first > 0xF4)
        return {1, false};
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    unsigned low = 0x80; // bounds of the second octet: nothing over-long, no surrogates, nothing over 10FFFF
    unsigned high = 0xBF;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    std::size_t n = 1;
    for (; n < length && at + n < text.size() && octet(n) >= low && octet(n) <= high; ++n) {
        low = 0x80;
        high = 0xBF;
    }
    return {n, n == length};
}

/// One U+FFFD for each longest piece that could have become a character, as browsers do.
std::string only_valid(std::string text)
{
    if (is_valid_utf8(text))
        return text;
    std::string out;
    out.reserve(text.size() + 16);
    for (std::size_t i = 0; i < text.size();) {
        const auto unit = utf8_at(text, i);
        out += unit.whole ? std::string_view(text).substr(i, unit.octets) : replacement;
        i += unit.octets;
    }
    return out;
}

std::string convert(std::string_view octets, iconv_t converter)
{
    std::string out;
    char* in = const_cast<char*>(octets.data()); // NOLINT: iconv does not write there
    std::size_t left = octets.size();
    std::array<char, 4096> buffer{};
    while (left > 0) {
        char* to = buffer.data();
        std::size_t room = buffer.size();
        const auto n = ::iconv(converter, &in, &left, &to, &room);
        out.append(buffer.data(), static_cast<std::size_t>(to - buffer.data()));
        if (n == static_cast<std::size_t>(-1) && errno != E2BIG) {
            out += replacement;
            ++in;
            --left;
        }
    }
    char* to = buffer.data(); // some converters hold the last character back: another may combine with it
    std::size_t room = buffer.size();
    ::iconv(converter, nullptr, nullptr, &to, &room);
    out.append(buffer.data(), static_cast<std::size_t>(to - buffer.data()));
    return only_valid(std::move(out)); // iconv takes more for UTF-8 than RFC 3629 does
}

/// HZ (RFC 1843), which iconv does not know: "~{" to "~}" is GB 2312 without the high bits.
std::string hz_to_gb(std::string_view octets)
{
    std::string out;
    bool in_gb = false;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (octets[i] == '~' && i + 1 < octets.size()) {
            const char next = octets[++i];
            if (next == '{' || next == '}')
                in_gb = next == '{';
            else if (next == '~')
                out += '~';
            else if (next != '\n')
                out.append("~").append(1, next);
        } else if (octets[i] == '\n') {
            in_gb = false;
            out += '\n';
        } else {
            out += in_gb ? static_cast<char>(static_cast<unsigned char>(octets[i]) | 0x80U) : octets[i];
        }
    }
    return out;
}

bool is_plain_ascii(std::string_view octets)
{
    unsigned char all = 0;
    bool control = false;
    for (const char c : octets) {
        all |= static_cast<unsigned char>(c);
        control = control || c == '\x1B' || c == '\x0E' || c == '\x0F' || c == '~';
    }
    return all < 0x80 && !control; // an escape sequence, a shift, or HZ: not the characters that it looks like
}

std::string from_web_encoding(std::string_view octets, std::string_view encoding, std::string_view label)
{
    if (encoding == "utf-16le" || encoding == "utf-16be") { // a byte order mark is stronger than the label
        if (octets.starts_with("\xFE\xFF"))
            encoding = "utf-16be";
        else if (octets.starts_with("\xFF\xFE"))
            encoding = "utf-16le";
        if (octets.starts_with("\xFE\xFF") || octets.starts_with("\xFF\xFE"))
            octets.remove_prefix(2);
    } else if (encoding == "utf-8") {
        return only_valid(std::string(octets));
    } else if (encoding == "windows-1252") {
        return by_octet(octets, windows_1252);
    } else if (encoding == "x-user-defined") {
        return by_octet(octets, [](unsigned char c) { return 0xF700U + c; });
    } else if (is_plain_ascii(octets)) {
        return std::string(octets);
    }
    // the web refuses these for safety's sake; a gateway must read what a mail program reads
    std::string gb;
    auto name = look_up(iconv_names, encoding);
    if (encoding == "replacement" && label == "hz-gb-2312") {
        gb = hz_to_gb(octets);
        octets = gb;
        name = "GB18030";
    } else if (encoding == "replacement") {
        name = label == "csiso2022kr" ? std::string_view("ISO-2022-KR") : label;
    }
    const auto converter = open_converter(name.empty() ? encoding : name);
    // without a converter on this system: what is ASCII, and U+FFFD for the rest
    return converter ? convert(octets, converter.get()) : by_octet(octets, [](unsigned char) { return 0xFFFDU; });
}

std::string normal_label(std::string_view label)
{
    label = trim(label);
    while (!label.empty() && (label.front() == '"' || label.front() == '\''))
        label.remove_prefix(1);
    while (!label.empty() && (label.back() == '"' || label.back() == '\''))
        label.remove_suffix(1);
    return label.size() > longest_label ? std::string{} : to_lower(label);
}

std::string_view encoding_of_normal(std::string_view label)
{
    const auto at = std::ranges::lower_bound(charset_labels, label, {}, &CharsetLabel::label);
    return at == charset_labels.end() || at->label != label ? std::string_view{} : at->encoding;
}

} // namespace

std::string_view encoding_of(std::string_view label)
{
    return encoding_of_normal(normal_label(label));
}

std::string to_utf8(std::string_view octets, std::string_view charset)
{
    std::string label = normal_label(charset);
    if (charset.empty())
        label = "utf-8";
    const auto other = look_up(mail_names, label);
    if (const auto encoding = encoding_of_normal(other.empty() ? std::string_view(label) : other); !encoding.empty())
        return from_web_encoding(octets, encoding, label);
    // iconv reads options behind '/' and lists behind ','
    if (!label.empty() && label.find_first_of("/,\0") == std::string::npos)
        if (const auto converter = open_converter(other.empty() ? std::string_view(label) : other))
            return convert(octets, converter.get());
    return is_valid_utf8(octets) ? std::string(octets) : by_octet(octets, [](unsigned char) { return 0xFFFDU; });
}

} // namespace mgw::mail
