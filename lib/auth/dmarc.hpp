#pragma once

#include "lib/auth/dmarc_record.hpp"
#include "lib/dns/resolver.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::auth
{

/// How the organizational domain is found: by the DNS tree walk of RFC 9989 section 4.10, or by the public suffix list
/// as RFC 7489 had it.
enum class Discovery : char { walk, psl };

/// A record that a look-up at _dmarc.DOMAIN found.
struct FoundPolicy {
    std::string domain;
    DmarcRecord record;
};

/// What looking upwards from one domain gave.
struct OrgDomain {
    std::string domain;             ///< the organizational domain; the start itself where nothing was found
    std::vector<FoundPolicy> found; ///< usable records on the way, from the start upwards
    bool temporary = false;         ///< a look-up failed, so that `domain` is not certain
};

/// Finds the organizational domain of a normal domain: at most 8 look-ups (RFC 9989 section 4.10). `trace` gets a line
/// for each.
OrgDomain find_org_domain(std::string_view domain, dns::Resolver& resolver, Discovery discovery,
                          std::vector<std::string>* trace = nullptr);

/// Whether an authenticated domain is aligned with the author's (RFC 9989 section 4.9): equal, or not `strict` and of
/// one organizational domain, each found by its own walk. `temporary` is set where a failed look-up left it open.
bool is_aligned(std::string_view author, const OrgDomain& author_org, std::string_view authenticated, bool strict,
                dns::Resolver& resolver, Discovery discovery, bool& temporary,
                std::vector<std::string>* trace = nullptr);

/// A domain that SPF or one DKIM signature vouches for.
struct Identifier {
    std::string mechanism; ///< "spf" or "dkim"
    std::string domain;
    std::string result; ///< only "pass" counts; "temperror" may leave the outcome open
};

struct DmarcResult {
    std::string result = "none";  ///< pass, fail, none, temperror or permerror
    std::string reason;           ///< for people
    std::string from_domain;      ///< the author domain that decided
    std::string record_domain;    ///< where the policy record stands; empty if there is none
    std::string tag = "p";        ///< which of its tags applies: p, sp or np
    Policy asked = Policy::none;  ///< what that tag says
    Policy policy = Policy::none; ///< what to do: `asked`, one level milder under t=y
    DmarcRecord record;
    std::string aligned; ///< "dkim example.net": what made it pass
    std::vector<std::string> trace;
};

/// Evaluates DMARC for one author domain (RFC 9989 section 5.3). `author` is a normal domain.
DmarcResult check_dmarc(std::string_view author, const std::vector<Identifier>& identifiers, dns::Resolver& resolver,
                        Discovery discovery);

/// The same for a message: no usable author domain is a permerror; of several the worst outcome counts, and beyond
/// `limit` domains it is a permerror without look-ups.
DmarcResult check_dmarc_authors(const std::vector<std::string>& authors, const std::vector<Identifier>& identifiers,
                                dns::Resolver& resolver, Discovery discovery, std::size_t limit = 4);

} // namespace mgw::auth
