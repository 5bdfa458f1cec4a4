#pragma once

#include "lib/dns/resolver.hpp"
#include "lib/smtp/client_logins.hpp"
#include "lib/smtp/client_route.hpp"
#include "lib/smtp/mta_sts_finder.hpp"

namespace mgw::smtp
{

/// What a TLS policy is made of.
struct TlsPlan {
    TlsLevel standard = TlsLevel::may; ///< where nothing else says more
    TlsTable table;
    bool dane = true;
    const StsFinder* sts = nullptr; ///< borrowed; none: MTA-STS is not asked for
};

/// Decides for each host of a route how it is to be connected: by DANE where it has usable TLSA records (RFC 7672),
/// else by a policy of MTA-STS that is enforced (RFC 8461), else by the table, else by the standard level. A host that
/// must not be used gets a refusal, a 4xx. `resolver` is the one that found the route.
void decide_tls(Route& route, const Destination& destination, const TlsPlan& plan, dns::Resolver& resolver);

} // namespace mgw::smtp
