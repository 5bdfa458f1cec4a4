#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// Where the line end begins that belongs to the delimiter line at `at` (RFC 2046 section 5.1.1); `at` if there is
/// none.
std::size_t line_end_before(std::string_view octets, std::size_t at);

/// The boundaries of the multiparts that are open at one place of a message. Each has a level, the outermost the
/// lowest: where a line is a delimiter of several, it belongs to the outermost. However many are open, a line costs a
/// search in a sorted set.
class Boundaries {
public:
    struct Match {
        std::size_t level = 0;
        bool closes = false;
    };

    /// `level` is higher than that of any open one.
    void open(std::string boundary, std::size_t level);
    /// Those of `level` and above are no longer looked for.
    void close_from(std::size_t level);
    bool empty() const { return levels_.empty(); }

    /// Of a line that begins with "--", with or without its line end: anchored, exact, blanks after it allowed.
    std::optional<Match> match(std::string_view line) const;
    /// Whether a line that begins with "--" and matches none looks like one: it goes on after an open boundary, or
    /// breaks off in it.
    bool is_near(std::string_view line) const;

private:
    using Levels = std::map<std::string, std::size_t, std::less<>>;
    const Levels::value_type* find(std::string_view boundary) const;

    Levels levels_;
    std::vector<Levels::iterator> opened_; ///< the last one innermost
    std::size_t most_blanks_ = 0;          ///< at the end of a boundary
};

/// Whether one of the sorted texts is what `text` begins with.
bool has_prefix_in(const std::map<std::string, std::size_t, std::less<>>& sorted, std::string_view text);

} // namespace mgw::mail
