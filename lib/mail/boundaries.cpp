#include "lib/mail/boundaries.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <utility>

namespace mgw::mail
{

namespace
{

std::size_t blanks_at_end(std::string_view text)
{
    const auto last = text.find_last_not_of(" \t");
    return text.size() - (last == std::string_view::npos ? 0 : last + 1);
}

/// What stands between the dashes and the line end.
std::string_view without_dashes(std::string_view line)
{
    line.remove_prefix(2);
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

} // namespace

std::size_t line_end_before(std::string_view octets, std::size_t at)
{
    if (at == 0 || octets[at - 1] != '\n')
        return at;
    return at > 1 && octets[at - 2] == '\r' ? at - 2 : at - 1;
}

void Boundaries::open(std::string boundary, std::size_t level)
{
    most_blanks_ = std::max(most_blanks_, blanks_at_end(boundary));
    const auto [at, is_new] = levels_.try_emplace(std::move(boundary), level);
    if (is_new) // else each of its delimiters belongs to the outer one
        opened_.push_back(at);
}

void Boundaries::close_from(std::size_t level)
{
    while (!opened_.empty() && opened_.back()->second >= level) {
        levels_.erase(opened_.back());
        opened_.pop_back();
    }
    if (opened_.empty())
        most_blanks_ = 0;
}

const Boundaries::Levels::value_type* Boundaries::find(std::string_view boundary) const
{
    const auto at = levels_.find(boundary);
    return at == levels_.end() ? nullptr : &*at;
}

std::optional<Boundaries::Match> Boundaries::match(std::string_view line) const
{
    if (levels_.empty())
        return std::nullopt;
    const auto text = without_dashes(line);
    const std::size_t blanks = blanks_at_end(text);
    const std::size_t size = text.size() - blanks;
    std::optional<Match> best;
    const auto take = [&](std::string_view boundary, bool closes) {
        const auto* found = find(boundary);
        if (found != nullptr && (!best || found->second < best->level))
            best = Match{found->second, closes};
    };
    for (std::size_t more = 0; more <= std::min(blanks, most_blanks_); ++more)
        take(text.substr(0, size + more), false);
    if (text.substr(0, size).ends_with("--"))
        take(text.substr(0, size - 2), true);
    return best;
}

bool has_prefix_in(const std::map<std::string, std::size_t, std::less<>>& sorted, std::string_view text)
{
    // what `text` begins with is sorted before it, near it unless the texts are many and alike
    constexpr int most_steps = 8;
    auto at = sorted.upper_bound(text);
    for (int i = 0; i < most_steps && at != sorted.begin(); ++i) {
        --at;
        if (text.starts_with(at->first))
            return true;
    }
    return false;
}

bool Boundaries::is_near(std::string_view line) const
{
    constexpr std::size_t least = 4; // "--" and "---" are ruled lines
    const auto text = without_dashes(line);
    if (has_prefix_in(levels_, text))
        return true;
    const auto at = levels_.lower_bound(text);
    return text.size() >= least && at != levels_.end() && at->first.starts_with(text);
}

} // namespace mgw::mail
