#include "lib/mail/separator.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mgw::mail
{

namespace
{

/// A date's four facts lie within so many words: five with a zone between, one more for a second zone.
constexpr std::size_t widest_date = 6;
/// Words that may follow a date: a zone, its name in parentheses, "remote from HOST".
constexpr std::size_t most_after_date = 5;
constexpr std::size_t most_words = 64;
constexpr std::size_t longest_field_name = 256;

enum Fact : std::uint8_t { none = 0, month = 1, day = 2, time = 4, year = 8, all = 15 };

bool digits(std::string_view word)
{
    return !word.empty() && std::ranges::all_of(word, is_digit);
}

bool is_month(std::string_view word)
{
    static constexpr std::string_view names = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (word.size() != 3)
        return false;
    const std::array<char, 3> low{lower(word[0]), lower(word[1]), lower(word[2])};
    for (std::size_t i = 0; i < names.size(); i += 3)
        if (names.substr(i, 3) == std::string_view(low.data(), 3))
            return true;
    return false;
}

/// hh:mm or hh:mm:ss, a fraction of a second behind it.
bool is_time(std::string_view word)
{
    const auto colon = word.find(':');
    if (colon == 0 || colon > 2 || !digits(word.substr(0, colon)))
        return false;
    word.remove_prefix(colon + 1);
    if (word.size() < 2 || !digits(word.substr(0, 2)))
        return false;
    return word.size() == 2 || word[2] == ':' || word[2] == '+' || word[2] == '-';
}

std::uint8_t facts_of(std::string_view word)
{
    if (word.ends_with(','))
        word.remove_suffix(1);
    if (word.size() <= 2 && digits(word))
        return day;
    if (word.size() == 4 && digits(word) && (word[0] == '1' || word[0] == '2'))
        return year;
    if (is_month(word))
        return month;
    if (is_time(word))
        return time;
    if (word.size() >= 10 && digits(word.substr(0, 4)) && word[4] == '-' && digits(word.substr(5, 2)) &&
        word[7] == '-' && digits(word.substr(8, 2))) { // 2026-11-24, 2026-11-24T10:00:00Z
        if (word.size() == 10)
            return month | day | year;
        return (word[10] == 'T' || word[10] == '_') && is_time(word.substr(11)) ? all : none;
    }
    if (const auto dash = word.find('-'); dash <= 2 && word.size() >= dash + 9 && digits(word.substr(0, dash)) &&
                                          is_month(word.substr(dash + 1, 3)) && word[dash + 4] == '-' &&
                                          digits(word.substr(dash + 5)))
        return month | day | year; // 24-Nov-2026
    return none;
}

bool has_date(std::string_view words)
{
    std::array<std::uint8_t, most_words> facts{};
    std::size_t count = 0;
    while (!words.empty()) {
        const auto begin = words.find_first_not_of(" \t");
        if (begin == std::string_view::npos)
            break;
        words.remove_prefix(begin);
        const auto word = words.substr(0, words.find_first_of(" \t"));
        words.remove_prefix(word.size());
        if (count == most_words)
            return false;
        facts[count++] = facts_of(word);
    }
    // the first word is the sender's, whatever it looks like
    const std::size_t earliest =
        std::max<std::size_t>(count > most_after_date + widest_date ? count - most_after_date - widest_date : 1, 1);
    for (std::size_t begin = earliest; begin < count; ++begin) {
        if (facts[begin] == none)
            continue;
        std::uint8_t seen = none;
        for (std::size_t i = begin; i < std::min(count, begin + widest_date); ++i) {
            seen |= facts[i];
            if (seen != all)
                continue;
            if (count - i - 1 <= most_after_date)
                return true;
            break;
        }
    }
    return false;
}

} // namespace

FromLine from_line_kind(std::string_view line)
{
    if (line.size() > longest_separator || !line.starts_with("From "))
        return FromLine::text;
    line.remove_prefix(5);
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return FromLine::bare;
    if (line[first] == ':') // the field From in its obsolete spelling: no stage may overlook an author
        return FromLine::text;
    if (has_date(line))
        return FromLine::dated;
    return line[first] == '-' && line.find_first_not_of(" \t", first + 1) == std::string_view::npos ? FromLine::bare
                                                                                                    : FromLine::text;
}

FieldStart field_start(std::string_view octets)
{
    std::size_t at = 0;
    while (at < octets.size() && at < longest_field_name && octets[at] > ' ' && octets[at] < '\x7f' &&
           octets[at] != ':')
        ++at;
    const std::size_t name = at;
    while (at < octets.size() && at < longest_field_name && (octets[at] == ' ' || octets[at] == '\t'))
        ++at;
    if (at >= longest_field_name)
        return FieldStart::no;
    if (at == octets.size())
        return FieldStart::more;
    return name > 0 && octets[at] == ':' ? FieldStart::yes : FieldStart::no;
}

} // namespace mgw::mail
