#include "lib/mail/change.hpp"

#include "lib/core/hash.hpp"

#include <algorithm>
#include <string>

namespace mgw::mail
{

namespace
{

/// What stands in both messages, in one, in the other: a change from left to right.
struct Stretch {
    enum class Kind : char { kept, removed, inserted };
    Kind kind = Kind::kept;
    std::string_view octets; ///< of what was removed or inserted
    std::size_t count = 0;
};
using Kind = Stretch::Kind;

std::vector<Stretch> stretches(const Change& change)
{
    std::vector<Stretch> out;
    std::size_t at = 0;
    const auto keep = [&](std::size_t until) {
        if (until > at)
            out.push_back(Stretch{Kind::kept, {}, until - at});
    };
    for (const Step& step : change.steps) {
        keep(step.offset);
        if (!step.removed.empty())
            out.push_back(Stretch{Kind::removed, step.removed, step.removed.size()});
        if (!step.inserted.empty())
            out.push_back(Stretch{Kind::inserted, step.inserted, step.inserted.size()});
        at = step.offset + step.removed.size();
    }
    keep(change.octets_before);
    return out;
}

/// Cuts `count` octets off the front; true when nothing is left.
bool advance(Stretch& stretch, std::size_t count)
{
    stretch.count -= count;
    if (stretch.kind != Kind::kept)
        stretch.octets.remove_prefix(count);
    return stretch.count == 0;
}

/// Collects stretches into steps: what touches is one step.
class Collector {
public:
    void keep(std::size_t count)
    {
        offset_ += count;
        is_open_ = is_open_ && count == 0;
    }
    void remove(std::string_view octets)
    {
        step().removed += octets;
        offset_ += octets.size();
    }
    void insert(std::string_view octets) { step().inserted += octets; }
    std::vector<Step> steps;

private:
    Step& step()
    {
        if (!is_open_)
            steps.push_back(Step{.offset = offset_});
        is_open_ = true;
        return steps.back();
    }
    std::size_t offset_ = 0;
    bool is_open_ = false;
};

/// Steps in order, none past the end, none over another.
bool is_sound(const Change& change)
{
    std::size_t at = 0;
    std::size_t inserted = 0;
    for (const Step& step : change.steps) {
        if (step.offset < at || step.offset > change.octets_before ||
            step.removed.size() > change.octets_before - step.offset)
            return false;
        at = step.offset + step.removed.size();
        inserted += step.inserted.size();
    }
    std::size_t removed = 0;
    for (const Step& step : change.steps)
        removed += step.removed.size();
    return change.octets_before - removed + inserted == change.octets_after;
}

} // namespace

Result<Change> change_of(std::string_view before, const Edits& edits)
{
    auto after = edits.apply(before); // checks that nothing overlaps
    if (!after)
        return pass(after);
    Change change{.octets_before = before.size(),
                  .octets_after = after->size(),
                  .sha256_before = sha256(before),
                  .sha256_after = sha256(*after),
                  .steps = {}};
    for (const Splice* splice : edits.in_order())
        if (before.substr(splice->offset, splice->removed) != splice->inserted)
            change.steps.push_back(Step{.offset = splice->offset,
                                        .removed = std::string(before.substr(splice->offset, splice->removed)),
                                        .inserted = splice->inserted});
    return change;
}

Change reversed(const Change& change)
{
    Change back{.octets_before = change.octets_after,
                .octets_after = change.octets_before,
                .sha256_before = change.sha256_after,
                .sha256_after = change.sha256_before,
                .steps = change.steps};
    std::size_t removed = 0;
    std::size_t inserted = 0;
    for (Step& step : back.steps) {
        step.offset = step.offset - removed + inserted;
        removed += step.removed.size();
        inserted += step.inserted.size();
        std::swap(step.removed, step.inserted);
        step.what.clear(); // it told the other direction
    }
    return back;
}

Result<std::string> replay(const Change& change, std::string_view message)
{
    if (message.size() != change.octets_before || sha256(message) != change.sha256_before)
        return fail(Status::data, "the edits are not for this message: it has another SHA-256",
                    "undo needs the message as it came out, octet for octet; redo the message as it went in");
    if (!is_sound(change))
        return fail(Status::data, "the edits are damaged: their steps overlap or do not add up");
    std::string out;
    out.reserve(change.octets_after);
    std::size_t at = 0;
    for (const Step& step : change.steps) {
        if (message.substr(step.offset, step.removed.size()) != step.removed)
            return fail(Status::data, "the edits are damaged: they remove what is not there");
        out += message.substr(at, step.offset - at);
        out += step.inserted;
        at = step.offset + step.removed.size();
    }
    out += message.substr(at);
    if (sha256(out) != change.sha256_after)
        return fail(Status::data, "the edits are damaged: what comes out has another SHA-256");
    return out;
}

Result<Change> joined(const Change& first, const Change& second)
{
    if (first.octets_after != second.octets_before || first.sha256_after != second.sha256_before)
        return fail(Status::data, "two changes do not follow each other: the second is for another message");
    if (!is_sound(first) || !is_sound(second))
        return fail(Status::data, "the edits are damaged: their steps overlap or do not add up");
    auto left = stretches(first);
    auto right = stretches(second);
    Collector collector;
    std::size_t i = 0;
    std::size_t k = 0;
    while (i < left.size() || k < right.size()) {
        if (i < left.size() && left[i].kind == Kind::removed) { // never seen by the second
            collector.remove(left[i++].octets);
            continue;
        }
        if (k < right.size() && right[k].kind == Kind::inserted) {
            collector.insert(right[k++].octets);
            continue;
        }
        if (i == left.size() || k == right.size())
            return fail(Status::data, "two changes do not follow each other");
        const std::size_t count = std::min(left[i].count, right[k].count);
        const bool is_kept = right[k].kind == Kind::kept;
        if (left[i].kind == Kind::kept && is_kept)
            collector.keep(count);
        else if (left[i].kind == Kind::kept)
            collector.remove(right[k].octets.substr(0, count));
        else if (is_kept)
            collector.insert(left[i].octets.substr(0, count));
        else if (left[i].octets.substr(0, count) != right[k].octets.substr(0, count))
            return fail(Status::data, "two changes do not follow each other");
        if (advance(left[i], count))
            ++i;
        if (advance(right[k], count))
            ++k;
    }
    Change change{.octets_before = first.octets_before,
                  .octets_after = second.octets_after,
                  .sha256_before = first.sha256_before,
                  .sha256_after = second.sha256_after,
                  .steps = {}};
    for (Step& step : collector.steps)
        if (step.removed != step.inserted)
            change.steps.push_back(std::move(step));
    return change;
}

Edits edits_of(const Change& change)
{
    Edits edits;
    for (const Step& step : change.steps)
        edits.replace(step.offset, step.removed.size(), step.inserted);
    return edits;
}

} // namespace mgw::mail
