#include "lib/auth/dmarc.hpp"

#include "lib/auth/domain.hpp"

#include <algorithm>

namespace mgw::auth
{
namespace
{

/// The record that holds for the author (RFC 9989 section 4.10.1): its own, else the organizational domain's, else that
/// of the public suffix above it.
const FoundPolicy* policy_record(std::string_view author, const OrgDomain& org)
{
    const auto at = [&](std::string_view domain) -> const FoundPolicy* {
        for (const auto& each : org.found)
            if (each.domain == domain)
                return &each;
        return nullptr;
    };
    if (const auto* own = at(author))
        return own;
    if (const auto* of_org = at(org.domain))
        return of_org;
    for (const auto& each : org.found)
        if (each.record.psd == 'y')
            return &each;
    return nullptr;
}

Policy one_milder(Policy policy)
{
    return policy == Policy::reject ? Policy::quarantine : Policy::none;
}

/// Which tag of the record speaks about the author domain: p for the record's own domain, else sp, or np where the name
/// does not exist (sections 4.7 and 4.10.1).
void choose_policy(DmarcResult& out, dns::Resolver& resolver)
{
    const auto& record = out.record;
    out.asked = record.p;
    if (out.record_domain != out.from_domain) {
        if (record.sp) {
            out.tag = "sp";
            out.asked = *record.sp;
        }
        if (record.np) {
            const auto answer = resolver.query(out.from_domain, dns::Type::a);
            out.trace.push_back("dmarc: A " + out.from_domain + " -> " + std::string(dns::code_name(answer.code)) +
                                " (does the name exist?)");
            if (answer.code == dns::Code::no_name) {
                out.tag = "np";
                out.asked = *record.np;
            }
        }
    }
    out.policy = record.testing ? one_milder(out.asked) : out.asked;
}

int badness(const DmarcResult& result)
{
    if (result.result == "permerror")
        return 20;
    if (result.result == "fail")
        return 10 + static_cast<int>(result.policy);
    if (result.result == "temperror")
        return 5;
    return result.result == "none" ? 1 : 0;
}

} // namespace

DmarcResult check_dmarc(std::string_view author, const std::vector<Identifier>& identifiers, dns::Resolver& resolver,
                        Discovery discovery)
{
    DmarcResult out;
    out.from_domain = std::string(author);
    const auto org = find_org_domain(author, resolver, discovery, &out.trace);
    const auto* found = policy_record(author, org);
    if (!found) {
        out.result = org.temporary ? "temperror" : "none";
        out.reason = org.temporary ? "a look-up of the policy record failed" : "no policy record";
        return out;
    }
    if (org.temporary && found->domain != author) {
        out.result = "temperror";
        out.reason = "a look-up of the policy record failed";
        return out;
    }
    out.record_domain = found->domain;
    out.record = found->record;
    choose_policy(out, resolver);

    bool open = false;
    for (const auto& each : identifiers) {
        const bool passed = each.result == "pass";
        if (!passed && each.result != "temperror")
            continue;
        const bool strict = each.mechanism == "spf" ? out.record.strict_spf : out.record.strict_dkim;
        const bool aligned = is_aligned(author, org, each.domain, strict, resolver, discovery, open, &out.trace);
        out.trace.push_back("dmarc: " + each.mechanism + "=" + each.result + " for " + each.domain + " is " +
                            (aligned ? "" : "not ") + "aligned with " + out.from_domain + " (" +
                            (strict ? "strict" : "relaxed") + ")");
        if (aligned && passed) {
            out.result = "pass";
            out.aligned = each.mechanism + " " + each.domain;
            return out;
        }
        open = open || aligned;
    }
    out.result = open ? "temperror" : "fail";
    out.reason = open ? "a look-up failed that could have made it pass" : "nothing that passed is aligned";
    return out;
}

DmarcResult check_dmarc_authors(const std::vector<std::string>& authors, const std::vector<Identifier>& identifiers,
                                dns::Resolver& resolver, Discovery discovery, std::size_t limit)
{
    std::vector<std::string> domains;
    for (const auto& author : authors) {
        auto domain = normal_domain(author);
        if (!domain.empty() && std::find(domains.begin(), domains.end(), domain) == domains.end())
            domains.push_back(std::move(domain));
    }
    DmarcResult worst;
    if (domains.empty() || domains.size() > limit) {
        worst.result = "permerror";
        worst.reason = domains.empty() ? "no author domain in From" : "too many author domains in From";
        worst.trace.push_back("dmarc: " + worst.reason);
        return worst;
    }
    std::vector<std::string> trace;
    for (const auto& domain : domains) {
        auto one = check_dmarc(domain, identifiers, resolver, discovery);
        trace.insert(trace.end(), one.trace.begin(), one.trace.end());
        if (worst.from_domain.empty() || badness(one) > badness(worst))
            worst = std::move(one);
    }
    worst.trace = std::move(trace);
    return worst;
}

} // namespace mgw::auth
