#include "lib/monitor/summary.hpp"

#include "lib/core/text.hpp"
#include "lib/monitor/phrase.hpp"

#include <array>
#include <cmath>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_stages = 64;
constexpr std::size_t most_recipients = 1000;

void add_to(Census& census, const Event& event)
{
    census.sizes.add(event.number("size").value_or(0));
    census.senders.add("<" + to_lower(event.text("from")) + ">");
    const auto& to = event.list("to");
    for (std::size_t i = 0; i < to.size() && i < most_recipients; ++i)
        census.recipients.add("<" + to_lower(to[i]) + ">");
    if (const auto client = event.text("client"); !client.empty())
        census.clients.add(client);
}

/// "550 5.7.1" of "550 5.7.1 The message contains a virus"
std::string code_of(std::string_view reply)
{
    const auto first = reply.find(' ');
    if (first == std::string_view::npos)
        return std::string(reply.substr(0, 3));
    const auto second = reply.find(' ', first + 1);
    const auto status = reply.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
    const bool enhanced = status.size() >= 5 && is_digit(status[0]) && status[1] == '.';
    return std::string(reply.substr(0, first)) + (enhanced ? " " + std::string(status) : "");
}

} // namespace

std::string stage_of(const Event& event)
{
    std::string out(event.text("tool").substr(0, 60));
    if (event.text("stage") == "queue-run")
        out += " run";
    return out.empty() ? "unknown" : out;
}

void Summary::add_verdict(const Event& event, const std::string& stage)
{
    const auto action = event.text("verdict");
    if (action.empty())
        return;
    actions.add(stage + " " + std::string(action));
    const auto tool = event.text("tool");
    // a verdict goes on through the later stages: it counts where it was given, and a pass where policy is decided
    if (action == "accept" ? tool != "mgw-filter" : event.text("by") != tool)
        return;
    std::string verdict(action);
    if (const auto cls = event.text("class"); !cls.empty())
        verdict.append(" class=").append(cls);
    verdicts.add(verdict);
    if (const auto at = event.text("at"); !at.empty() && action != "accept")
        rules.add(std::string(at) + " " + verdict);
}

void Summary::add(const Event& event)
{
    const auto stage = stage_of(event);
    stages.add(stage);
    if (const auto time = event.text("time"); time.size() == 27 && time[10] == 'T') {
        if (first_time.empty() || time < first_time)
            first_time = time;
        if (time > last_time)
            last_time = time;
    }
    if (const auto ms = event.number("ms"))
        if (latencies.size() < most_stages || latencies.contains(stage))
            latencies[stage].add(*ms);
    if (const auto ms = event.number("fsync_ms"); ms && *ms > 0)
        commits.add(*ms);
    if (event.has("error"))
        errors.add(stage);
    add_verdict(event, stage);

    if (is_arrival(event)) {
        add_to(received_, event);
        if (event.has("codes"))
            for (const auto& reply : event.list("codes"))
                replies.add(code_of(reply));
        else
            replies.add(trim(std::string(event.text("code")) + " " + std::string(event.text("enhanced"))));
    } else if (is_refusal(event)) {
        replies.add(trim(std::string(event.text("code")) + " " + std::string(event.text("enhanced"))));
    } else if (event.has("size")) {
        if (first_stage_.empty())
            first_stage_ = stage;
        if (stage == first_stage_)
            add_to(seen_, event);
    }
    constexpr std::array methods{"spf", "dkim", "dmarc", "arc", "iprev"};
    if (event.text("tool") == "mgw-auth")
        for (const auto* const method : methods)
            if (const auto result = event.text(method); !result.empty())
                authentication[method].add(result);
    if (const auto result = event.text("virus"); !result.empty()) {
        scans.add(result);
        if (const auto name = event.text("virus_name"); !name.empty())
            viruses.add(name);
    }
    if (const auto age = event.number("db_age_s"))
        signature_age = age;
    if (event.text("tool") == "mgw-queue" && event.has("result"))
        queue.add(event.text("result"));
    if (event.text("tool") == "mgw-send")
        for (const auto* const result : {"delivered", "deferred", "refused"})
            if (const auto n = event.number(result); n && *n >= 1 && *n <= 1e6)
                deliveries.add(result, static_cast<std::uint64_t>(*n));
}

} // namespace mgw::monitor
