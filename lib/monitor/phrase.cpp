#include "lib/monitor/phrase.hpp"

#include "lib/core/clock.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/core.h>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_listed = 10;

std::string joined(const std::vector<std::string>& values, std::string_view between = ", ")
{
    std::string out;
    for (std::size_t i = 0; i < values.size() && i < most_listed; ++i)
        out.append(i > 0 ? between : "").append(shown(values[i], 200));
    if (values.size() > most_listed)
        out += fmt::format(" and {} more", values.size() - most_listed);
    return out;
}

/// Every recipient with what it was answered.
std::string answers(const Event& event, std::string_view key)
{
    const auto& codes = event.list(key);
    const auto& to = event.list("to");
    if (to.size() != codes.size())
        return joined(codes);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < codes.size(); ++i)
        out.push_back(to[i] + ": " + codes[i]);
    return joined(out, "; ");
}

std::string words(const Event& event, std::initializer_list<std::string_view> keys)
{
    std::string out;
    for (const auto key : keys)
        if (const auto value = event.text(key); !value.empty())
            out.append(out.empty() ? "" : " ").append(key).append("=").append(shown(value, 100));
    return out;
}

/// "reject class=virus by inbound.sieve:7: The message contains a virus"
std::string verdict(const Event& event)
{
    std::string out = shown(event.text("verdict"), 40);
    if (const auto cls = event.text("class"); !cls.empty())
        out += " class=" + shown(cls, 40);
    const auto at = event.text("at");
    if (const auto by = at.empty() ? event.text("by") : at; !by.empty())
        out += " by " + shown(by, 200);
    if (const auto reason = event.text("reason"); !reason.empty())
        out += ": " + shown(reason);
    return out;
}

std::string authentication(const Event& event)
{
    std::string out = words(event, {"spf", "dkim", "dmarc", "policy", "arc", "iprev", "signed", "selector"});
    if (const auto domain = event.text("from_domain"); !domain.empty())
        out += " (From: " + shown(domain, 255) + ")";
    return out;
}

std::string scan(const Event& event)
{
    std::string out = "virus=" + shown(event.text("virus"), 40);
    if (const auto name = event.text("virus_name"); !name.empty())
        out += " " + shown(name, 200);
    if (const auto why = event.text("why"); !why.empty())
        out += " (" + shown(why) + ")";
    if (const auto& files = event.list("files"); !files.empty())
        out += " files: " + joined(files);
    return out;
}

std::string decision(const Event& event)
{
    std::string out = verdict(event);
    if (const auto& rules = event.list("rules"); event.text("at").empty() && !rules.empty())
        out += " by " + joined(rules);
    return out;
}

std::string routing(const Event& event)
{
    std::string out = words(event, {"routed", "skipped", "refused"});
    if (event.text("verdict") != "accept")
        out += " (" + shown(event.text("verdict"), 40) + ")";
    return out;
}

std::string kept(const Event& event)
{
    std::string out = shown(event.text("result"), 100);
    if (event.has("codes"))
        out += ": " + answers(event, "codes");
    return out;
}

std::string attempt(const Event& event)
{
    std::string out = "attempt";
    if (const auto age = event.number("queue_s"))
        out += fmt::format(" {:.1f} s after arrival", *age);
    return out + ": " + answers(event, "codes");
}

std::string answered(const Event& event)
{
    if (event.has("codes"))
        return "answered " + answers(event, "codes");
    std::string out = "answered " + shown(event.text("code"), 10);
    for (const auto key : {"enhanced", "text"})
        if (const auto value = event.text(key); !value.empty())
            out += " " + shown(value);
    return out;
}

/// A record of a stage that has no phrase of its own: what it has beside the common keys.
std::string generic(const Event& event)
{
    constexpr std::array common{"time", "host",    "pid",   "tool", "id", "stage",  "from", "to",
                                "size", "verdict", "class", "by",   "at", "reason", "ms",   "error"};
    std::string out;
    for (const auto& field : event.fields()) {
        if (std::ranges::find(common, field.key) != common.end() || out.size() > 1000)
            continue;
        out.append(out.empty() ? "" : " ").append(shown(field.key, 40)).append("=").append(joined(field.values, ","));
    }
    if (event.has("verdict") && event.text("verdict") != "accept")
        out.append(out.empty() ? "" : " ").append(verdict(event));
    return out.empty() ? "done" : out;
}

std::string phrase_of(const Event& event)
{
    const auto tool = event.text("tool");
    if (is_arrival(event))
        return answered(event);
    if (is_refusal(event))
        return shown(event.text("refused"), 10) + " from " + shown(event.text("client"), 60) + ": <" +
               shown(event.text("from"), 320) + "> to " + joined(event.list("to")) + ": " + answered(event);
    if (tool == "mgw-auth" && (event.has("spf") || event.has("signed")))
        return authentication(event);
    if (tool == "mgw-scan" && event.has("virus"))
        return scan(event);
    if (tool == "mgw-filter" && event.has("verdict"))
        return decision(event);
    if (tool == "mgw-route" && event.has("routed"))
        return routing(event);
    if (tool == "mgw-queue" && event.text("stage") == "queue-run")
        return attempt(event);
    if (tool == "mgw-queue" && event.has("result"))
        return kept(event);
    if (tool == "mgw-send" && event.has("answers"))
        return answers(event, "answers");
    return generic(event);
}

} // namespace

bool is_arrival(const Event& event)
{
    return event.text("tool") == "mgw-recv" && event.has("client") && (event.has("code") || event.has("codes")) &&
           !is_refusal(event);
}

bool is_refusal(const Event& event)
{
    return event.text("tool") == "mgw-recv" && event.has("refused");
}

std::string arrival(const Event& event)
{
    std::string out = "from " + shown(event.text("client"), 60) + " (";
    out += shown(event.text("helo"), 255) + ", " + shown(event.text("proto"), 20);
    if (const auto tls = event.text("tls"); !tls.empty())
        out += ", " + shown(tls, 60);
    out += "): <" + shown(event.text("from"), 320) + "> to " + joined(event.list("to"));
    if (const auto size = event.text("size"); !size.empty())
        out += ", " + shown(size, 20) + " octets";
    return out;
}

std::string phrase(const Event& event)
{
    std::string out = phrase_of(event);
    if (const auto error = event.text("error"); !error.empty())
        out += "; error: " + shown(error);
    return out;
}

std::string earlier(std::string_view time, double ms)
{
    // 2026-11-24T07:36:32.658851Z
    if (time.size() != 27 || time[10] != 'T' || time[26] != 'Z' || !(ms >= 0 && ms < 1e10))
        return std::string(time);
    const auto part = [&](std::size_t at, std::size_t count) {
        return static_cast<long>(parse_number(time.substr(at, count)).value_or(0));
    };
    const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(part(0, 4))),
                                          std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(part(8, 2)))};
    // a year that nanoseconds cannot count, or a field that is no number, is no time of ours
    if (!day.ok() || day.year() < std::chrono::year(1970) || day.year() > std::chrono::year(2200) || part(11, 2) > 23 ||
        part(14, 2) > 59 || part(17, 2) > 60)
        return std::string(time);
    const auto at = std::chrono::sys_days(day) + std::chrono::hours(part(11, 2)) + std::chrono::minutes(part(14, 2)) +
                    std::chrono::seconds(part(17, 2)) + std::chrono::microseconds(part(20, 6)) -
                    std::chrono::microseconds(std::llround(ms * 1000));
    return rfc3339(std::chrono::time_point_cast<Time::duration>(at));
}

} // namespace mgw::monitor
