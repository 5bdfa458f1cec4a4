#include "lib/state/rate.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace mgw::state
{

namespace
{

constexpr std::uint64_t most_events = 1000000000;
constexpr std::size_t longest_name = 40;
constexpr std::array events{RateEvent::connections, RateEvent::messages, RateEvent::recipients, RateEvent::failures};
constexpr std::array scopes{RateScope::client, RateScope::network, RateScope::sender, RateScope::recipient,
                            RateScope::login};

std::unexpected<Error> wrong(const std::string& what, std::string_view text)
{
    return fail(Status::config, what + ": " + printable_ascii(text, 80),
                "write NAME: EVENTS per SCOPE RATE, for example brake: recipients per login 200/1h burst 50");
}

bool is_rate_name(std::string_view text)
{
    return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
    });
}

/// "login", "network/24/56".
Result<void> set_scope(RateLimit& limit, std::string_view word)
{
    const auto parts = split(word, '/');
    const auto scope = std::ranges::find(scopes, parts[0], rate_scope_name);
    if (scope == scopes.end())
        return wrong("not a scope (client, network, sender, recipient, login)", parts[0]);
    limit.scope = *scope;
    limit.prefix_v4 = *scope == RateScope::network ? 24 : 32;
    limit.prefix_v6 = 64;
    if (parts.size() == 1)
        return {};
    const auto not_prefixes = wrong("not a network's prefixes for IPv4 and IPv6", word);
    if (*scope != RateScope::network || parts.size() != 3)
        return not_prefixes;
    const auto v4 = parse_number(parts[1]);
    const auto v6 = parse_number(parts[2]);
    if (!v4 || !v6 || *v4 == 0 || *v4 > 32 || *v6 == 0 || *v6 > 128)
        return not_prefixes;
    limit.prefix_v4 = static_cast<unsigned>(*v4);
    limit.prefix_v6 = static_cast<unsigned>(*v6);
    return {};
}

std::string subject_of(const RateLimit& limit, const RateSubject& subject)
{
    switch (limit.scope) {
    case RateScope::client:
    case RateScope::network: {
        const auto ip = parse_ip(subject.ip);
        return ip ? network_text(*ip, limit.prefix_v4, limit.prefix_v6) : "";
    }
    case RateScope::sender:
        return to_lower(subject.sender);
    case RateScope::recipient:
        return to_lower(subject.recipient);
    case RateScope::login:
        return to_lower(subject.login);
    }
    return {};
}

std::string rate_key(const RateLimit& limit, std::string_view subject)
{
    return make_key({"rate", limit.name, subject});
}

/// "flood for 192.0.2.7/32"
std::string described(const RateLimit& limit, std::string_view subject)
{
    return limit.name + " (" + limit.text + " " + std::string(rate_event_name(limit.event)) + " per " +
           std::string(rate_scope_name(limit.scope)) + ") for " + printable(subject, 120);
}

std::string wait_text(std::chrono::microseconds wait)
{
    if (wait == std::chrono::microseconds::max())
        return "more than its burst at once";
    return "again in " + std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) + " s";
}

} // namespace

std::string_view rate_event_name(RateEvent event)
{
    switch (event) {
    case RateEvent::connections:
        return "connections";
    case RateEvent::messages:
        return "messages";
    case RateEvent::recipients:
        return "recipients";
    case RateEvent::failures:
        return "failures";
    }
    return "?";
}

std::string_view rate_scope_name(RateScope scope)
{
    switch (scope) {
    case RateScope::client:
        return "client";
    case RateScope::network:
        return "network";
    case RateScope::sender:
        return "sender";
    case RateScope::recipient:
        return "recipient";
    case RateScope::login:
        return "login";
    }
    return "?";
}

Result<Rate> parse_rate(std::string_view text)
{
    const auto words = split_blanks(trim(text));
    const auto slash = words.empty() ? std::string_view::npos : words[0].find('/');
    if (slash == std::string_view::npos || (words.size() != 1 && (words.size() != 3 || words[1] != "burst")))
        return wrong("not a rate such as 100/1h or 100/1h burst 20", text);
    const auto limit = parse_number(words[0].substr(0, slash));
    auto period_text = std::string(words[0].substr(slash + 1));
    if (!period_text.empty() && !is_digit(period_text.front()))
        period_text.insert(0, 1, '1');
    const auto period = parse_duration(period_text);
    const auto burst = words.size() == 3 ? parse_number(words[2]) : limit;
    if (!limit || *limit == 0 || *limit > most_events || !period || period->count() == 0 || !burst || *burst == 0 ||
        *burst > most_events)
        return wrong("not a rate such as 100/1h or 100/1h burst 20", text);
    const Rate out{.limit = *limit, .period = *period, .burst = *burst};
    if (out.limit > static_cast<std::uint64_t>(out.period.count()))
        return wrong("more than one in a microsecond", text);
    return out;
}

Result<RateLimit> parse_rate_limit(std::string_view text)
{
    const auto colon = text.find(':');
    RateLimit out;
    out.name = std::string(trim(text.substr(0, colon)));
    if (colon == std::string_view::npos || !is_rate_name(out.name))
        return wrong("a limit begins with its name and a colon", text);
    const std::string_view rest = text.substr(colon + 1);
    const auto words = split_blanks(trim(rest));
    if (words.size() < 4 || words[1] != "per")
        return wrong("a limit is EVENTS per SCOPE RATE", rest);
    const auto event = std::ranges::find(events, words[0], rate_event_name);
    if (event == events.end())
        return wrong("not what can be counted (connections, messages, recipients, failures)", words[0]);
    out.event = *event;
    if (auto scope = set_scope(out, words[2]); !scope)
        return pass(scope);
    for (std::size_t i = 3; i < words.size(); ++i)
        out.text += (i == 3 ? "" : " ") + std::string(words[i]);
    auto rate = parse_rate(out.text);
    if (!rate)
        return pass(rate);
    out.rate = *rate;
    return out;
}

Result<void> check_names(const std::vector<RateLimit>& limits)
{
    std::set<std::string_view> names;
    if (limits.size() > Store::most_claims)
        return fail(Status::config, "more than 64 limits");
    for (const auto& limit : limits)
        if (!names.insert(limit.name).second)
            return fail(Status::config, "two limits have the name " + limit.name);
    return {};
}

std::string RateVerdict::text() const
{
    return limit == nullptr ? "" : described(*limit, subject) + " is used up: " + wait_text(wait);
}

Result<RateVerdict> take_rates(Store& store, const std::vector<RateLimit>& limits, RateEvent event, std::uint64_t cost,
                               const RateSubject& subject, Time now)
{
    std::vector<Claim> claims;
    std::vector<const RateLimit*> asked;
    std::vector<std::string> subjects;
    for (const auto& limit : limits) {
        auto whom = limit.event == event ? subject_of(limit, subject) : std::string{};
        if (whom.empty())
            continue;
        claims.push_back({.key = rate_key(limit, whom), .rate = limit.rate, .cost = cost});
        asked.push_back(&limit);
        subjects.push_back(std::move(whom));
    }
    const auto taken = store.take(claims, now);
    if (!taken)
        return std::unexpected(taken.error());
    RateVerdict out;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const auto& one = (*taken)[i];
        out.trace.push_back("rate: " + described(*asked[i], subjects[i]) +
                            (one.fits ? ": " + std::to_string(one.left) + " left" : ": " + wait_text(one.wait)));
        if (one.fits || (!out.fits && one.wait <= out.wait))
            continue;
        out.fits = false;
        out.limit = asked[i];
        out.subject = subjects[i];
        out.wait = one.wait;
    }
    return out;
}

Result<void> give_back_rates(Store& store, const std::vector<RateLimit>& limits, RateEvent event, std::uint64_t cost,
                             const RateSubject& subject, Time now)
{
    for (const auto& limit : limits) {
        const auto whom = limit.event == event ? subject_of(limit, subject) : std::string{};
        if (whom.empty())
            continue;
        if (auto given = store.give_back(rate_key(limit, whom), cost, limit.rate, now); !given)
            return given;
    }
    return {};
}

} // namespace mgw::state
