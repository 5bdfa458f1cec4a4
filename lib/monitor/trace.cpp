#include "lib/monitor/trace.hpp"

#include "lib/core/text.hpp"
#include "lib/monitor/phrase.hpp"

#include <algorithm>
#include <fmt/core.h>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_messages = 10000;
constexpr std::size_t most_octets = 64U << 20;

/// A member that a stage made is ID.k: it belongs to the message it was made of.
std::string_view message_of(std::string_view id)
{
    return id.substr(0, id.find('.'));
}

} // namespace

bool Wanted::is_address() const
{
    return word.find('@') != std::string::npos || word.starts_with("h:");
}

bool Wanted::matches(const Event& event) const
{
    if (!is_address())
        return iequals(message_of(event.text("id")), word) || iequals(event.text("queue_id"), word);
    const auto same = [this](std::string_view address) {
        return iequals(address, word) || (!hash.empty() && address == hash);
    };
    return same(event.text("from")) || std::ranges::any_of(event.list("to"), same);
}

void Trace::note(const Event& event)
{
    if (!wanted_.matches(event))
        return;
    std::string id(message_of(event.text("id")));
    if (id.empty() || index_.contains(id))
        return;
    if (messages_.size() == most_messages) {
        ++left_out_;
        return;
    }
    index_.emplace(id, messages_.size());
    messages_.emplace_back(std::move(id), std::vector<Step>{});
}

void Trace::keep(std::vector<Step>& steps, std::string time, std::string text)
{
    if (octets_ + text.size() + sizeof(Step) > most_octets) {
        ++left_out_;
        return;
    }
    octets_ += text.size() + sizeof(Step);
    steps.push_back(Step{std::move(time), std::move(text)});
}

void Trace::add(const Event& event, std::string_view line)
{
    note(event);
    const auto found = index_.find(std::string(message_of(event.text("id"))));
    if (found == index_.end())
        return;
    auto& steps = messages_[found->second].second;
    const auto time = event.text("time");
    const auto ms = event.number("ms").value_or(0);
    if (json_)
        return keep(steps, std::string(time), std::string(line));
    const auto tell = [&](std::string at, const std::string& what) {
        auto text = fmt::format("{:<11} {}", shown(event.text("tool"), 40), what);
        keep(steps, std::move(at), std::move(text));
    };
    if (is_arrival(event))
        tell(earlier(time, ms), arrival(event));
    // a queue writes its record behind the answer that the client has got by then
    const bool answers_first =
        event.text("tool") == "mgw-queue" && event.text("stage") == "queue" && event.has("codes");
    tell(answers_first ? earlier(time, ms) : std::string(time), phrase(event));
}

std::string Trace::text() const
{
    std::string out;
    for (const auto& [id, kept] : messages_) {
        auto steps = kept;
        std::ranges::stable_sort(steps, {}, &Step::time);
        const auto date = steps.empty() ? std::string{} : steps[0].time.substr(0, 10);
        if (!json_ && !steps.empty())
            out += fmt::format("{}{} of {} (UTC)\n", out.empty() ? "" : "\n", shown(id, 60), shown(date, 10));
        for (const auto& step : steps) {
            // the date stands above, so here it is the time of day, in milliseconds; days later the date, too
            const bool is_time = step.time.size() == 27 && step.time[10] == 'T';
            if (!json_)
                out +=
                    shown(is_time && step.time.starts_with(date) ? step.time.substr(11, 12) : step.time.substr(0, 23)) +
                    " ";
            out += step.text + "\n";
        }
    }
    return out;
}

} // namespace mgw::monitor
