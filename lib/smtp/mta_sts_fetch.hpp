#pragma once

#include "lib/dns/resolver.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace mgw::smtp
{

/// A policy file, or why there is none.
struct StsFetched {
    std::string text;
    std::string trouble; ///< RFC 8460 section 4.3 result: "sts-webpki-invalid", "sts-policy-fetch-error"; empty if none
    std::string why;     ///< for people
};

struct StsFetchOptions {
    std::string authorities; ///< contents of a PEM file
    std::uint16_t port = 443;
    std::chrono::seconds timeout{60};
};

/// Fetches https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 section 3.3) by libcurl: TLS 1.2 or newer, a
/// certificate of a known authority that names the host, no redirects, no proxy, text/plain, 64 KB. Addresses come from
/// `resolver`.
StsFetched fetch_sts_policy(const std::string& domain, dns::Resolver& resolver, const StsFetchOptions& options);

} // namespace mgw::smtp
