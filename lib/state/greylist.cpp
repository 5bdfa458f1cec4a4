#include "lib/state/greylist.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

namespace mgw::state
{

namespace
{

/// A domain as part of a key: lower case, without final dot.
std::string folded(std::string_view domain)
{
    if (domain.ends_with('.'))
        domain.remove_suffix(1);
    return to_lower(domain);
}

std::string network_key(std::string_view network)
{
    return make_key({"grey-network", network});
}

std::string decision_text(const Grey& grey, std::string_view key)
{
    std::string out;
    switch (grey.state) {
    case Grey::State::fresh:
        out = "seen for the first time";
        break;
    case Grey::State::early:
        out = "came back too early";
        break;
    case Grey::State::passed:
        out = "came back in time";
        break;
    case Grey::State::known:
        out = "passed before, " + std::to_string(grey.uses) + (grey.uses == 1 ? " time" : " times");
        break;
    }
    if (!grey.passes())
        out += ": again in " + std::to_string(grey.wait.count()) + " s";
    return out + " (" + printable(key, 200) + ")";
}

std::string rule_of(Grey::State state)
{
    return state == Grey::State::fresh ? "first" : std::string(grey_state_name(state));
}

} // namespace

std::string Greylist::key_for(const GreyQuestion& question, std::string_view network) const
{
    const auto domain = folded(question.domain);
    if (!domain.empty() && policy_.key == GreyKey::domain)
        return make_key({"grey-domain", domain});
    if (!domain.empty() && policy_.key == GreyKey::network_domain)
        return make_key({"grey-domain", domain, network});
    return make_key({"grey", network, to_lower(question.sender), to_lower(question.recipient)});
}

Result<GreyDecision> Greylist::decide(const GreyQuestion& question, Time now)
{
    if (!question.login.empty())
        return GreyDecision{.rule = "authenticated", .text = "an authenticated client is not greylisted"};
    const auto ip = parse_ip(question.ip);
    if (!ip)
        return GreyDecision{.rule = "no-address", .text = "the client's address is not known"};
    const auto network = network_text(*ip, policy_.prefix_v4, policy_.prefix_v6);
    if (policy_.known_after > 0) {
        // to add nothing is to ask, and keeps a network that is in use
        const auto passed = store_.count(network_key(network), 0, policy_.times.white, now);
        if (!passed)
            return std::unexpected(passed.error());
        if (*passed >= policy_.known_after)
            return GreyDecision{.rule = "known-network",
                                .key = network_key(network),
                                .text = "the network " + network + " has passed " + std::to_string(*passed) + " times"};
    }
    const auto key = key_for(question, network);
    const auto grey = store_.grey(key, policy_.times, now);
    if (!grey)
        return std::unexpected(grey.error());
    if (grey->state == Grey::State::passed && policy_.known_after > 0)
        if (const auto counted = store_.count(network_key(network), 1, policy_.times.white, now); !counted)
            return std::unexpected(counted.error());
    return GreyDecision{.passes = grey->passes(),
                        .rule = rule_of(grey->state),
                        .wait = grey->wait,
                        .key = key,
                        .text = decision_text(*grey, key)};
}

Result<void> Greylist::teach(std::string_view domain, std::string_view ip, Time now)
{
    const auto address = parse_ip(ip);
    if (domain.empty() || policy_.key == GreyKey::triplet || !address)
        return {};
    const GreyQuestion question{.ip = std::string(ip), .domain = std::string(domain)};
    auto times = policy_.times;
    times.delay = std::chrono::seconds(0);
    const auto grey =
        store_.grey(key_for(question, network_text(*address, policy_.prefix_v4, policy_.prefix_v6)), times, now);
    return grey ? Result<void>{} : Result<void>(std::unexpected(grey.error()));
}

} // namespace mgw::state
