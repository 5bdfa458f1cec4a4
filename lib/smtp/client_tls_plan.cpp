#include "lib/smtp/client_tls_plan.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/client_dane.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

Outcome refused(const std::string& text)
{
    return {451, "4.7.5", printable_ascii(text), {}};
}

/// The policy of table or standard.
TlsPolicy configured(const Destination& destination, const TlsPlan& plan)
{
    TlsPolicy policy{.level = plan.standard};
    if (const auto* entry = plan.table.find(destination.host, destination.literal)) {
        policy.level = entry->level;
        policy.reason = entry->place;
        policy.local = true;
    }
    if (destination.implicit_tls && policy.level < TlsLevel::encrypt)
        policy.level = TlsLevel::encrypt;
    if (policy.level == TlsLevel::secure && !is_address(destination.host))
        policy.names = {destination.host, "." + destination.host};
    return policy;
}

void apply_dane(TlsPolicy& policy, const Dane& dane, const Host& host, const Destination& destination)
{
    policy.level = TlsLevel::dane;
    policy.local = false;
    policy.kind = "tlsa";
    policy.reason = dane.reason;
    policy.tlsa = dane.records;
    policy.tlsa_base = dane.base;
    policy.names.clear();
    for (const auto& name : {destination.host, host.name}) // RFC 7672 section 3.2.2
        if (name != dane.base && !is_address(name))
            policy.names.push_back(name);
}

/// What a domain's policy makes of one host.
void apply_sts(TlsPolicy& policy, const StsFound& sts, const Host& host, const std::string& domain)
{
    policy.trouble = sts.trouble;
    if (!sts.policy || sts.policy->mode == StsPolicy::Mode::none)
        return;
    policy.kind = "sts";
    const bool enforced = sts.policy->mode == StsPolicy::Mode::enforce;
    if (!sts.policy->allows(host.name)) {
        policy.trouble = "validation-failure";
        if (enforced)
            policy.refusal = refused(host.name + " is no mail exchanger in the MTA-STS policy of " + domain);
    }
    if (!enforced || policy.level == TlsLevel::secure) // that asks for more
        return;
    policy.level = TlsLevel::verify;
    policy.local = false;
    policy.reason = sts.reason;
}

} // namespace

void decide_tls(Route& route, const Destination& destination, const TlsPlan& plan, dns::Resolver& resolver)
{
    const auto basis = configured(destination, plan);
    const bool network = destination.kind == Destination::Kind::smtp;
    // a policy is about the mail exchangers of a domain, not about a relay that was chosen by hand
    StsFound sts;
    if (plan.sts != nullptr && network && !destination.literal && !destination.implicit_tls && !route.hosts.empty() &&
        destination.host.contains('.'))
        sts = plan.sts->find(destination.host, resolver);
    for (std::size_t i = 0; i < route.hosts.size(); ++i) {
        Host& host = route.hosts[i];
        if (i > 0 && host.name == route.hosts[i - 1].name) { // another address of the same host
            host.tls = route.hosts[i - 1].tls;
            continue;
        }
        host.tls = basis;
        Dane dane;
        if (plan.dane && network && !is_address(host.name))
            dane = find_dane({host.name, host.canonical, host.secure, host.port}, resolver);
        if (dane.state == Dane::State::failed) {
            host.tls.kind = "tlsa";
            host.tls.trouble = "dnssec-invalid";
            host.tls.refusal = refused(host.name + ": " + dane.reason);
        } else if (dane.state == Dane::State::usable) {
            apply_dane(host.tls, dane, host, destination);
        } else {
            apply_sts(host.tls, sts, host, destination.host);
            if (dane.state == Dane::State::unusable) {
                host.tls.trouble = "tlsa-invalid";
                if (host.tls.level < TlsLevel::encrypt) { // RFC 7672 section 2.2
                    host.tls.level = TlsLevel::encrypt;
                    host.tls.reason = dane.reason;
                }
            }
            if (host.tls.level == TlsLevel::dane) {
                host.tls.trouble = "dane-required";
                host.tls.refusal = refused(host.name + ": DANE is required (" + host.tls.reason + "), but " +
                                           (dane.reason.empty() ? "it is switched off" : dane.reason));
            }
        }
    }
}

} // namespace mgw::smtp
