#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

/// RFC 5228 section 2.7.1, RFC 5231.
enum class MatchType : char { is, contains, matches, count, value };
enum class Relation : char { gt, ge, lt, le, eq, ne };
/// RFC 4790.
enum class Comparator : char { ascii_casemap, octet, ascii_numeric };

struct Match {
    MatchType type = MatchType::is;
    Relation relation = Relation::eq;
    Comparator comparator = Comparator::ascii_casemap;
};

std::optional<Relation> parse_relation(std::string_view name);
std::optional<Comparator> parse_comparator(std::string_view name);

/// Negative, 0 or positive as `a` sorts before, with or after `b`. For i;ascii-numeric (RFC 4790 section 9.1) only
/// the digits at the start count, and what does not start with a digit is above every number.
int compare(std::string_view a, std::string_view b, Comparator comparator);
bool holds(Relation relation, int order);

/// Whether `pattern` with `*` and `?` covers all of `text`; `\` makes the next character literal. `?` stands for a
/// character of UTF-8, with i;octet for an octet. When `captures` is given it gets the whole text, then what each
/// wildcard stood for, a `*` taking as little as it can (RFC 5229 section 3.2), at most 10 in all. Costs at most text
/// times pattern.
bool glob(std::string_view pattern, std::string_view text, Comparator comparator,
          std::vector<std::string>* captures = nullptr);

/// One value against one key; not for :count.
bool matches(const Match& match, std::string_view value, std::string_view key,
             std::vector<std::string>* captures = nullptr);

} // namespace mgw::filter
