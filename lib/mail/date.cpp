#include "lib/mail/date.hpp"

#include "lib/core/text.hpp"

#include <mimetic/rfc822/datetime.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace mgw::mail
{

namespace
{

constexpr std::size_t longest_date = 256; ///< without its comments
constexpr std::array<std::string_view, 12> months{"january",   "february", "march",    "april",
                                                  "may",       "june",     "july",     "august",
                                                  "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> days{"sunday",   "monday", "tuesday", "wednesday",
                                               "thursday", "friday", "saturday"};

struct Zone {
    std::string_view name;
    int hours;
};
/// RFC 5322 section 4.3, and others that are not ambiguous.
constexpr std::array zones{Zone{"ut", 0},    Zone{"utc", 0},   Zone{"gmt", 0},   Zone{"z", 0},     Zone{"est", -5},
                           Zone{"edt", -4},  Zone{"cst", -6},  Zone{"cdt", -5},  Zone{"mst", -7},  Zone{"mdt", -6},
                           Zone{"pst", -8},  Zone{"pdt", -7},  Zone{"wet", 0},   Zone{"west", 1},  Zone{"cet", 1},
                           Zone{"cest", 2},  Zone{"met", 1},   Zone{"mest", 2},  Zone{"eet", 2},   Zone{"eest", 3},
                           Zone{"msk", 3},   Zone{"hkt", 8},   Zone{"jst", 9},   Zone{"kst", 9},   Zone{"aest", 10},
                           Zone{"aedt", 11}, Zone{"akst", -9}, Zone{"akdt", -8}, Zone{"hst", -10}, Zone{"nzst", 12},
                           Zone{"nzdt", 13}};

/// What has been read so far; -1 where nothing has.
struct Reading {
    int day = -1;
    int month = -1;
    int year = -1;
    int hour = -1;
    int minute = 0;
    int second = 0;
    std::optional<int> offset_minutes;
};

/// Number of the first name that begins with `word` (three letters at least), or -1.
template <class Names> int index_of(const Names& names, std::string_view word)
{
    const auto wanted = to_lower(word);
    for (std::size_t i = 0; wanted.size() >= 3 && i < names.size(); ++i)
        if (names[i].starts_with(wanted))
            return static_cast<int>(i);
    return wanted == "sept" && names.size() == months.size() ? 8 : -1;
}

/// Digits at the begin of `text`, at least `least` and at most `most`, taken away from it.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most)
{
    std::size_t n = 0;
    int value = 0;
    for (; n < text.size() && is_digit(text[n]); ++n) {
        if (n == most)
            return std::nullopt;
        value = value * 10 + (text[n] - '0');
    }
    if (n < least)
        return std::nullopt;
    text.remove_prefix(n);
    return value;
}

bool take(std::string_view& text, char c)
{
    if (!text.starts_with(c))
        return false;
    text.remove_prefix(1);
    return true;
}

/// Without comments (RFC 5322 section 3.2.2) and line ends, a blank for each run of blanks.
std::string without_comments(std::string_view value, bool& had_comment_inside)
{
    std::string out;
    std::size_t depth = 0;
    bool after_comment = false;
    for (std::size_t i = 0; i < value.size() && out.size() <= longest_date; ++i) {
        const char c = value[i];
        if (depth > 0) {
            if (c == '\\')
                ++i;
            else if (c == '(')
                ++depth;
            else if (c == ')')
                --depth;
            continue;
        }
        if (c == '(') {
            ++depth;
            after_comment = true;
        } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            had_comment_inside = had_comment_inside || after_comment;
            if (after_comment && !out.empty() && out.back() != ' ')
                out += ' ';
            after_comment = false;
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    while (out.ends_with(' '))
        out.pop_back();
    return out;
}

/// The grammar of RFC 5322 section 3.3, blanks already single: day-name "," day month year hh:mm[:ss] zone.
bool is_to_the_letter(std::string_view text)
{
    const auto name = [&](const auto& names) {
        const auto word = text.substr(0, 3);
        if (word.size() < 3 || index_of(names, word) < 0)
            return false;
        text.remove_prefix(3);
        return true;
    };
    if (!text.empty() && is_letter(text.front())) {
        if (!name(days) || !take(text, ','))
            return false;
        take(text, ' ');
    }
    if (!take_number(text, 1, 2) || !take(text, ' ') || !name(months) || !take(text, ' '))
        return false;
    const auto year = take_number(text, 4, 4);
    if (!year || *year < 1900 || !take(text, ' ') || !take_number(text, 2, 2) || !take(text, ':') ||
        !take_number(text, 2, 2))
        return false;
    if (take(text, ':') && !take_number(text, 2, 2))
        return false;
    if (!take(text, ' ') || (!take(text, '+') && !take(text, '-')))
        return false;
    return take_number(text, 4, 4) && text.empty();
}

std::optional<int> offset_of(bool west, int hours, int minutes)
{
    if (hours > 23 || minutes > 59)
        return std::nullopt;
    return (west ? -1 : 1) * (hours * 60 + minutes);
}

/// "+0100", "-7", "+05:30"
std::optional<int> read_offset(std::string_view text)
{
    const bool west = text.starts_with('-');
    text.remove_prefix(1);
    const auto digits = text;
    const auto first = take_number(text, 1, 4);
    if (!first)
        return std::nullopt;
    if (take(text, ':')) {
        const auto minutes = take_number(text, 2, 2);
        return minutes && text.empty() ? offset_of(west, *first, *minutes) : std::nullopt;
    }
    if (!text.empty())
        return std::nullopt;
    return digits.size() > 2 ? offset_of(west, *first / 100, *first % 100) : offset_of(west, *first, 0);
}

int whole_year(int year, std::size_t digits)
{
    // RFC 5322 section 4.3
    if (digits == 2)
        return year < 50 ? year + 2000 : year + 1900;
    return digits == 3 ? year + 1900 : year;
}

/// Reads what common programs write, word by word and in nearly any order.
class LooseReader {
public:
    std::optional<Reading> read(std::string_view text)
    {
        constexpr std::size_t most_words = 16;
        std::size_t words = 0;
        while (!text.empty()) {
            const auto end = text.find_first_of(" ,");
            const auto word = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            if (word.empty())
                continue;
            if (++words > most_words || !read_word(word))
                return std::nullopt;
        }
        if (afternoon_ && (got_.hour < 1 || got_.hour > 12))
            return std::nullopt;
        if (afternoon_)
            got_.hour = got_.hour % 12 + (*afternoon_ ? 12 : 0);
        return got_;
    }

private:
    bool read_word(std::string_view word)
    {
        if (word.size() > 8 && is_iso_date(word))
            return read_iso_date(word);
        if (is_digit(word.front()) && word.contains(':'))
            return read_time(word);
        if ((word.front() == '+' || word.front() == '-') && word.size() > 1 && is_digit(word[1])) {
            got_.offset_minutes = read_offset(word).value_or(0);
            return true;
        }
        if (is_digit(word.front()))
            return read_digits(word);
        if (is_letter(word.front()))
            return read_name(word);
        return word == "-" || word == ".";
    }

    static bool is_iso_date(std::string_view word)
    {
        return take_number(word, 4, 4) && take(word, '-') && take_number(word, 2, 2) && take(word, '-') &&
               take_number(word, 2, 2);
    }
    bool read_iso_date(std::string_view word)
    {
        got_.year = *take_number(word, 4, 4);
        take(word, '-');
        got_.month = *take_number(word, 2, 2);
        take(word, '-');
        got_.day = *take_number(word, 2, 2);
        if (word.empty())
            return true;
        return (take(word, 'T') || take(word, 't') || take(word, '_')) && read_time(word);
    }

    /// 5:47, 05:47:35, 05:47:35.123, and what is glued to it: "Z", "+0100", "pm"
    bool read_time(std::string_view word)
    {
        const auto hour = take_number(word, 1, 2);
        if (got_.hour >= 0 || !hour || !take(word, ':'))
            return false;
        const auto minute = take_number(word, 1, 2);
        if (!minute)
            return false;
        std::optional<int> second = 0;
        if (take(word, ':'))
            second = take_number(word, 1, 2);
        if (!second)
            return false;
        if (word.starts_with('.'))
            word.remove_prefix(std::min(word.find_first_not_of("0123456789", 1), word.size()));
        got_.hour = *hour;
        got_.minute = *minute;
        got_.second = *second;
        return word.empty() || read_word(word);
    }

    /// A day, a year, "24-Nov-2026", "24th", or a zone that lost its sign.
    bool read_digits(std::string_view word)
    {
        const auto digits = std::min(word.find_first_not_of("0123456789"), word.size());
        const auto number = take_number(word, 1, 4);
        if (!number)
            return false;
        if (take(word, '-')) { // RFC 850
            const auto dash = word.find('-');
            if (got_.day >= 0 || got_.month >= 0 || dash == std::string_view::npos)
                return false;
            got_.day = *number;
            got_.month = index_of(months, word.substr(0, dash)) + 1;
            return got_.month > 0 && read_digits(word.substr(dash + 1));
        }
        const bool ordinal = word == "st" || word == "nd" || word == "rd" || word == "th" || word == ".";
        if (!word.empty() && !ordinal)
            return false;
        if (got_.day < 0 && digits <= 2) {
            got_.day = *number;
        } else if (got_.year < 0 && digits >= 2) {
            got_.year = whole_year(*number, digits);
        } else if (got_.hour >= 0 && digits == 4 && !got_.offset_minutes) {
            got_.offset_minutes = offset_of(false, *number / 100, *number % 100).value_or(0);
        } else {
            return false;
        }
        return true;
    }

    bool read_name(std::string_view word)
    {
        while (word.ends_with('.'))
            word.remove_suffix(1);
        if (const auto sign = word.find_first_of("+-"); sign != std::string_view::npos && sign + 1 < word.size()) {
            if (!is_digit(word[sign + 1])) // "Nov-" or a name of a place
                return false;
            got_.offset_minutes = read_offset(word.substr(sign)).value_or(0); // "GMT+0100"
            return true;
        }
        if (const int month = index_of(months, word); month >= 0 && got_.month < 0) {
            got_.month = month + 1;
            return true;
        }
        if (index_of(days, word) >= 0)
            return true;
        if (iequals(word, "am") || iequals(word, "pm")) {
            afternoon_ = iequals(word, "pm");
            return true;
        }
        if (got_.hour < 0)
            return iequals(word, "at") || iequals(word, "of");
        for (const auto& [name, hours] : zones)
            if (iequals(word, name) && !got_.offset_minutes)
                got_.offset_minutes = hours * 60;
        return word.size() <= 5; // a zone of no known meaning is UTC (RFC 5322 section 4.3)
    }

    Reading got_;
    std::optional<bool> afternoon_;
};

/// The form that mimetic reads right: to the letter, one blank between words, no comments.
Reading read_strictly(std::string_view text)
{
    const mimetic::DateTime date{std::string(text)};
    const std::string zone = date.zone().name();
    Reading got{date.day(), date.month().ordinal(), date.year(), date.hour(), date.minute(), date.second()};
    if (zone.size() == 5)
        got.offset_minutes = read_offset(zone);
    return got;
}

std::optional<DateTime> point_in_time(const Reading& got)
{
    if (got.day < 1 || got.month < 1 || got.year < 0 || got.hour > 23 || got.minute > 59 || got.second > 60)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{got.year},
                                           std::chrono::month{static_cast<unsigned>(got.month)},
                                           std::chrono::day{static_cast<unsigned>(got.day)}};
    if (!date.ok())
        return std::nullopt;
    DateTime out;
    out.offset_minutes = got.offset_minutes.value_or(0);
    const std::int64_t days_since = std::chrono::sys_days{date}.time_since_epoch().count();
    out.seconds =
        days_since * 86400 + std::max(got.hour, 0) * 3600 + (got.minute - out.offset_minutes) * 60 + got.second;
    return out;
}

/// Whether a day of the week is given and is not that of the day.
bool is_wrong_weekday(std::string_view text, const Reading& got)
{
    const int named = index_of(days, text.substr(0, 3));
    const std::chrono::year_month_day date{std::chrono::year{got.year},
                                           std::chrono::month{static_cast<unsigned>(got.month)},
                                           std::chrono::day{static_cast<unsigned>(got.day)}};
    return named >= 0 && std::chrono::weekday{std::chrono::sys_days{date}}.c_encoding() != static_cast<unsigned>(named);
}

} // namespace

std::optional<DateTime> parse_date(std::string_view value)
{
    bool obsolete = false;
    const auto text = without_comments(value, obsolete);
    if (text.size() > longest_date)
        return std::nullopt;
    const bool to_the_letter = !obsolete && is_to_the_letter(text);
    const auto got = to_the_letter ? std::optional(read_strictly(text)) : LooseReader{}.read(text);
    auto date = got ? point_in_time(*got) : std::nullopt;
    if (date)
        date->strict = to_the_letter && got->offset_minutes && !is_wrong_weekday(text, *got);
    return date;
}

} // namespace mgw::mail
