#pragma once

#include "lib/dns/resolver.hpp"
#include "lib/smtp/client_destination.hpp"
#include "lib/smtp/client_outcome.hpp"
#include "lib/smtp/client_policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// One address to try.
struct Host {
    std::string name;    ///< what it is called in the DNS
    std::string address; ///< IPv4 or IPv6; a path for a Unix socket
    std::uint16_t port = 25;
    bool is_unix = false;
    bool from_mx = false;
    bool secure = false;        ///< the look-ups of its addresses were validated
    bool secure_name = false;   ///< its name comes from the destination itself, or from a validated MX
    std::string canonical = {}; ///< what aliases of its addresses led to; empty without aliases
    TlsPolicy tls = {};

    /// "mx.example.net[192.0.2.1]:25"
    std::string label() const;
};

/// The hosts of a destination, in the order in which to try them; or why there are none (a 4xx or 5xx).
struct Route {
    std::vector<Host> hosts;
    Outcome failure;
};

/// What of this machine must not be found as somebody's mail exchanger.
struct Self {
    std::string name;                   ///< lower case
    std::vector<std::string> addresses; ///< in text form, without loopback
};

/// This machine's addresses, and `name`.
Self find_self(const std::string& name);

/// Finds the hosts of an smtp or lmtp destination (RFC 5321 section 5.1): MX by preference, equals in an order that
/// `shuffle` decides, the domain's own addresses when there is no MX at all, IPv6 and IPv4 by turns, at most 10. A null
/// MX (RFC 7505) is 556 5.1.10, no such domain 550 5.1.2, a look-up that failed 451 4.4.3. This machine among the
/// exchangers ends the list there (a loop, 554 5.4.6, when it is the best one).
Route find_route(const Destination& destination, dns::Resolver& resolver, const Self& self, std::uint64_t shuffle);

} // namespace mgw::smtp
