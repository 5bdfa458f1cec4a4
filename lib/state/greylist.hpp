#pragma once

#include "lib/state/store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::state
{

/// What a greylist entry stands for where the sender's domain is authenticated.
enum class GreyKey : char {
    domain,         ///< the domain: large senders retry from other networks
    network_domain, ///< network and domain
    triplet,        ///< network, sender and recipient, as without authentication
};

struct GreyPolicy {
    GreyTimes times;
    GreyKey key = GreyKey::domain;
    unsigned prefix_v4 = 24;
    unsigned prefix_v6 = 64;
    /// A network whose keys have passed so often is known by itself, for `times.white` from each pass on; 0 for never.
    std::uint64_t known_after = 5;
};

/// One recipient of a message, as it is known at RCPT.
struct GreyQuestion {
    std::string ip;
    std::string sender; ///< empty: the null sender
    std::string recipient;
    std::string domain; ///< whose SPF passed, or whose DKIM signature did; empty: none
    std::string login;  ///< authenticated clients are never greylisted
};

/// What the greylist says, and why.
struct GreyDecision {
    bool passes = true;
    std::string rule;             ///< authenticated, known-network, known, passed, first, early
    std::chrono::seconds wait{0}; ///< until a retry passes, if it does not pass now
    std::string key;              ///< the entry that decided; empty if none did
    std::string text;             ///< "first seen now: again in 300 s (grey example.net)"
};

/// Greylisting (RFC 6647): what is not known is told to come back, and has passed when it does so in time. By RFC 6647
/// section 5 the key has the network, not the address, of the client.
class Greylist {
public:
    Greylist(Store& store, GreyPolicy policy) : store_(store), policy_(policy) {}

    /// Decides about one recipient, and remembers it. A client whose address is not known is not greylisted. Errors are
    /// the store's: whether mail then passes is the caller's choice.
    Result<GreyDecision> decide(const GreyQuestion& question, Time now);

    /// Makes a domain known that was authenticated by what came later (a DKIM signature is seen after the message, too
    /// late for its own recipients).
    Result<void> teach(std::string_view domain, std::string_view ip, Time now);

private:
    std::string key_for(const GreyQuestion& question, std::string_view network) const;

    Store& store_;
    GreyPolicy policy_;
};

} // namespace mgw::state
