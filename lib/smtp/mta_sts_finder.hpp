#pragma once

#include "lib/core/clock.hpp"
#include "lib/dns/resolver.hpp"
#include "lib/smtp/mta_sts.hpp"
#include "lib/smtp/mta_sts_fetch.hpp"
#include "lib/state/store.hpp"

#include <functional>
#include <string>

namespace mgw::smtp
{

/// What became of the search for a domain's policy.
struct StsFound {
    std::optional<StsPolicy> policy;
    std::string reason;  ///< for people
    std::string trouble; ///< RFC 8460 section 4.3 result: "sts-policy-fetch-error", "sts-policy-invalid"; empty if none
};

/// Finds MTA-STS policies: the TXT record says whether there is one and of which version, the policy is fetched when
/// it is not in `store`, of another version, or was fetched more than a day ago. A policy that was fetched once counts
/// for its max_age, whatever becomes of the record and the server (RFC 8461 section 5.1). After a fetch that failed
/// none is tried for five minutes. For several threads.
class StsFinder {
public:
    using Fetch = std::function<StsFetched(const std::string& domain, dns::Resolver& resolver)>;

    StsFinder(state::Store& store, const Clock& clock, Fetch fetch)
        : store_(store), clock_(clock), fetch_(std::move(fetch))
    {}

    /// `domain` is an A-label in lower case.
    StsFound find(const std::string& domain, dns::Resolver& resolver) const;

private:
    state::Store& store_;
    const Clock& clock_;
    Fetch fetch_;
};

} // namespace mgw::smtp
