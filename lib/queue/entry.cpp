#include "lib/queue/entry.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::queue
{

namespace
{

/// Calls `use(key, value)` for each line up to an empty one; returns what follows that, or nothing if a line has no
/// '='.
template <class Use> std::optional<std::string_view> each_line(std::string_view text, Use use)
{
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos)
            return std::nullopt;
        const auto line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.empty())
            return text;
        const auto equals = line.find('=');
        if (equals == std::string_view::npos)
            return std::nullopt;
        use(line.substr(0, equals), line.substr(equals + 1));
    }
    return text;
}

std::string join(const std::vector<std::string>& words)
{
    std::string out;
    for (const auto& word : words)
        out.append(out.empty() ? "" : ",").append(word);
    return out;
}

std::optional<mail::Answer> parse_result(std::string_view value)
{
    mail::Answer answer;
    std::string* const words[] = {&answer.number, nullptr, &answer.enhanced};
    for (auto* word : words) {
        const auto blank = value.find(' ');
        const auto one = value.substr(0, blank);
        if (word != nullptr)
            *word = one;
        else if (const auto code = parse_number(one); code && *code < 1000)
            answer.code = static_cast<int>(*code);
        else
            return std::nullopt;
        value.remove_prefix(blank == std::string_view::npos ? value.size() : blank + 1);
    }
    answer.text = value;
    return answer;
}

} // namespace

std::string header_text(const Stored& stored)
{
    std::string out = std::string("state=") + (stored.quarantined ? "quarantine" : "ready") +
                      "\nto=" + join(stored.recipients) + "\n";
    if (!stored.reason.empty())
        out += "reason=" + printable_ascii(stored.reason) + "\n";
    return out + "\n" + stored.block.text();
}

Result<Stored> parse_stored(std::string_view header)
{
    Stored stored;
    const auto rest = each_line(header, [&](std::string_view key, std::string_view value) {
        if (key == "state")
            stored.quarantined = value == "quarantine";
        else if (key == "reason")
            stored.reason = value;
        else if (key == "to")
            for (const auto number : split(value, ','))
                stored.recipients.emplace_back(number);
    });
    if (!rest)
        return fail(Status::data, "the header of a message in the spool is malformed");
    auto block = mail::Block::parse(*rest);
    if (!block)
        return pass(block);
    stored.block = std::move(*block);
    return stored;
}

std::string header_text(const Event& event)
{
    std::string out;
    if (event.next_us)
        out += "next=" + std::to_string(*event.next_us) + "\n";
    if (event.cause != 0)
        out += "cause=" + id_text(event.cause) + "\n";
    if (!event.reason.empty())
        out += "reason=" + printable_ascii(event.reason) + "\n";
    for (const auto& r : event.results)
        out += "to=" + r.number + " " + std::to_string(r.code) + " " + (r.enhanced.empty() ? "-" : r.enhanced) + " " +
               printable_ascii(r.text) + "\n";
    return out;
}

Result<Event> parse_event(std::string_view header)
{
    Event event;
    bool good = true;
    const auto rest = each_line(header, [&](std::string_view key, std::string_view value) {
        if (key == "next") {
            event.next_us = parse_number(value);
        } else if (key == "reason") {
            event.reason = value;
        } else if (key == "cause") {
            event.cause = parse_id(value).value_or(0);
        } else if (key == "to") {
            if (auto result = parse_result(value))
                event.results.push_back(std::move(*result));
            else
                good = false;
        }
    });
    if (!rest || !good)
        return fail(Status::data, "the header of an event in the spool is malformed");
    return event;
}

std::string_view state_name(State state)
{
    switch (state) {
    case State::ready:
        return "ready";
    case State::deferred:
        return "deferred";
    case State::held:
        return "held";
    case State::quarantined:
        return "quarantined";
    }
    return "?";
}

State Entry::state(std::uint64_t now_us) const
{
    if (quarantined)
        return State::quarantined;
    if (held)
        return State::held;
    return next_us > now_us ? State::deferred : State::ready;
}

Entry begin_entry(const RecordHead& head, const Stored& stored)
{
    Entry entry{.id = head.id,
                .mgw_id = stored.block.id(),
                .sender = stored.block.from().value_or(""),
                .quarantined = stored.quarantined,
                .reason = stored.reason,
                .born_us = head.time_us,
                .event_us = head.time_us,
                .octets = head.body_octets};
    std::map<std::string, std::string> paths;
    for (auto& recipient : stored.block.recipients())
        paths[recipient.number] = std::move(recipient.path);
    for (const auto& number : stored.recipients)
        entry.recipients.push_back({.number = number, .path = paths[number]});
    return entry;
}

bool apply(Entry& entry, Type type, std::uint64_t time_us, const Event& event)
{
    if (time_us < entry.born_us) // about an earlier message whose id came again after the clock was set back
        return true;
    const auto finish = [&](const mail::Answer& result) {
        std::erase_if(entry.recipients, [&](const Pending& p) { return p.number == result.number; });
    };
    if (type == Type::drop)
        entry.recipients.clear();
    if (type == Type::done || type == Type::bounced)
        std::ranges::for_each(event.results, finish);
    if (entry.recipients.empty())
        return false;
    const bool later = time_us >= entry.event_us;
    if (later)
        entry.event_us = time_us;
    if (type == Type::attempt) {
        for (const auto& result : event.results)
            for (auto& pending : entry.recipients)
                if (pending.number == result.number) {
                    ++pending.attempts;
                    pending.last = std::to_string(result.code) + " " + result.enhanced + " " + result.text;
                }
        if (later && event.next_us)
            entry.next_us = *event.next_us;
    } else if (later && type == Type::hold) {
        entry.held = true;
        entry.reason = event.reason;
    } else if (later && type == Type::release) {
        entry.held = false;
        entry.reason.clear();
    }
    return true;
}

} // namespace mgw::queue
