#pragma once

#include "lib/state/store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::state
{

/// What a limit counts.
enum class RateEvent : char { connections, messages, recipients, failures };
/// Whom it counts for.
enum class RateScope : char { client, network, sender, recipient, login };
std::string_view rate_event_name(RateEvent event);
std::string_view rate_scope_name(RateScope scope);

/// A limit with its name. Its text is
///     NAME: EVENTS per SCOPE[/V4/V6] RATE
///     flood: connections per client 60/1m
///     site: messages per network/24/56 1000/1h burst 200
///     brake: recipients per login 200/1h burst 50
/// EVENTS is connections, messages, recipients or failures (of authentication, of commands). A client is an IPv4
/// address or an IPv6 /64, which one customer has for himself; a network is /24 or /64 where no prefixes are named.
/// `brake` is what stops a stolen account.
struct RateLimit {
    std::string name;
    RateEvent event = RateEvent::messages;
    RateScope scope = RateScope::client;
    unsigned prefix_v4 = 32;
    unsigned prefix_v6 = 64;
    Rate rate;
    std::string text; ///< RATE as it was written
};

/// "100/1h", "100/1h burst 20", "5/s": so many in each period (s, m, h or d with an optional number), and at most
/// `burst` of them at once (without: all). Status::config for other text, and for more than one in a microsecond.
Result<Rate> parse_rate(std::string_view text);

/// Reads a limit. Status::config says what is wrong. A name has 1 to 40 letters, digits, '-', '_' or '.'.
Result<RateLimit> parse_rate_limit(std::string_view text);

/// Whether each limit has a name of its own. Status::config names the one that is there twice, or more than 64 limits.
Result<void> check_names(const std::vector<RateLimit>& limits);

/// Who did what. Limits whose part is empty do not apply: a sender's limit not to the null sender, a login's not to a
/// client without one. Addresses are compared in lower case; who wants to count user+a and user+b as one takes the
/// extension away before.
struct RateSubject {
    std::string ip;
    std::string sender;
    std::string recipient;
    std::string login;
};

/// What the limits say.
struct RateVerdict {
    bool fits = true;
    const RateLimit* limit = nullptr;  ///< the limit that refuses; of several the one with the longest wait
    std::string subject;               ///< for whom: "192.0.2.0/24"
    std::chrono::microseconds wait{0}; ///< until it would fit; microseconds::max() for never
    std::vector<std::string> trace;    ///< each limit that was asked, for people

    /// "brake (200/1h burst 50 recipients per login) for bob is used up: again in 18 s"; empty if it fits.
    std::string text() const;
};

/// Takes `cost` events from all limits that apply: all are charged, or, when one refuses, none. Errors of the store.
Result<RateVerdict> take_rates(Store& store, const std::vector<RateLimit>& limits, RateEvent event, std::uint64_t cost,
                               const RateSubject& subject, Time now);

/// Gives back what take_rates() charged.
Result<void> give_back_rates(Store& store, const std::vector<RateLimit>& limits, RateEvent event, std::uint64_t cost,
                             const RateSubject& subject, Time now);

} // namespace mgw::state
