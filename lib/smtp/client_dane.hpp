#pragma once

#include "lib/dns/resolver.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// Where a host's TLSA records may be (RFC 7672 section 2.2).
struct DaneHost {
    std::string name;
    std::string canonical; ///< what aliases of its address records led to; empty without aliases
    bool secure = false;   ///< all its address records were validated
    std::uint16_t port = 25;
};

/// What the DNS says about a host's certificate.
struct Dane {
    enum class State : char {
        none,     ///< nothing, or nothing that was validated: DANE says nothing
        usable,   ///< one of `records` must fit the certificate
        unusable, ///< there are records, none of which SMTP can use: TLS without a known server
        failed    ///< a look-up failed: the host must not be used now (RFC 7672 section 2.1.2)
    };
    State state = State::none;
    std::string base;                 ///< the name without port and protocol
    std::vector<std::string> records; ///< octets as in RFC 6698 section 2.1
    std::string reason;               ///< for people
};

/// Looks up _PORT._tcp.NAME of the canonical name if it was validated, else of the name itself. A resolver that is not
/// trusted() is not asked, nor are records of a host whose addresses were not validated.
Dane find_dane(const DaneHost& host, dns::Resolver& resolver);

/// True for a record that SMTP can use (RFC 7672 section 3.1): usage 2 or 3, selector 0 or 1, matching 0 to 2, data of
/// the right length, or a certificate or key that can be read.
bool is_usable_tlsa(std::string_view octets);

} // namespace mgw::smtp
