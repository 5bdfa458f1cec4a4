#include "lib/mail/lenient_codec.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/base64_values.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/lenient_header.hpp"
#include "lib/mail/yenc.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

namespace mgw::mail
{

namespace
{

/// Takes the next line, without its line end, off `text`.
std::string_view take_line(std::string_view& text)
{
    const auto lf = text.find('\n');
    auto line = text.substr(0, lf);
    text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

/// As take_line, but a CR by itself ends a line as well.
std::string_view take_loose_line(std::string_view& text)
{
    const auto next = next_loose_line(text, 0);
    auto line = text.substr(0, next);
    text.remove_prefix(next);
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

/// Groups of four characters that become three octets.
class Groups {
public:
    explicit Groups(std::size_t limit) : limit_(limit) {}
    std::string out;

    bool full() const { return out.size() >= limit_; }
    bool is_untouched() const { return out.empty() && places_ == 0; }
    void add(std::uint32_t value)
    {
        bits_ = bits_ << 6 | value;
        ++have_;
        place();
    }
    /// A place of the group that holds nothing.
    void place()
    {
        if (++places_ == 4)
            end();
    }
    /// Writes out what a group that is not whole holds.
    void end()
    {
        if (have_ >= 2) {
            const std::uint32_t bits = bits_ << (6 * (4 - have_));
            out += static_cast<char>(bits >> 16);
            if (have_ >= 3)
                out += static_cast<char>(bits >> 8);
            if (have_ == 4)
                out += static_cast<char>(bits);
        }
        drop();
    }
    void drop()
    {
        bits_ = 0;
        have_ = places_ = 0;
    }

private:
    std::size_t limit_;
    std::uint32_t bits_ = 0;
    unsigned have_ = 0;
    unsigned places_ = 0;
};

bool is_junk_line(std::string_view line)
{
    return std::ranges::any_of(line, [](char c) { return base64_value(c) == base64_junk; });
}

bool is_upper_hex(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F');
}
bool is_hex(char c)
{
    return hex_value(c) >= 0;
}
/// But for tabs and line ends.
bool is_control(char c)
{
    return static_cast<unsigned char>(c) < 32 && c != '\t' && c != '\r' && c != '\n';
}

} // namespace

bool has_even_lines(std::string_view text, std::size_t decoded_octets)
{
    const auto first = text.find('\n');
    if (first == std::string_view::npos)
        return true;
    const auto last = text.find_last_not_of("\r\n=");
    const auto data = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    const std::size_t line_end = first > 0 && text[first - 1] == '\r' ? 2 : 1;
    std::size_t lines = 0;
    std::size_t at = first;
    for (; at < data.size() && data[at] == '\n'; at += first + 1)
        ++lines;
    // an octet more between two line ends, and less would have been decoded
    if ((first + 1 - line_end) % 4 == 0 && at >= data.size() &&
        (data.size() - lines * line_end) * 6 / 8 == decoded_octets)
        return true;
    while (!text.empty()) {
        const auto line = take_line(text);
        if (line.size() % 4 != 0 && !text.empty())
            return false;
    }
    return true;
}

std::vector<Base64Way> base64_ways(std::string_view text)
{
    using Padding = Base64Way::Padding;
    using Junk = Base64Way::Junk;
    bool has_junk = false;
    bool has_url = false;
    bool has_padding = false; // before other data
    bool is_uneven = false;   // a line, not the last one, that is not whole groups
    bool padded = false;
    bool uneven = false;
    bool has_gap = false; // an empty line before other data
    bool any = false;
    bool gap = false;
    for (auto rest = text; !rest.empty();) {
        const auto line = take_line(rest);
        std::size_t chars = 0;
        for (const char c : line) {
            const auto v = base64_value(c);
            if (v < base64_blank) {
                has_padding |= padded;
                is_uneven |= uneven;
                has_gap |= gap;
                any = true;
                ++chars;
            } else if (v == base64_pad) {
                padded = true;
                ++chars;
            } else if (v == base64_junk) {
                has_junk = true;
                has_url |= c == '-' || c == '_';
            }
        }
        uneven |= chars % 4 != 0;
        gap |= any && line.empty();
    }
    std::vector<Base64Way> ways;
    if (has_padding) {
        ways.push_back({"padding ends all", Padding::ends_all});
        ways.push_back({"padding ends a line", Padding::ends_line});
        ways.push_back({"padding is skipped", Padding::is_skipped});
        ways.push_back({"padding is zero", Padding::is_zero});
        ways.push_back({"padding fills a group", Padding::fills_group});
    }
    if (is_uneven) {
        ways.push_back({.name = "line by line", .line_by_line = true});
        ways.push_back({.name = "each line for itself", .line_is_whole = true});
    }
    if (has_url)
        ways.push_back({.name = "alphabet of URLs", .url_alphabet = true});
    if (has_junk) {
        ways.push_back({"junk ends a line", Padding::ends_group, Junk::ends_line});
        ways.push_back({"lines with junk are dropped", Padding::ends_group, Junk::drops_line});
        ways.push_back({"junk ends all", Padding::ends_group, Junk::ends_all});
        if (has_padding)
            ways.push_back({"lines with junk are dropped, padding ends all", Padding::ends_all, Junk::drops_line});
    }
    if (has_gap)
        ways.push_back({.name = "an empty line ends all", .empty_line_ends = true});
    return ways;
}

namespace
{

/// Adds what a line holds; false if the text ends in it.
bool decode_line(const Base64Way& way, std::string_view line, Groups& groups)
{
    using Padding = Base64Way::Padding;
    using Junk = Base64Way::Junk;
    for (const char c : line) {
        auto v = base64_value(c);
        if (way.url_alphabet && (c == '-' || c == '_'))
            v = c == '-' ? 62 : 63;
        if (v < base64_blank) {
            groups.add(v);
        } else if (v == base64_junk && way.junk != Junk::is_skipped && way.junk != Junk::drops_line) {
            return way.junk == Junk::ends_line;
        } else if (v == base64_pad) {
            switch (way.padding) {
            case Padding::ends_group:
                groups.end();
                break;
            case Padding::ends_line:
            case Padding::ends_all:
                groups.end();
                return way.padding == Padding::ends_line;
            case Padding::is_zero:
                groups.add(0);
                break;
            case Padding::fills_group:
                groups.place();
                break;
            case Padding::is_skipped:
                break;
            }
        }
    }
    return true;
}

} // namespace

std::string base64_decode_as(const Base64Way& way, std::string_view text, std::size_t limit_octets)
{
    using Padding = Base64Way::Padding;
    using Junk = Base64Way::Junk;
    Groups groups(limit_octets);
    if (way.padding == Padding::is_zero) { // but at the end it is padding
        const auto last = text.find_last_not_of("=\r\n \t");
        text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    }
    bool is_over = false;
    while (!text.empty() && !groups.full() && !is_over) {
        const auto line = take_line(text);
        if (way.junk == Junk::drops_line && is_junk_line(line))
            continue;
        if (way.empty_line_ends && line.empty() && !groups.is_untouched())
            break;
        is_over = !decode_line(way, line, groups);
        if (way.line_is_whole)
            groups.end();
        if (way.line_by_line)
            groups.drop();
    }
    groups.end();
    if (groups.out.size() > limit_octets)
        groups.out.resize(limit_octets);
    return std::move(groups.out);
}

bool has_hard_breaks(std::string_view text)
{
    for (auto at = text.find('\n'); at != std::string_view::npos && at + 1 < text.size();
         at = text.find('\n', at + 1)) {
        std::size_t last = at;
        while (last > 0 && (text[last - 1] == '\r' || is_blank(text[last - 1])))
            --last;
        if (last == 0 || text[last - 1] != '=')
            return true;
    }
    return false;
}

std::vector<QpWay> qp_ways(std::string_view text)
{
    bool is_wrong = false;
    bool has_lower = false;
    for (auto at = text.find('='); at != std::string_view::npos; at = text.find('=', at + 1)) {
        const char a = at + 1 < text.size() ? text[at + 1] : '\n';
        const char b = at + 2 < text.size() ? text[at + 2] : '\n';
        if (is_hex(a) && is_hex(b)) {
            has_lower |= !is_upper_hex(a) || !is_upper_hex(b);
            continue;
        }
        auto end = at + 1;
        while (end < text.size() && is_blank(text[end]))
            ++end;
        is_wrong |= end < text.size() && text[end] != '\n' && text[end] != '\r';
        if (is_wrong && has_lower)
            break;
    }
    std::vector<QpWay> ways;
    if (is_wrong) {
        ways.push_back({"wrong escapes are dropped", false, false, 2});
        ways.push_back({"'=' of wrong escapes is dropped", false, false, 0});
        ways.push_back({"'=' and one character are dropped", false, false, 1});
    }
    if (has_lower)
        ways.push_back({"lower case is wrong", true, false, 2});
    if (is_wrong || has_lower)
        ways.push_back({"'=' and one wrong character are dropped first", true, true, 2});
    if (is_wrong && std::ranges::any_of(text, is_control))
        ways.push_back({.name = "control characters are dropped", .drops_controls = true});
    return ways;
}

std::string qp_decode_as(const QpWay& way, std::string_view text, std::size_t limit_octets)
{
    std::string cleaned;
    std::string printable;
    if (way.drops_controls) {
        for (const char c : text)
            if (!is_control(c))
                printable += c;
        text = printable;
    }
    if (way.drops_first) {
        cleaned.reserve(text.size());
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char next = i + 1 < text.size() ? text[i + 1] : '\n';
            if (text[i] == '=' && !is_upper_hex(next) && next != '=' && next != '\r' && next != '\n' && !is_blank(next))
                ++i;
            else
                cleaned += text[i];
        }
        text = cleaned;
    }
    std::string out;
    for (std::size_t i = 0; i < text.size() && out.size() < limit_octets; ++i) {
        if (text[i] != '=') {
            if (!way.line_ends_lf || text[i] != '\r' || text.substr(i + 1, 1) != "\n")
                out += text[i];
            continue;
        }
        const auto good = [&](std::size_t at) {
            return at < text.size() && (way.upper_case_only ? is_upper_hex(text[at]) : is_hex(text[at]));
        };
        if (good(i + 1) && good(i + 2)) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
            continue;
        }
        std::size_t end = i + 1;
        while (end < text.size() && text[end] != '\n' && static_cast<unsigned char>(text[end]) <= 32)
            ++end;
        if (end >= text.size() || text[end] == '\n') {
            i = end;
            continue;
        }
        for (std::size_t n = 0; n < way.drops && i + 1 < text.size(); ++n, ++i)
            if (text[i + 1] == '=' || text[i + 1] == '\r' || text[i + 1] == '\n')
                break;
    }
    return out;
}

namespace
{

/// Decodes one line of uuencode; false if it is none.
bool add_uu_line(std::string_view line, std::string& out)
{
    if (line.empty() || line[0] < 32 || line[0] > 96)
        return false;
    const auto value = [&](std::size_t k) -> std::uint32_t {
        return k < line.size() ? (static_cast<std::uint32_t>(line[k]) - 32U) & 63U : 0U;
    };
    const std::size_t count = value(0);
    const std::size_t chars = (count + 2) / 3 * 4;
    // blanks at the end may have been lost or added, and some writers add a checksum
    while (line.size() > chars + 2 && is_blank(line.back()))
        line.remove_suffix(1);
    if (count == 0 || line.size() > chars + 2 || line.size() + 4 < chars)
        return false;
    if (std::ranges::any_of(line, [](char c) { return c < 32 || c > 96; }))
        return false;
    for (std::size_t done = 0, k = 1; done < count; k += 4) {
        const std::uint32_t group = value(k) << 18 | value(k + 1) << 12 | value(k + 2) << 6 | value(k + 3);
        for (unsigned shift = 16; done < count; shift -= 8, ++done) {
            out += static_cast<char>(group >> shift);
            if (shift == 0) {
                ++done;
                break;
            }
        }
    }
    return true;
}

/// Whether a line says "begin": blanks follow, and something.
bool says_begin(std::string_view line)
{
    constexpr std::string_view word = "begin";
    return line.starts_with(word) && line.size() > word.size() + 1 && is_blank(line[word.size()]) &&
           !trim(line.substr(word.size(), 200)).empty();
}

/// The name in "begin 644 name", whatever blanks part its words; all behind "begin" where there is no mode.
std::string name_after_mode(std::string_view line)
{
    line.remove_prefix(std::min(line.find_first_of(" \t"), line.size()));
    line = trim(line);
    if (const auto mode = line.find_first_not_of("01234567"); mode != 0) {
        if (mode == std::string_view::npos)
            return {};
        if (is_blank(line[mode]))
            line = trim(line.substr(mode));
    }
    if (line.size() > 2 && line.starts_with('"') && line.ends_with('"'))
        line = line.substr(1, line.size() - 2);
    return std::string(line);
}

} // namespace

bool is_first_of_embedded(std::string_view text)
{
    if (text.starts_with("begin-base64 ") || text.starts_with("=ybegin ") ||
        text.starts_with("(This file must be converted with BinHex"))
        return true;
    constexpr std::size_t most_octets = 1200;
    auto rest = text.substr(0, most_octets);
    if (!rest.starts_with("begin"))
        return false;
    const auto line = take_loose_line(rest);
    if (!says_begin(line))
        return false;
    const auto mode = line.find_first_not_of(" \t", 5);
    if (is_digit(line[mode]) && (line.size() == mode + 1 || is_digit(line[mode + 1]) || is_blank(line[mode + 1])))
        return true;
    std::string out;
    return add_uu_line(take_loose_line(rest), out);
}

bool has_embedded(std::string_view text)
{
    while (!text.empty()) {
        if ((text[0] == 'b' || text[0] == '=' || text[0] == '(') && is_first_of_embedded(text))
            return true;
        text.remove_prefix(next_loose_line(text, 0));
    }
    return false;
}

std::string uu_decode_lines(std::string_view text, std::size_t limit_octets)
{
    std::string out;
    while (!text.empty() && out.size() < limit_octets) {
        const auto line = take_loose_line(text);
        if (line == "end")
            break;
        add_uu_line(line, out);
    }
    if (out.size() > limit_octets)
        out.resize(limit_octets);
    return out;
}

namespace
{

/// The lines up to the one that begins with `last`, which is taken as well, or to where another block begins.
std::string_view until_line(std::string_view& text, std::string_view last)
{
    const auto all = text;
    while (!text.empty()) {
        const auto begin = static_cast<std::size_t>(text.data() - all.data());
        if (is_first_of_embedded(text))
            return all.substr(0, begin);
        if (take_loose_line(text).starts_with(last))
            return all.substr(0, begin);
    }
    return all;
}

/// The lines of a uuencoded file whose first line was taken: those that are uuencode, whatever stands between them.
/// `others`: such a line was there.
std::string_view take_uu_lines(std::string_view& text, std::string& out, std::size_t limit_octets, bool& others)
{
    const auto all = text;
    std::size_t end = 0;
    while (!text.empty() && out.size() < limit_octets) {
        auto rest = text;
        const auto line = take_loose_line(rest);
        if (line == "end" || is_first_of_embedded(text))
            break;
        text = rest;
        if (add_uu_line(line, out))
            end = static_cast<std::size_t>(text.data() - all.data());
        else
            others |= line.size() > 1;
    }
    return all.substr(0, end);
}

} // namespace

std::vector<Embedded> embedded_blocks(std::string_view text, std::size_t limit_octets, std::size_t limit_blocks,
                                      bool* cut)
{
    std::vector<Embedded> found;
    const auto all = text;
    const auto position = [&] { return static_cast<std::size_t>(text.data() - all.data()); };
    const auto keep = [&](Embedded block) {
        if (block.octets.size() > limit_octets)
            block.octets.resize(limit_octets);
        limit_octets -= block.octets.size();
        if (!block.octets.empty())
            found.push_back(std::move(block));
    };
    while (!text.empty()) {
        Embedded block;
        block.begin = position();
        const bool is_first = is_first_of_embedded(text);
        if (is_first && (found.size() >= limit_blocks || limit_octets == 0)) {
            if (cut != nullptr)
                *cut = true;
            break;
        }
        const auto line = take_loose_line(text);
        if (!is_first)
            continue;
        if (line.starts_with("begin-base64 ")) {
            block.name = name_after_mode(line);
            block.octets =
                base64_decode_as({"", Base64Way::Padding::ends_group}, until_line(text, "===="), limit_octets);
        } else if (line.starts_with("=ybegin ")) {
            if (const auto name = line.find(" name="); name != std::string_view::npos)
                block.name = trim(line.substr(name + 6));
            until_line(text, "=yend");
            YencDecoder decoder(limit_octets);
            decoder.feed(all.substr(block.begin, position() - block.begin), block.octets);
            decoder.finish(block.octets);
        } else if (says_begin(line)) {
            block.name = name_after_mode(line);
            bool others = false;
            const std::size_t begin = position();
            const auto lines = take_uu_lines(text, block.octets, limit_octets, others);
            block.end = begin + lines.size();
            // some programs take every line for data, whatever characters it has
            Embedded second{
                others ? uu_decode("begin 644 x\n" + std::string(all.substr(begin, position() - begin)), limit_octets)
                       : std::string(),
                block.name, block.begin, position()};
            keep(std::move(block));
            keep(std::move(second));
            continue;
        }
        block.end = position();
        keep(std::move(block));
    }
    return found;
}

namespace
{

/// One file from the first colon behind `first` on; `at` becomes where it ends, `budget` what may still be unpacked.
Embedded binhex_file(std::string_view text, std::size_t first, std::size_t& at, std::size_t& budget)
{
    static constexpr std::string_view alphabet = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    // 6 bits to a character, then runs: X 0x90 N is X N times, 0x90 0 is 0x90
    std::string plain;
    std::uint32_t bits = 0;
    unsigned have = 0;
    bool is_run = false;
    const auto add = [&](std::uint8_t c) {
        if (is_run) {
            is_run = false;
            if (c == 0)
                plain += '\x90';
            else if (!plain.empty())
                plain.append(std::min<std::size_t>(c - 1U, budget), plain.back());
        } else if (c == 0x90) {
            is_run = true;
        } else {
            plain += static_cast<char>(c);
        }
    };
    for (; at < text.size() && text[at] != ':' && plain.size() < budget; ++at) {
        const auto value = alphabet.find(text[at]);
        if (value == std::string_view::npos)
            continue;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        have += 6;
        if (have >= 8) {
            have -= 8;
            add(static_cast<std::uint8_t>(bits >> have));
        }
    }
    budget -= std::min(budget, plain.size());
    // length of the name, name, 0, type, creator, flags, lengths of the forks, CRC
    const std::size_t name = plain.empty() ? 0 : static_cast<unsigned char>(plain[0]);
    const std::size_t header = 1 + name + 1 + 4 + 4 + 2 + 4 + 4 + 2;
    if (plain.size() <= header)
        return {};
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
        length = length << 8 | static_cast<unsigned char>(plain[1 + name + 1 + 10 + i]);
    return {plain.substr(header, length), plain.substr(1, name), first, at};
}

} // namespace

std::vector<Embedded> binhex_decode(std::string_view text, std::size_t limit_octets)
{
    constexpr std::string_view sign = "BinHex";
    constexpr std::size_t largest_header = 512;
    std::vector<Embedded> files;
    std::size_t left = limit_octets;
    std::size_t budget = limit_octets + largest_header;
    for (std::size_t at = 0; left > 0 && budget > 0;) {
        const auto first = text.find(sign, at);
        const auto colon = first == std::string_view::npos ? first : text.find(':', first);
        if (colon == std::string_view::npos)
            break;
        at = colon + 1;
        auto file = binhex_file(text, first, at, budget);
        if (file.octets.size() > left)
            file.octets.resize(left);
        left -= file.octets.size();
        if (!file.octets.empty())
            files.push_back(std::move(file));
    }
    return files;
}

namespace
{

/// A string of a script at the front of `text`, which is taken off it; nothing where none begins or ends there.
std::optional<std::string_view> take_script_string(std::string_view& text)
{
    constexpr std::string_view blanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (text.empty() || !std::string_view("\"'`").contains(text[0]))
        return std::nullopt;
    const auto end = text.find(text[0], 1);
    if (end == std::string_view::npos)
        return std::nullopt;
    const auto value = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return value;
}

} // namespace

std::vector<Embedded> script_blocks(std::string_view text, std::size_t limit_octets, std::size_t limit_blocks,
                                    bool* cut)
{
    constexpr std::string_view call = "atob";
    std::vector<Embedded> found;
    const auto all = text;
    // a string may hold what looks like another call and is one for a browser: each is looked at from its own place on
    std::size_t budget = 4 * all.size();
    while (true) {
        const void* at = ::memmem(text.data(), text.size(), call.data(), call.size());
        if (at == nullptr)
            return found;
        const auto begin = static_cast<std::size_t>(static_cast<const char*>(at) - all.data());
        text = all.substr(begin + call.size());
        auto rest = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        if (!rest.starts_with('('))
            continue;
        std::string joined;
        do {
            rest.remove_prefix(1);
            const auto piece = take_script_string(rest);
            if (!piece)
                break;
            joined += *piece;
        } while (rest.starts_with('+'));
        if (joined.empty())
            continue;
        const auto walked = static_cast<std::size_t>(rest.data() - text.data());
        if (found.size() >= limit_blocks || limit_octets == 0 || walked > budget) {
            if (cut != nullptr)
                *cut = true;
            return found;
        }
        budget -= walked;
        Embedded block{base64_decode_as({"", Base64Way::Padding::ends_group}, joined, limit_octets),
                       {},
                       begin,
                       static_cast<std::size_t>(rest.data() - all.data())};
        limit_octets -= block.octets.size();
        if (!block.octets.empty())
            found.push_back(std::move(block));
    }
}

bool is_surely_base64(std::string_view text)
{
    constexpr std::size_t enough = 40;
    std::size_t chars = 0;
    while (!text.empty() && chars < enough) {
        const auto line = trim(take_line(text));
        if (line.size() % 4 != 0 || is_junk_line(line.substr(0, 1000)) || line.contains(' '))
            return false;
        chars += line.size();
    }
    return chars >= enough;
}

bool looks_like_base64(std::string_view text)
{
    int lines = 0;
    std::size_t chars = 0;
    while (!text.empty() && lines < 4) {
        const auto line = trim(take_line(text));
        if (line.empty())
            continue;
        if (is_junk_line(line) || line.find_first_of(" \t") != std::string_view::npos)
            return false;
        ++lines;
        chars += line.size();
    }
    return chars >= 8;
}

bool is_surely_qp(std::string_view text)
{
    constexpr std::size_t enough = 8;
    std::size_t good = 0;
    std::size_t wrong = 0;
    text = text.substr(0, 4096);
    for (auto at = text.find('='); at != std::string_view::npos && at + 2 < text.size(); at = text.find('=', at + 1)) {
        if (is_hex(text[at + 1]) && is_hex(text[at + 2]))
            ++good;
        else if (text[at + 1] != '\r' && text[at + 1] != '\n')
            ++wrong;
    }
    return good >= enough && wrong * 10 < good;
}

bool looks_like_qp(std::string_view text)
{
    text = text.substr(0, 16U << 10);
    for (auto at = text.find('='); at != std::string_view::npos && at + 2 < text.size(); at = text.find('=', at + 1))
        if ((is_hex(text[at + 1]) && is_hex(text[at + 2])) || text[at + 1] == '\r' || text[at + 1] == '\n')
            return true;
    return false;
}

std::vector<std::string_view> base64_runs(std::string_view octets, std::size_t least_chars, std::size_t limit_runs)
{
    std::vector<std::string_view> runs;
    std::size_t begin = 0;
    std::size_t chars = 0;
    auto rest = octets;
    const auto end_run = [&](std::size_t end) {
        if (chars >= least_chars)
            runs.push_back(octets.substr(begin, end - begin));
        chars = 0;
    };
    while (!rest.empty() && runs.size() < limit_runs) {
        const auto at = static_cast<std::size_t>(rest.data() - octets.data());
        const auto line = trim(take_line(rest));
        const bool is_run = !is_junk_line(line) && line.find_first_of(" \t") == std::string_view::npos;
        if (!is_run) {
            end_run(at);
        } else if (!line.empty()) {
            if (chars == 0)
                begin = at;
            chars += line.size();
        }
    }
    end_run(octets.size());
    return runs;
}

} // namespace mgw::mail
