#include "lib/mail/lenient_parts.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <utility>

namespace mgw::mail
{

namespace
{

constexpr auto npos = std::string_view::npos;
constexpr std::size_t most_boundaries = 16;
constexpr std::size_t most_names = 32;
constexpr std::size_t header_octets = 16U << 10; ///< of one part that are looked at

bool is_space(char c)
{
    return static_cast<unsigned char>(c) <= 32;
}

/// A place where a part may end and another begin.
struct Cut {
    std::size_t begin; ///< the line end before it belongs to it
    std::size_t next;
};

/// Whether MIME fields stand in one of the first lines at `at`.
bool fields_follow(std::string_view octets, std::size_t at)
{
    constexpr int lines = 4;
    constexpr std::size_t most_line = 200;
    for (int i = 0; i < lines && at < octets.size(); ++i) {
        const auto next = next_loose_line(octets, at);
        if (looks_like_field(octets.substr(at, std::min(next - at, most_line))))
            return true;
        at = next;
    }
    return false;
}

/// Boundaries that were met or named: a line is held against each.
class Known {
public:
    void add(std::string_view boundary)
    {
        while (!boundary.empty() && is_space(boundary.back()))
            boundary.remove_suffix(1);
        if (boundary.empty() || boundary.size() > 200 || known_.size() >= most_boundaries)
            return;
        if (std::ranges::find(known_, boundary) == known_.end())
            known_.emplace_back(boundary);
    }
    /// Whether the text behind a line's dashes begins with one of them, or breaks off in one.
    bool match(std::string_view text) const
    {
        constexpr std::size_t least = 4;
        return std::ranges::any_of(known_, [&](const std::string& known) {
            return text.starts_with(known) || (text.size() >= least && known.starts_with(text));
        });
    }
    const std::vector<std::string>& all() const { return known_; }

private:
    std::vector<std::string> known_;
};

/// Dashes at the start of the line at `at`, control characters before them or not; npos if there are none.
std::size_t dashes_at(std::string_view octets, std::size_t at)
{
    constexpr std::size_t most_blanks = 16;
    const auto end = std::min(octets.size(), at + most_blanks);
    while (at < end && is_space(octets[at]) && octets[at] != '\n')
        ++at;
    return octets.substr(at, 2) == "--" ? at : npos;
}

std::size_t line_end_before(std::string_view octets, std::size_t at)
{
    if (at > 0 && octets[at - 1] == '\n')
        --at;
    if (at > 0 && octets[at - 1] == '\r')
        --at;
    return at;
}

class Splitter {
public:
    Splitter(std::string_view octets, const Limits& limits) : octets_(octets), limits_(limits) {}

    LenientSplit run()
    {
        const auto first = read_leniently(octets_, limits_.header_octets);
        for (const auto& boundary : lenient_values(first.text, "boundary", most_boundaries))
            known_.add(boundary);
        find_cuts();
        find_mid_line();
        std::ranges::sort(cuts_, {}, &Cut::begin);
        add_part(0, cuts_.empty() ? octets_.size() : cuts_.front().begin);
        for (std::size_t i = 0; i < cuts_.size(); ++i) {
            const std::size_t begin = std::min(cuts_[i].next, octets_.size());
            const std::size_t end = i + 1 < cuts_.size() ? cuts_[i + 1].begin : octets_.size();
            if (begin < end)
                add_part(begin, end);
        }
        return std::move(split_);
    }

private:
    bool has_room()
    {
        if (cuts_.size() < limits_.parts)
            return true;
        split_.is_cut = true;
        return false;
    }

    void find_cuts()
    {
        for (std::size_t at = 0; at < octets_.size();) {
            const auto next = next_loose_line(octets_, at);
            if (const auto dashes = dashes_at(octets_, at); dashes != npos && dashes < next)
                take_line(at, dashes, next);
            at = next;
        }
    }

    void take_line(std::size_t at, std::size_t dashes, std::size_t next)
    {
        auto text = octets_.substr(dashes + 2, next - dashes - 2);
        while (!text.empty() && is_space(text.back()))
            text.remove_suffix(1);
        const bool is_followed = fields_follow(octets_, next);
        if (!is_followed && !known_.match(text) && !text.empty() && text != "--")
            return;
        if (!has_room())
            return;
        if (is_followed)
            known_.add(text);
        cuts_.push_back({line_end_before(octets_, at), next});
    }

    void find_mid_line()
    {
        for (const auto& boundary : known_.all()) {
            const std::string delimiter = "--" + boundary;
            for (auto at = octets_.find(delimiter); at != npos; at = octets_.find(delimiter, at + delimiter.size())) {
                const bool at_start =
                    at == 0 || octets_[at - 1] == '\n' || octets_[at - 1] == '\r' || octets_[at - 1] == '-';
                if (at_start)
                    continue;
                if (!has_room())
                    return;
                cuts_.push_back({at, next_loose_line(octets_, at)});
            }
        }
    }

    void add_part(std::size_t begin, std::size_t end)
    {
        const auto octets = octets_.substr(begin, end - begin);
        const auto header = read_leniently(octets, header_octets);
        LenientPart part;
        part.file_names = lenient_values(header.text, "name", most_names);
        part.type = lenient_type(header.text);
        part.encodings = lenient_encodings(header.text);
        for (const auto body : header.body_begins)
            part.bodies.push_back({begin + body, end});
        // a line that may be a boundary named here is one further on
        for (const auto& boundary : lenient_values(header.text, "boundary", most_boundaries))
            known_.add(boundary);
        split_.parts.push_back(std::move(part));
    }

    std::string_view octets_;
    const Limits& limits_;
    Known known_;
    std::vector<Cut> cuts_;
    LenientSplit split_;
};

} // namespace

LenientSplit split_leniently(std::string_view octets, const Limits& limits)
{
    return Splitter(octets, limits).run();
}

bool may_hold_parts(std::string_view octets)
{
    if (fields_follow(octets, 0))
        return true;
    constexpr int most_lines = 100;
    std::size_t at = 0;
    for (int i = 0; i < most_lines && at < octets.size(); ++i) {
        if (const auto dashes = dashes_at(octets, at);
            dashes != npos && fields_follow(octets, next_loose_line(octets, at)))
            return true;
        at = next_loose_line(octets, at);
    }
    return false;
}

} // namespace mgw::mail
