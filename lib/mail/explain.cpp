#include "lib/core/text.hpp"
#include "lib/mail/block.hpp"
#include "lib/mail/change.hpp"
#include "lib/mail/part_edits.hpp"

#include <algorithm>

namespace mgw::mail
{

namespace
{

/// Steps past these are told from each other by their offsets alone: a bound on the time that a hostile pair costs.
constexpr std::size_t most_explained = 2000;
constexpr std::size_t most_names = 5;

struct Span {
    std::size_t begin, end;
    bool empty() const { return begin == end; }
};

/// One message of the two: its fields and parts by their offsets in the file, From line and block included.
class Side {
public:
    Side(std::string_view octets, const Limits& limits)
        : octets_(octets), from_end_(from_line_octets(octets)), message_(octets.substr(from_end_), limits),
          parts_(message_, limits)
    {
        if (const auto block = find_block(octets, from_end_, limits))
            block_end_ = block->end;
        for (std::size_t i = 0; i < parts_.all().size(); ++i)
            if (auto place = place_of(octets, parts_.all()[i]))
                places_.emplace_back(i, *place);
    }

    std::size_t from_end() const { return from_end_; }
    std::size_t fields_end() const { return from_end_ + message_.header_end(); }
    std::size_t body() const { return from_end_ + message_.body_begin(); }
    bool is_block(Span span) const { return span.begin < block_end_; }
    const Parts& parts() const { return parts_; }
    const Part& part(std::size_t index) const { return parts_.all()[index]; }

    /// The fields that make up the span exactly; nothing if it cuts one or is outside the header.
    std::vector<const Field*> fields_in(Span span) const
    {
        std::vector<const Field*> out;
        std::size_t at = span.begin;
        for (auto field = field_at(at); at < span.end && field != message_.fields().end(); ++field) {
            if (from_end_ + field->begin != at)
                return {};
            out.push_back(&*field);
            at = from_end_ + field->end;
        }
        return at == span.end ? out : std::vector<const Field*>{};
    }
    const Field* field_around(Span span) const
    {
        const auto field = field_at(span.begin);
        const bool is_found = field != message_.fields().end() && from_end_ + field->begin <= span.begin &&
                              span.end <= from_end_ + field->end;
        return is_found ? &*field : nullptr;
    }
    std::string name(const Field& field) const { return shown(message_.name(field), 80); }
    /// Which of its name, from 1 at the bottom.
    std::size_t instance(const Field& wanted) const
    {
        std::size_t count = 0;
        for (const Field& field : message_.fields())
            if (field.begin >= wanted.begin && iequals(message_.name(field), message_.name(wanted)))
                ++count;
        return count;
    }

    /// The outermost parts that lie within the span.
    std::vector<std::size_t> parts_in(Span span) const
    {
        std::vector<std::size_t> out;
        std::size_t past = 0;
        for (const auto& [index, place] : places_) {
            if (index == 0 || place.begin < span.begin || place.end > span.end || place.begin == place.end ||
                place.begin < past)
                continue;
            out.push_back(index);
            past = place.end;
        }
        return out;
    }
    /// The innermost part that the span lies in.
    std::size_t part_around(Span span) const
    {
        std::size_t found = 0;
        for (const auto& [index, place] : places_)
            if (place.begin <= span.begin && span.end <= place.end)
                found = index;
        return found;
    }
    bool is_in_header_of(std::size_t index, Span span) const
    {
        for (const auto& [i, place] : places_)
            if (i == index)
                return span.end <= place.body && span.begin < place.body;
        return false;
    }

private:
    std::vector<Field>::const_iterator field_at(std::size_t at) const
    {
        return std::ranges::partition_point(message_.fields(),
                                            [&](const Field& field) { return from_end_ + field.end <= at; });
    }

    std::string_view octets_;
    std::size_t from_end_;
    std::size_t block_end_ = 0;
    Message message_;
    Parts parts_;
    std::vector<std::pair<std::size_t, Place>> places_;
};

std::string octets_text(std::size_t count)
{
    return std::to_string(count) + (count == 1 ? " octet" : " octets");
}

std::string what_of_octets(Span before, Span after)
{
    if (before.empty())
        return octets_text(after.end - after.begin) + " added";
    if (after.empty())
        return octets_text(before.end - before.begin) + " removed";
    return octets_text(before.end - before.begin) + " replaced by " + std::to_string(after.end - after.begin);
}

std::string names_of(const Side& side, const std::vector<const Field*>& fields)
{
    std::string out = fields.size() == 1 ? "" : std::to_string(fields.size()) + " fields: ";
    for (std::size_t i = 0; i < fields.size() && i < most_names; ++i)
        out += (i == 0 ? "" : ", ") + side.name(*fields[i]);
    return out + (fields.size() > most_names ? ", …" : "");
}

std::string names_of(const Side& side, const std::vector<std::size_t>& parts)
{
    std::string out;
    for (std::size_t i = 0; i < parts.size() && i < most_names; ++i)
        out +=
            (i == 0 ? "" : ", ") + side.part(parts[i]).path() + " (" + shown(side.part(parts[i]).type.value, 60) + ")";
    return (parts.size() == 1 ? "part " : "parts ") + out + (parts.size() > most_names ? ", …" : "");
}

class Explainer {
public:
    Explainer(std::string_view before, std::string_view after, const Limits& limits)
        : before_(before, limits), after_(after, limits)
    {}

    void explain(Step& step, Span old, Span fresh) const
    {
        if (old.end <= before_.from_end() && fresh.end <= after_.from_end() &&
            (old.begin < before_.from_end() || fresh.begin < after_.from_end()))
            step.what = "From line: " + what_of_octets(old, fresh);
        else if (old.end <= before_.fields_end() && fresh.end <= after_.fields_end())
            explain_field(step, old, fresh);
        else if (old.end <= before_.body() && fresh.end <= after_.body())
            step.what = "end of the header: " + what_of_octets(old, fresh);
        else
            explain_part(step, old, fresh);
    }

private:
    void explain_field(Step& step, Span old, Span fresh) const
    {
        const auto removed = before_.fields_in(old);
        const auto added = after_.fields_in(fresh);
        const bool is_block = before_.is_block(old) || after_.is_block(fresh);
        const std::string kind = is_block ? "envelope line " : "field ";
        const bool is_one = removed.size() + added.size() == 1;
        if (is_one || (removed.size() == 1 && added.size() == 1)) {
            const Side& side = removed.empty() ? after_ : before_;
            const Field& field = removed.empty() ? *added[0] : *removed[0];
            step.field = side.name(field);
            step.instance = side.instance(field);
        }
        if (!removed.empty() && !added.empty()) {
            const bool is_same = is_one || iequals(names_of(before_, removed), names_of(after_, added));
            step.what =
                kind + names_of(before_, removed) + " replaced" + (is_same ? "" : " by " + names_of(after_, added));
        } else if (!removed.empty() && fresh.empty()) {
            step.what = kind + names_of(before_, removed) + " removed";
        } else if (!added.empty() && old.empty()) {
            step.what = kind + names_of(after_, added) + " added";
        } else if (const Field* around = before_.field_around(old)) {
            step.field = before_.name(*around);
            step.instance = before_.instance(*around);
            step.what = kind + step.field + " changed: " + what_of_octets(old, fresh);
        } else {
            step.what = "header: " + what_of_octets(old, fresh);
        }
    }

    void explain_part(Step& step, Span old, Span fresh) const
    {
        const auto removed = before_.parts_in(old);
        const auto added = after_.parts_in(fresh);
        const auto around = before_.part_around(old);
        step.is_in_signed = seal_around(before_.parts(), around, true).has_value();
        if (!removed.empty() || !added.empty()) {
            step.part = removed.empty() ? after_.part(added[0]).path() : before_.part(removed[0]).path();
            if (added.empty())
                step.what = names_of(before_, removed) + " removed";
            else if (removed.empty())
                step.what = names_of(after_, added) + " added";
            else
                step.what = names_of(before_, removed) + " replaced by " + names_of(after_, added);
            return;
        }
        step.part = before_.part(around).path();
        const bool is_whole = around == 0;
        step.what =
            (is_whole ? "body" : "part " + step.part + " (" + shown(before_.part(around).type.value, 60) + ")") +
            (!is_whole && before_.is_in_header_of(around, old) ? " header: " : ": ") + what_of_octets(old, fresh);
    }

    Side before_;
    Side after_;
};

} // namespace

void explain(Change& change, std::string_view before, std::string_view after, const Limits& limits)
{
    if (change.empty())
        return;
    const Explainer explainer(before, after, limits);
    std::size_t removed = 0;
    std::size_t inserted = 0;
    std::size_t count = 0;
    for (Step& step : change.steps) {
        const Span old{step.offset, step.offset + step.removed.size()};
        const Span fresh{step.offset - removed + inserted, step.offset - removed + inserted + step.inserted.size()};
        if (count++ < most_explained)
            explainer.explain(step, old, fresh);
        else
            step.what = what_of_octets(old, fresh);
        removed += step.removed.size();
        inserted += step.inserted.size();
    }
}

} // namespace mgw::mail
