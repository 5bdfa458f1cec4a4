#include "lib/lists/dnsbl.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::lists
{

namespace
{

constexpr std::size_t longest_reason = 200;
constexpr std::size_t most_codes = 16;       ///< answers beyond do not count
constexpr std::size_t most_outcomes = 10000; ///< lists are few: only a guard against changing configurations

/// The order in which actions decide.
int strength(const DnsblListing& listing)
{
    switch (listing.action) {
    case DnsblAction::accept:
        return 3;
    case DnsblAction::reject:
        return 2;
    case DnsblAction::defer:
        return 1;
    case DnsblAction::weight:
        return 0;
    }
    return 0;
}

void add_text(std::string& to, std::string_view text)
{
    if (("," + to + ",").contains("," + std::string(text) + ","))
        return;
    to += to.empty() ? "" : ",";
    to += text;
}

/// Why an answer cannot be believed; empty if it can.
std::string fault_of(const dns::Answer& answer)
{
    for (const auto& record : answer.records) {
        switch (dnsbl_code(record.data)) {
        case DnsblCode::refusal:
            return dnsbl_refusal(record.data);
        case DnsblCode::foreign:
            return "answers " + printable_ascii(record.data, 45) + ", which is not in 127.0.0.0/8";
        case DnsblCode::value:
            break;
        }
    }
    return {};
}

/// The question as people see it: a zone may have a key in it.
std::string shown(const DnsblList& list, std::string_view query)
{
    return std::string(query.substr(0, query.size() - list.zone.size())) + list.name;
}

std::string shown(const dns::Answer& answer)
{
    if (answer.code != dns::Code::ok)
        return std::string(dns::code_name(answer.code));
    std::string out;
    for (std::size_t i = 0; i < answer.records.size() && i < most_codes; ++i)
        out += (out.empty() ? "" : ",") + printable_ascii(answer.records[i].data, 45);
    return out;
}

} // namespace

std::string DnsblListing::text() const
{
    const std::string what = action == DnsblAction::weight ? (is_allow ? "-" : "+") + std::to_string(weight)
                                                           : std::string(dnsbl_action_name(action));
    return list + " has " + subject + ": " + meaning + " (" + codes + "), " + what;
}

const DnsblListing* DnsblResult::decisive() const
{
    const auto found = std::ranges::max_element(listings, {}, strength); // of equals the first
    return found == listings.end() || strength(*found) == 0 ? nullptr : &*found;
}

int DnsblResult::weight() const
{
    int sum = 0;
    for (const auto& listing : listings)
        sum += listing.is_allow ? -static_cast<int>(listing.weight) : static_cast<int>(listing.weight);
    return sum;
}

std::optional<DnsblHealth::State> DnsblHealth::find(const std::string& key, Time now) const
{
    const std::scoped_lock lock(mutex_);
    const auto found = states_.find(key);
    return found == states_.end() || found->second.until <= now ? std::nullopt : std::optional(found->second);
}

void DnsblHealth::store(const std::string& key, State state)
{
    const std::scoped_lock lock(mutex_);
    if (states_.size() >= most_outcomes)
        states_.clear();
    states_[key] = std::move(state);
}

/// The two questions of a self-test, and under which key its outcome is kept.
struct Dnsbl::Probe {
    std::string key;
    std::string listed;
    std::string unlisted;
    std::string listed_text; ///< "127.0.0.2"
    std::string unlisted_text;
};

Dnsbl::Probe Dnsbl::probe_for(const DnsblList& list, bool v6)
{
    if (list.subject == DnsblSubject::domain)
        return {.key = "domain " + list.zone,
                .listed = list.listed_domain + "." + list.zone,
                .unlisted = list.unlisted_domain + "." + list.zone,
                .listed_text = list.listed_domain,
                .unlisted_text = list.unlisted_domain};
    const auto two = *parse_ip("127.0.0.2");
    const auto one = *parse_ip("127.0.0.1");
    return {.key = (v6 ? "v6 " : "v4 ") + list.zone,
            .listed = reversed_text(two, v6) + "." + list.zone,
            .unlisted = reversed_text(one, v6) + "." + list.zone,
            .listed_text = v6 ? "::ffff:7f00:2" : "127.0.0.2",
            .unlisted_text = v6 ? "::ffff:7f00:1" : "127.0.0.1"};
}

DnsblHealth::State Dnsbl::run_test(dns::Resolver& resolver, const DnsblList& list, bool v6, Time now) const
{
    const Probe probe = probe_for(list, v6);
    resolver.prefetch(probe.listed, dns::Type::a);
    resolver.prefetch(probe.unlisted, dns::Type::a);
    DnsblHealth::State out{.why = {}, .until = now + times_.broken};
    const auto listed = resolver.query(probe.listed, dns::Type::a);
    const auto unlisted = resolver.query(probe.unlisted, dns::Type::a);
    if (dns::is_temporary(listed.code) || dns::is_temporary(unlisted.code)) {
        out.is_temporary = true;
        out.why =
            "self-test: " + std::string(dns::code_name(dns::is_temporary(listed.code) ? listed.code : unlisted.code));
        out.until = now + times_.temporary;
    } else if (const auto fault = fault_of(listed); !fault.empty()) {
        out.why = "self-test: " + fault;
    } else if (!unlisted.records.empty()) {
        const auto other = fault_of(unlisted);
        out.why = "self-test: " + (other.empty() ? "has " + probe.unlisted_text + ", as if it had everything" : other);
    } else if (listed.records.empty()) {
        out.why = "self-test: does not have " + probe.listed_text + ", as if it were empty or gone";
    } else {
        out.until = now + times_.good;
    }
    health_->store(probe.key, out);
    return out;
}

DnsblHealth::State Dnsbl::health_of(dns::Resolver& resolver, const DnsblList& list, bool v6, Time now) const
{
    // what a list said of itself holds for lists without test, too
    if (const auto known = health_->find(probe_for(list, v6).key, now))
        return *known;
    return list.is_tested ? run_test(resolver, list, v6, now) : DnsblHealth::State{};
}

void Dnsbl::prefetch(dns::Resolver& resolver, std::string_view ip, std::span<const std::string> domains, Time now) const
{
    const auto address = parse_ip(ip);
    for (const auto& list : lists_) {
        std::vector<std::string> queries;
        const bool v6 = address && !address->is_v4;
        if (address)
            if (auto name = list.query_name(*address))
                queries.push_back(std::move(*name));
        for (const auto& domain : domains)
            if (auto name = list.query_name(domain))
                queries.push_back(std::move(*name));
        if (queries.empty())
            continue;
        const Probe probe = probe_for(list, v6);
        const auto known = health_->find(probe.key, now);
        if (known && !known->why.empty())
            continue;
        if (!known && list.is_tested) {
            resolver.prefetch(probe.listed, dns::Type::a);
            resolver.prefetch(probe.unlisted, dns::Type::a);
        }
        for (const auto& query : queries)
            resolver.prefetch(query, dns::Type::a);
    }
}

void Dnsbl::ask(dns::Resolver& resolver, const DnsblList& list, bool v6, std::string_view subject,
                const std::string& query, Time now, DnsblResult& out) const
{
    const auto health = health_of(resolver, list, v6, now);
    const auto fail_with = [&](std::string why, bool is_temporary) {
        out.trace.push_back("dnsbl: " + list.name + " does not count: " + why);
        out.failures.push_back({list.name, std::move(why), is_temporary});
    };
    if (!health.why.empty()) {
        fail_with(health.why, health.is_temporary);
        return;
    }
    const auto answer = resolver.query(query, dns::Type::a);
    out.trace.push_back("dnsbl: A " + shown(list, query) + " -> " + shown(answer));
    if (dns::is_temporary(answer.code)) {
        fail_with(std::string(dns::code_name(answer.code)), true);
        return;
    }
    if (auto fault = fault_of(answer); !fault.empty()) {
        health_->store(probe_for(list, v6).key, {.why = fault, .is_temporary = false, .until = now + times_.broken});
        fail_with(std::move(fault), false);
        return;
    }
    DnsblListing listing{.list = list.name, .subject = std::string(subject), .is_allow = list.is_allow, .query = query};
    bool is_listed = false;
    for (std::size_t i = 0; i < answer.records.size() && i < most_codes; ++i) {
        const auto code = parse_ip(answer.records[i].data);
        bool is_known = false;
        for (const auto& rule : list.rules) {
            if (!code || !rule.has(*code))
                continue;
            is_known = is_listed = true;
            add_text(listing.codes, answer.records[i].data);
            add_text(listing.meaning, rule.meaning);
            DnsblListing by_rule = listing;
            by_rule.action = rule.action;
            if (strength(by_rule) > strength(listing))
                listing.action = rule.action;
            if (rule.action == DnsblAction::weight)
                listing.weight = std::max(listing.weight, rule.weight);
        }
        if (!is_known)
            out.trace.push_back("dnsbl: " + list.name + ": the definition does not name " + answer.records[i].data +
                                ": it does not count");
    }
    if (!is_listed)
        return;
    if (listing.action != DnsblAction::weight)
        listing.weight = 0;
    out.trace.push_back("dnsbl: " + listing.text());
    out.listings.push_back(std::move(listing));
}

DnsblResult Dnsbl::check_client(dns::Resolver& resolver, std::string_view ip, Time now) const
{
    DnsblResult out;
    const auto address = parse_ip(ip);
    if (!address) {
        out.trace.push_back("dnsbl: not an address: " + printable_ascii(ip, 60));
        return out;
    }
    const std::string text(ip);
    prefetch(resolver, text, {}, now);
    for (const auto& list : lists_)
        if (const auto query = list.query_name(*address))
            ask(resolver, list, !address->is_v4, address->text(), *query, now, out);
    return out;
}

DnsblResult Dnsbl::check_domain(dns::Resolver& resolver, std::string_view domain, Time now) const
{
    DnsblResult out;
    const std::string text(domain);
    prefetch(resolver, {}, std::span(&text, 1), now);
    for (const auto& list : lists_) {
        if (list.subject != DnsblSubject::domain)
            continue;
        if (const auto query = list.query_name(domain))
            ask(resolver, list, false, to_lower(printable_ascii(domain, 253)), *query, now, out);
        else
            out.trace.push_back("dnsbl: " + list.name + " cannot be asked about " + printable_ascii(domain, 100));
    }
    return out;
}

std::vector<DnsblFailure> Dnsbl::test(dns::Resolver& resolver, Time now) const
{
    std::vector<DnsblFailure> out;
    const auto each = [&](const auto& act) {
        for (const auto& list : lists_) {
            if (!list.is_tested)
                continue;
            if (list.subject == DnsblSubject::domain || list.has_v4)
                act(list, false);
            if (list.subject == DnsblSubject::client && list.has_v6)
                act(list, true);
        }
    };
    each([&](const DnsblList& list, bool v6) {
        const Probe probe = probe_for(list, v6);
        resolver.prefetch(probe.listed, dns::Type::a);
        resolver.prefetch(probe.unlisted, dns::Type::a);
    });
    each([&](const DnsblList& list, bool v6) {
        if (auto state = run_test(resolver, list, v6, now); !state.why.empty())
            out.push_back({list.name, std::move(state.why), state.is_temporary});
    });
    return out;
}

std::string Dnsbl::reason(dns::Resolver& resolver, const DnsblListing& listing)
{
    const auto answer = resolver.query(listing.query, dns::Type::txt);
    return answer.records.empty() ? "" : printable_ascii(answer.records.front().data, longest_reason);
}

} // namespace mgw::lists
