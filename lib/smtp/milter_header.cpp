#include "lib/smtp/milter_header.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/milter_packet.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace mgw::smtp
{

namespace
{

std::string with_lf(std::string_view octets)
{
    std::string out;
    for (std::size_t i = 0; i < octets.size(); ++i)
        if (octets[i] != '\r' || i + 1 == octets.size() || octets[i + 1] != '\n')
            out += octets[i];
    return out;
}

/// Where the colon of a field stands.
std::size_t colon_of(std::string_view field)
{
    return std::min(field.find(':'), field.size());
}
std::string_view name_of(std::string_view field)
{
    return field.substr(0, colon_of(field));
}
/// As a packet has it: what stands behind the colon, lines ended by LF, without the last line end.
std::string value_of(std::string_view field)
{
    auto value = with_lf(field.substr(std::min(colon_of(field) + 1, field.size())));
    if (value.ends_with('\n'))
        value.pop_back();
    return value;
}
bool is_field(std::string_view field)
{
    const auto name = name_of(field);
    return !name.empty() && name.size() < field.size() && !is_blank(name.front()) &&
           name.find_first_of("\r\n") == std::string_view::npos && !field.contains('\0');
}

/// Of each field which one of its name it is, from 1.
std::vector<std::size_t> counted(const std::vector<std::string_view>& fields)
{
    std::unordered_map<std::string, std::size_t> seen;
    std::vector<std::size_t> out;
    for (const auto field : fields)
        out.push_back(++seen[to_lower(trim(name_of(field)))]);
    return out;
}

constexpr std::size_t most_cells = 1U << 22; // of comparing fields with each other

/// One step from the fields before to those after; an index that is missing is that of the other side alone.
struct Step {
    std::optional<std::size_t> before;
    std::optional<std::size_t> after;
    bool kept = false;
};

/// Fields as numbers, equal ones alike, so that long ones are compared once.
std::vector<std::uint32_t> numbered(const std::vector<std::string_view>& fields,
                                    std::unordered_map<std::string_view, std::uint32_t>& known)
{
    std::vector<std::uint32_t> out;
    for (const auto field : fields)
        out.push_back(known.emplace(field, known.size()).first->second);
    return out;
}

/// Which fields stay, in order. Beyond `most_cells` of work all between the ends that agree is taken as new.
std::vector<std::pair<std::size_t, std::size_t>> common_fields(const std::vector<std::string_view>& before,
                                                               const std::vector<std::string_view>& after)
{
    std::unordered_map<std::string_view, std::uint32_t> known;
    const auto a = numbered(before, known);
    const auto b = numbered(after, known);
    std::vector<std::pair<std::size_t, std::size_t>> out;
    std::size_t begin = 0;
    while (begin < a.size() && begin < b.size() && a[begin] == b[begin]) {
        out.emplace_back(begin, begin);
        ++begin;
    }
    std::size_t tail = 0;
    while (tail < a.size() - begin && tail < b.size() - begin && a[a.size() - tail - 1] == b[b.size() - tail - 1])
        ++tail;
    const std::size_t n = a.size() - begin - tail;
    const std::size_t m = b.size() - begin - tail;
    if (n > 0 && m > 0 && n <= most_cells / m) {
        std::vector<std::uint32_t> longest((n + 1) * (m + 1)); // of what follows
        const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return longest[i * (m + 1) + j]; };
        for (std::size_t i = n; i-- > 0;)
            for (std::size_t j = m; j-- > 0;)
                at(i, j) = a[begin + i] == b[begin + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
        for (std::size_t i = 0, j = 0; i < n && j < m;) {
            if (a[begin + i] == b[begin + j])
                out.emplace_back(begin + i++, begin + j++);
            else if (at(i + 1, j) >= at(i, j + 1))
                ++i;
            else
                ++j;
        }
    }
    for (std::size_t k = tail; k-- > 0;)
        out.emplace_back(a.size() - k - 1, b.size() - k - 1);
    return out;
}

/// A server finds a field by its name without the blanks behind it, and takes an empty value for a removal.
bool can_change(std::string_view before, std::string_view after)
{
    const auto name = name_of(before);
    return name == name_of(after) && name == trim(name) && !value_of(after).empty();
}

/// Steps between two fields that stay: where a field of the same name stands on both sides it is changed in its place.
void add_steps(const std::vector<std::string_view>& before, std::size_t i, std::size_t before_end,
               const std::vector<std::string_view>& after, std::size_t j, std::size_t after_end,
               std::vector<Step>& into)
{
    const bool many = before_end > i && after_end - j > most_cells / (before_end - i);
    for (; i < before_end; ++i) {
        std::size_t k = many ? after_end : j;
        while (k < after_end && !can_change(before[i], after[k]))
            ++k;
        if (k == after_end) {
            into.push_back({i, std::nullopt, false});
            continue;
        }
        for (; j < k; ++j)
            into.push_back({std::nullopt, j, false});
        into.push_back({i, j++, false});
    }
    for (; j < after_end; ++j)
        into.push_back({std::nullopt, j, false});
}

std::string change_packet(std::size_t nth, std::string_view name, std::string_view value)
{
    return milter_packet(MilterAnswer::change_header, milter_number(static_cast<std::uint32_t>(nth)) +
                                                          std::string(name) + '\0' + std::string(value) + '\0');
}

} // namespace

SplitMessage split_message(std::string_view octets)
{
    SplitMessage out;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < octets.size();) {
        const auto lf = octets.find('\n', at);
        const auto end = lf == std::string_view::npos ? octets.size() : lf + 1;
        const auto line = octets.substr(at, end - at);
        if (line == "\n" || line == "\r\n") {
            out.body_begin = end;
            return out;
        }
        if (is_blank(line.front()) && !out.fields.empty())
            out.fields.back() = octets.substr(begin, end - begin);
        else
            out.fields.push_back(octets.substr(begin = at, end - at));
        at = end;
    }
    out.body_begin = octets.size();
    return out;
}

Result<std::string> header_edits(const std::vector<std::string_view>& before,
                                 const std::vector<std::string_view>& after, std::size_t& count)
{
    std::vector<Step> steps;
    std::size_t i = 0;
    std::size_t j = 0;
    auto kept = common_fields(before, after);
    kept.emplace_back(before.size(), after.size());
    for (const auto& [a, b] : kept) {
        add_steps(before, i, a, after, j, b, steps);
        if (a < before.size())
            steps.push_back({a, b, true});
        i = a + 1;
        j = b + 1;
    }
    for (const auto& step : steps)
        if (!step.kept && step.after) {
            const auto field = after[*step.after];
            if (!is_field(field))
                return fail(Status::temp_fail, "the pipeline made a header line that is no field");
            if (field.size() > milter_body_octets)
                return fail(Status::temp_fail, "the pipeline made a header field that is too long for a milter");
        }

    // those behind all that was there can only be added in order; the rest goes from the bottom up, so that neither
    // positions nor the counts of fields of one name change above
    std::string out;
    std::size_t last = steps.size();
    while (last > 0 && !steps[last - 1].before)
        --last;
    for (std::size_t s = last; s < steps.size() && !before.empty(); ++s) {
        const auto field = after[*steps[s].after];
        out += milter_packet(MilterAnswer::add_header, std::string(name_of(field)) + '\0' + value_of(field) + '\0');
        ++count;
    }
    if (before.empty())
        last = steps.size();
    const auto nths = counted(before);
    std::size_t position = before.size();
    for (std::size_t s = last; s-- > 0;) {
        const auto& step = steps[s];
        if (step.before)
            position = *step.before;
        if (step.kept)
            continue;
        ++count;
        if (!step.before) {
            const auto field = after[*step.after];
            // above all stands the server's own Received field, which counts here though it is shown to no filter. It
            // must stay the first: what is first is hidden from the filters that follow.
            const auto place = static_cast<std::uint32_t>(position + 1);
            out += milter_packet(MilterAnswer::insert_header,
                                 milter_number(place) + std::string(name_of(field)) + '\0' + value_of(field) + '\0');
            continue;
        }
        const auto field = before[*step.before];
        out += change_packet(nths[*step.before], trim(name_of(field)),
                             step.after ? value_of(after[*step.after]) : std::string{});
    }
    return out;
}

} // namespace mgw::smtp
