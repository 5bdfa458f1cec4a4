#include "lib/filter/match.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

bool equal(char a, char b, Comparator comparator)
{
    return comparator == Comparator::octet ? a == b : lower(a) == lower(b);
}

bool contains(std::string_view text, std::string_view needle, Comparator comparator)
{
    if (comparator == Comparator::octet || needle.empty())
        return text.contains(needle);
    // memchr on both cases of the first letter is several times faster than a plain search
    const char low = lower(needle.front());
    const char high = low >= 'a' && low <= 'z' ? static_cast<char>(low - 32) : low;
    const auto next = [&](std::size_t from, char c) {
        const auto at = text.find(c, from);
        return at == std::string_view::npos ? text.size() : at;
    };
    std::size_t at_low = next(0, low);
    std::size_t at_high = next(0, high);
    for (;;) {
        const std::size_t at = std::min(at_low, at_high);
        if (text.size() - at < needle.size())
            return false;
        if (iequals(text.substr(at, needle.size()), needle))
            return true;
        if (at == at_low)
            at_low = next(at + 1, low);
        if (at == at_high)
            at_high = next(at + 1, high);
    }
}

std::string_view digits(std::string_view text)
{
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count]))
        ++count;
    return text.substr(0, count);
}

int compare_numbers(std::string_view a, std::string_view b)
{
    a = digits(a);
    b = digits(b);
    if (a.empty() || b.empty())
        return static_cast<int>(a.empty()) - static_cast<int>(b.empty());
    const auto significant = [](std::string_view text) {
        return text.substr(std::min(text.find_first_not_of('0'), text.size()));
    };
    a = significant(a);
    b = significant(b);
    if (a.size() != b.size())
        return a.size() < b.size() ? -1 : 1;
    return a.compare(b);
}

/// A pattern between two stars.
struct Segment {
    std::string chars;
    std::string any; ///< '?' where any character may stand, else ' '
};

std::vector<Segment> segments(std::string_view pattern)
{
    std::vector<Segment> out(1);
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        char c = pattern[i];
        if (c == '*') {
            out.emplace_back();
            continue;
        }
        const bool any = c == '?';
        if (c == '\\' && i + 1 < pattern.size())
            c = pattern[++i];
        out.back().chars += c;
        out.back().any += any ? '?' : ' ';
    }
    return out;
}

std::size_t character_octets(std::string_view text, std::size_t at, Comparator comparator)
{
    std::size_t end = at + 1;
    if (comparator != Comparator::octet && static_cast<unsigned char>(text[at]) >= 0xC0) {
        while (end < text.size() && end < at + 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
            ++end;
    }
    return end - at;
}

struct Glob {
    std::string_view text;
    Comparator comparator;
    std::vector<std::string>* captures;

    void capture(std::string_view what) const
    {
        if (captures != nullptr && captures->size() < 10)
            captures->emplace_back(what);
    }

    /// The end of `segment` when it stands at `at`; npos when it does not.
    std::size_t stands_at(const Segment& segment, std::size_t at) const
    {
        for (std::size_t i = 0; i < segment.chars.size(); ++i) {
            if (at >= text.size())
                return std::string_view::npos;
            if (segment.any[i] == '?')
                at += character_octets(text, at, comparator);
            else if (equal(text[at], segment.chars[i], comparator))
                ++at;
            else
                return std::string_view::npos;
        }
        return at;
    }

    void capture_single(const Segment& segment, std::size_t at) const
    {
        for (std::size_t i = 0; captures != nullptr && i < segment.chars.size(); ++i) {
            const std::size_t octets = segment.any[i] == '?' ? character_octets(text, at, comparator) : 1;
            if (segment.any[i] == '?')
                capture(text.substr(at, octets));
            at += octets;
        }
    }

    bool run(std::string_view pattern) const
    {
        const auto parts = segments(pattern);
        capture(text);
        std::size_t at = stands_at(parts.front(), 0);
        if (at == std::string_view::npos)
            return false;
        capture_single(parts.front(), 0);
        if (parts.size() == 1)
            return at == text.size();
        for (std::size_t p = 1; p < parts.size(); ++p) {
            const bool last = p + 1 == parts.size();
            std::size_t begin = at;
            std::size_t end = std::string_view::npos;
            for (; begin <= text.size(); ++begin) {
                end = stands_at(parts[p], begin);
                if (end != std::string_view::npos && (!last || end == text.size()))
                    break;
                end = std::string_view::npos;
            }
            if (end == std::string_view::npos)
                return false;
            capture(text.substr(at, begin - at));
            capture_single(parts[p], begin);
            at = end;
        }
        return true;
    }
};

} // namespace

std::optional<Relation> parse_relation(std::string_view name)
{
    constexpr std::string_view names[] = {"gt", "ge", "lt", "le", "eq", "ne"};
    for (std::size_t i = 0; i < std::size(names); ++i) {
        if (iequals(name, names[i]))
            return static_cast<Relation>(i);
    }
    return std::nullopt;
}

std::optional<Comparator> parse_comparator(std::string_view name)
{
    if (name == "i;ascii-casemap")
        return Comparator::ascii_casemap;
    if (name == "i;octet")
        return Comparator::octet;
    if (name == "i;ascii-numeric")
        return Comparator::ascii_numeric;
    return std::nullopt;
}

int compare(std::string_view a, std::string_view b, Comparator comparator)
{
    switch (comparator) {
    case Comparator::octet:
        return a.compare(b);
    case Comparator::ascii_numeric:
        return compare_numbers(a, b);
    case Comparator::ascii_casemap:
        break;
    }
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
        const auto x = static_cast<unsigned char>(lower(a[i]));
        const auto y = static_cast<unsigned char>(lower(b[i]));
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

bool holds(Relation relation, int order)
{
    switch (relation) {
    case Relation::gt:
        return order > 0;
    case Relation::ge:
        return order >= 0;
    case Relation::lt:
        return order < 0;
    case Relation::le:
        return order <= 0;
    case Relation::eq:
        return order == 0;
    case Relation::ne:
        return order != 0;
    }
    return false;
}

bool glob(std::string_view pattern, std::string_view text, Comparator comparator, std::vector<std::string>* captures)
{
    if (captures != nullptr)
        captures->clear();
    return Glob{text, comparator, captures}.run(pattern);
}

bool matches(const Match& match, std::string_view value, std::string_view key, std::vector<std::string>* captures)
{
    switch (match.type) {
    case MatchType::is:
        if (match.comparator == Comparator::ascii_casemap)
            return iequals(value, key);
        return compare(value, key, match.comparator) == 0;
    case MatchType::contains:
        return contains(value, key, match.comparator);
    case MatchType::matches:
        return glob(key, value, match.comparator, captures);
    case MatchType::value:
        return holds(match.relation, compare(value, key, match.comparator));
    case MatchType::count:
        break;
    }
    return false;
}

} // namespace mgw::filter
