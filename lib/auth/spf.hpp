#pragma once

#include "lib/dns/resolver.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::auth
{

/// What one SPF check is about.
struct SpfQuery {
    std::string ip;        ///< the client's address in text form; an IPv4 address in IPv6 form counts as IPv4
    std::string helo;      ///< as the client gave it
    std::string mail_from; ///< without angle brackets; empty for the null sender, then HELO is checked
    std::string receiver;  ///< our own host name, for the macro %{r} and Received-SPF
};

struct SpfResult {
    std::string result;   ///< pass, fail, softfail, neutral, none, temperror or permerror (RFC 7208 section 2.6)
    std::string domain;   ///< the domain that was checked
    std::string identity; ///< "mailfrom" or "helo"
    std::string
        mechanism; ///< the term that decided, as it stands in the record; "default" if none matched; empty if unknown
    std::string explanation; ///< for fail: the domain's own text (section 6.2), printable ASCII; empty if it gives none
    std::vector<std::string> trace; ///< for --explain: what was asked, what came back, which term decided
    unsigned lookups = 0;           ///< terms that ask the DNS, over all included records (section 4.6.4)
    unsigned voids = 0;             ///< of their look-ups, those without an answer
};

/// RFC 7208's check_host() for MAIL FROM, or for HELO where the sender is null (section 2.4). libspf2 evaluates; each
/// record is checked by our own grammar and made safe for it first. Never throws, never aborts; every input is allowed.
/// To check the HELO identity as well, ask a second time with an empty `mail_from`.
SpfResult check_spf(const SpfQuery& query, dns::Resolver& resolver);

/// The Received-SPF field of RFC 7208 section 9.1 for a result: folded, ASCII, with name, ended by CRLF.
std::string received_spf(const SpfQuery& query, const SpfResult& result);

} // namespace mgw::auth
