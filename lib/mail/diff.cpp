#include "lib/mail/diff.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/align.hpp"

#include <algorithm>
#include <cstring>

namespace mgw::mail
{

namespace
{

/// More lines than that in what differs are taken as one piece.
constexpr std::size_t most_lines = std::size_t{1} << 20;

using Texts = std::vector<std::string_view>;

/// A region of both messages whose tokens are compared; `offset` is where it begins in the message before.
struct Region {
    Texts left;
    Texts right;
    std::size_t offset = 0;
};

/// Where one message is cut: From line, header fields, the empty line, body.
struct Cuts {
    std::size_t fields_begin, fields_end, body;
    Texts fields;

    explicit Cuts(std::string_view octets, const Limits& limits) : fields_begin(from_line_octets(octets))
    {
        const Message message(octets.substr(fields_begin), limits);
        fields_end = fields_begin + message.header_end();
        body = fields_begin + message.body_begin();
        for (const Field& field : message.fields())
            fields.push_back(message.raw(field));
    }
};

std::size_t common_head(std::string_view a, std::string_view b)
{
    const std::size_t most = std::min(a.size(), b.size());
    std::size_t at = 0;
    while (at + 4096 <= most && std::memcmp(a.data() + at, b.data() + at, 4096) == 0)
        at += 4096;
    while (at < most && a[at] == b[at])
        ++at;
    return at;
}

std::size_t common_tail(std::string_view a, std::string_view b)
{
    const std::size_t most = std::min(a.size(), b.size());
    std::size_t count = 0;
    while (count + 4096 <= most &&
           std::memcmp(a.data() + a.size() - count - 4096, b.data() + b.size() - count - 4096, 4096) == 0)
        count += 4096;
    while (count < most && a[a.size() - 1 - count] == b[b.size() - 1 - count])
        ++count;
    return count;
}

bool is_continuation(char c)
{
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

Texts lines_of(std::string_view text)
{
    Texts out;
    while (!text.empty()) {
        const std::size_t lf = out.size() < most_lines ? text.find('\n') : std::string_view::npos;
        const std::size_t count = lf == std::string_view::npos ? text.size() : lf + 1;
        out.push_back(text.substr(0, count));
        text.remove_prefix(count);
    }
    return out;
}

class Differ {
public:
    explicit Differ(Change& change) : change_(change) {}

    /// `removed` at `offset` gives way to `inserted`, less what both begin and end with; characters of UTF-8 stay
    /// whole.
    void replace(std::size_t offset, std::string_view removed, std::string_view inserted)
    {
        std::size_t head = common_head(removed, inserted);
        for (int i = 0; i < 3 && head > 0 && head < std::max(removed.size(), inserted.size()); ++i)
            if ((head < removed.size() && is_continuation(removed[head])) ||
                (head < inserted.size() && is_continuation(inserted[head])))
                --head;
        removed.remove_prefix(head);
        inserted.remove_prefix(head);
        std::size_t tail = common_tail(removed, inserted);
        for (int i = 0; i < 3 && tail > 0 && is_continuation(removed[removed.size() - tail]); ++i)
            --tail;
        removed.remove_suffix(tail);
        inserted.remove_suffix(tail);
        step(offset + head, removed, inserted);
    }

    void step(std::size_t offset, std::string_view removed, std::string_view inserted)
    {
        if (removed != inserted)
            change_.steps.push_back(
                Step{.offset = offset, .removed = std::string(removed), .inserted = std::string(inserted)});
    }

    /// Fields are compared whole; of those that differ, the ones of one name are the old and the new of one field.
    void fields(const Region& region)
    {
        each_gap(region, [this](const Region& gap) {
            Region names{.left = names_of(gap.left), .right = names_of(gap.right)};
            std::vector<std::uint32_t> left;
            std::vector<std::uint32_t> right;
            number_tokens(names.left, names.right, left, right);
            std::size_t i = 0;
            std::size_t k = 0;
            std::size_t at = gap.offset;
            const auto until = [&](std::size_t left_end, std::size_t right_end) {
                for (; i < left_end; at += gap.left[i++].size())
                    step(at, gap.left[i], {});
                for (; k < right_end; ++k)
                    step(at, {}, gap.right[k]);
            };
            for (const Run& run : align(left, right)) {
                until(run.left, run.right);
                for (; i < run.left + run.count; at += gap.left[i].size(), ++i, ++k)
                    step(at, gap.left[i], gap.right[k]);
            }
            until(gap.left.size(), gap.right.size());
        });
    }

    void body(std::size_t offset, std::string_view left, std::string_view right)
    {
        // whole lines that both begin and end with need no look
        std::size_t head = common_head(left, right);
        if (head == left.size() && head == right.size())
            return;
        head = head == 0 ? 0 : left.rfind('\n', head - 1) + 1; // npos + 1 is 0
        left.remove_prefix(head);
        right.remove_prefix(head);
        std::size_t tail = common_tail(left, right);
        const auto line = left.find('\n', left.size() - tail);
        tail = line == std::string_view::npos ? 0 : left.size() - line - 1;
        left.remove_suffix(tail);
        right.remove_suffix(tail);
        Region region{.left = lines_of(left), .right = lines_of(right), .offset = offset + head};
        each_gap(region, [this, &region](const Region& gap) {
            if (gap.left.empty() || gap.right.empty())
                slide(region, gap);
            else
                replace(gap.offset, joined(gap.left), joined(gap.right));
        });
    }

private:
    static Texts names_of(const Texts& fields)
    {
        Texts out;
        for (const auto field : fields)
            out.push_back(trim(field.substr(0, field.find(':'))));
        return out;
    }

    /// Neighbours in one message as the one text they are.
    static std::string_view joined(const Texts& texts)
    {
        if (texts.empty())
            return {};
        return {texts.front().data(),
                static_cast<std::size_t>(texts.back().data() + texts.back().size() - texts.front().data())};
    }

    template <class Do> static void each_gap(const Region& region, Do&& gap)
    {
        std::vector<std::uint32_t> left;
        std::vector<std::uint32_t> right;
        number_tokens(region.left, region.right, left, right);
        std::size_t i = 0;
        std::size_t k = 0;
        std::size_t at = region.offset;
        const auto until = [&](std::size_t left_end, std::size_t right_end) {
            const auto cut = [](const Texts& texts, std::size_t begin, std::size_t end) {
                return Texts(texts.begin() + static_cast<std::ptrdiff_t>(begin),
                             texts.begin() + static_cast<std::ptrdiff_t>(end));
            };
            if (i == left_end && k == right_end)
                return;
            gap(Region{.left = cut(region.left, i, left_end), .right = cut(region.right, k, right_end), .offset = at});
            for (; i < left_end; ++i)
                at += region.left[i].size();
            k = right_end;
        };
        for (const Run& run : align(left, right)) {
            until(run.left, run.right);
            for (; i < run.left + run.count; ++i, ++k)
                at += region.left[i].size();
        }
        until(region.left.size(), region.right.size());
    }

    /// Lines that were only added or only removed may begin a few lines earlier and be the same change. Where that
    /// makes them begin with a delimiter line (RFC 2046 section 5.1.1) they are a whole part.
    void slide(const Region& region, const Region& gap)
    {
        const bool is_added = gap.left.empty();
        const Texts& whole = is_added ? region.right : region.left;
        const Texts& lines = is_added ? gap.right : gap.left;
        const std::string_view text = joined(lines);
        std::size_t first = static_cast<std::size_t>(
            std::ranges::lower_bound(whole, lines.front().data(), {}, [](std::string_view t) { return t.data(); }) -
            whole.begin());
        std::size_t last = first + lines.size();
        std::size_t back = 0;
        std::size_t best = 0;
        const std::size_t least =
            change_.steps.empty() ? 0 : change_.steps.back().offset + change_.steps.back().removed.size();
        for (std::size_t tries = 0; !whole[first].starts_with("--") && first > 0 && tries < slides; ++tries) {
            if (whole[first - 1] != whole[last - 1] || back + whole[first - 1].size() > gap.offset - least)
                break;
            --first;
            --last;
            back += whole[first].size();
            if (whole[first].starts_with("--"))
                best = back;
        }
        const std::string_view moved(text.data() - best, text.size());
        step(gap.offset - best, is_added ? std::string_view{} : moved, is_added ? moved : std::string_view{});
    }

    static constexpr std::size_t slides = 100;
    Change& change_;
};

} // namespace

Change diff(std::string_view before, std::string_view after, const Limits& limits)
{
    Change change{.octets_before = before.size(),
                  .octets_after = after.size(),
                  .sha256_before = sha256(before),
                  .sha256_after = {},
                  .steps = {}};
    change.sha256_after = before == after ? change.sha256_before : sha256(after);
    if (before == after)
        return change;
    Cuts left(before, limits);
    Cuts right(after, limits);
    Differ differ(change);
    differ.replace(0, before.substr(0, left.fields_begin), after.substr(0, right.fields_begin));
    differ.fields({.left = std::move(left.fields), .right = std::move(right.fields), .offset = left.fields_begin});
    differ.replace(left.fields_end, before.substr(left.fields_end, left.body - left.fields_end),
                   after.substr(right.fields_end, right.body - right.fields_end));
    differ.body(left.body, before.substr(left.body), after.substr(right.body));
    explain(change, before, after, limits);
    return change;
}

std::string_view line_ends_changed(std::string_view before, std::string_view after)
{
    if (before == after)
        return {};
    // CR before LF apart, both are the same text
    std::size_t i = 0;
    std::size_t k = 0;
    bool added = false;
    bool lost = false;
    const auto is_crlf = [](std::string_view text, std::size_t at) { return text.substr(at, 2) == "\r\n"; };
    while (i < before.size() && k < after.size()) {
        if (before[i] == after[k]) {
            ++i;
            ++k;
        } else if (before[i] == '\n' && is_crlf(after, k)) {
            added = true;
            ++k;
        } else if (after[k] == '\n' && is_crlf(before, i)) {
            lost = true;
            ++i;
        } else {
            return {};
        }
    }
    if (i != before.size() || k != after.size())
        return {};
    return added && lost ? "line ends changed both ways" : (added ? "LF became CRLF" : "CRLF became LF");
}

} // namespace mgw::mail
