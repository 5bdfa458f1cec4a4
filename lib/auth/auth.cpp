#include "lib/auth/auth.hpp"

#include "lib/auth/domain.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"

#include <algorithm>

namespace mgw::auth
{
namespace
{

// more mailboxes in From than anybody writes
constexpr std::size_t authors = 20;

/// Starts the look-ups that will be needed, so that their waits overlap.
void prefetch(const mail::Message& message, const Arrival& arrival, dns::Resolver& resolver)
{
    prefetch_keys(message, resolver);
    const auto sender = normal_domain(address_domain(arrival.mail_from.value_or("")));
    if (!sender.empty())
        resolver.prefetch(sender, dns::Type::txt);
    for (const auto& author : author_domains(message)) {
        const auto domain = normal_domain(author);
        if (!domain.empty())
            resolver.prefetch("_dmarc." + domain, dns::Type::txt);
    }
    const auto reverse = dns::reverse_name(arrival.ip);
    if (!reverse.empty())
        resolver.prefetch(reverse, dns::Type::ptr);
}

void measure_spf(Findings& findings, const Arrival& arrival, dns::Resolver& resolver)
{
    findings.spf.result = "none";
    if (arrival.ip.empty())
        findings.spf_reason = "the client's address is not known";
    else if (!arrival.mail_from && arrival.helo.empty())
        findings.spf_reason = "neither sender nor HELO is known";
    else
        findings.spf =
            check_spf({arrival.ip, arrival.helo, arrival.mail_from.value_or(""), arrival.receiver}, resolver);
}

std::vector<Identifier> identifiers(const Findings& findings)
{
    std::vector<Identifier> out;
    for (const auto& each : findings.dkim.signatures)
        out.push_back({"dkim", each.domain, each.result});
    if (findings.spf_reason.empty())
        out.push_back({"spf", normal_domain(findings.spf.domain), findings.spf.result});
    return out;
}

MethodResult spf_method(const Findings& findings, const Arrival& arrival)
{
    MethodResult out{"spf", findings.spf.result, {}, findings.spf_reason, {}};
    if (findings.spf.identity == "helo" || arrival.mail_from.value_or("").empty())
        out.properties.emplace_back("smtp.helo", arrival.helo);
    else
        out.properties.emplace_back("smtp.mailfrom", *arrival.mail_from);
    return out;
}

MethodResult dkim_method(const DkimSignature& signature)
{
    MethodResult out{"dkim", signature.result, {}, signature.reason, {}};
    if (signature.key_bits > 0)
        out.comment = std::to_string(signature.key_bits) + "-bit key";
    out.properties = {{"header.d", signature.domain},
                      {"header.s", signature.selector},
                      {"header.a", signature.algorithm},
                      {"header.b", signature.signature_start}};
    return out;
}

MethodResult dmarc_method(const DmarcResult& dmarc)
{
    MethodResult out{"dmarc", dmarc.result, {}, dmarc.result == "pass" ? "" : dmarc.reason, {}};
    if (!dmarc.record_domain.empty()) {
        out.comment = dmarc.tag + "=" + std::string(policy_name(dmarc.asked)) +
                      (dmarc.record.testing ? " t=y at " : " at ") + dmarc.record_domain;
        out.properties.emplace_back("policy.dmarc", policy_name(dmarc.policy));
    }
    out.properties.emplace_back("header.from", dmarc.from_domain);
    return out;
}

void explain_spf(std::vector<std::string>& out, const Findings& findings, const Arrival& arrival)
{
    if (!findings.spf_reason.empty()) {
        out.push_back("spf: none: " + findings.spf_reason);
        return;
    }
    const auto& spf = findings.spf;
    for (const auto& line : spf.trace)
        out.push_back((line.starts_with("spf:") ? "" : "spf: ") + line);
    out.push_back("spf: " + spf.result + " for " + spf.identity + " " + printable_ascii(spf.domain) + " from " +
                  printable_ascii(arrival.ip) + (spf.mechanism.empty() ? "" : " by " + printable_ascii(spf.mechanism)));
}

void explain_dkim(std::vector<std::string>& out, const DkimResult& dkim)
{
    if (dkim.signatures.empty())
        out.push_back("dkim: none: no signature");
    for (const auto& each : dkim.signatures) {
        if (!each.key_query.empty())
            out.push_back("dkim: " + each.key_query);
        out.push_back("dkim: " + each.result + " for d=" + each.domain + " s=" + printable_ascii(each.selector) +
                      " a=" + printable_ascii(each.algorithm) + (each.reason.empty() ? "" : ": " + each.reason));
    }
}

void explain_dmarc(std::vector<std::string>& out, const DmarcResult& dmarc)
{
    out.insert(out.end(), dmarc.trace.begin(), dmarc.trace.end());
    std::string line = "dmarc: " + dmarc.result;
    if (!dmarc.from_domain.empty())
        line += " for " + dmarc.from_domain;
    if (!dmarc.record_domain.empty())
        line += " by " + dmarc.tag + "=" + std::string(policy_name(dmarc.asked)) + " of _dmarc." + dmarc.record_domain +
                (dmarc.record.testing ? " with t=y, policy " : ", policy ") + std::string(policy_name(dmarc.policy));
    out.push_back(line + ": " + (dmarc.result == "pass" ? dmarc.aligned + " is aligned" : dmarc.reason));
}

} // namespace

std::vector<std::string> author_domains(const mail::Message& message)
{
    std::vector<std::string> out;
    for (const auto* field : message.find_all("From"))
        for (const auto& mailbox : mail::parse_addresses(message.value(*field), authors))
            if (out.size() < authors && !mailbox.domain().empty())
                out.emplace_back(mailbox.domain());
    return out;
}

Findings measure(const mail::Message& message, const Arrival& arrival, DkimVerifier& verifier, dns::Resolver& resolver,
                 Discovery discovery, Time now)
{
    prefetch(message, arrival, resolver);
    Findings findings;
    findings.iprev = lists::check_iprev(arrival.ip, resolver);
    measure_spf(findings, arrival, resolver);
    findings.dkim = verifier.verify(message, resolver, now);
    findings.dmarc = check_dmarc_authors(author_domains(message), identifiers(findings), resolver, discovery);
    return findings;
}

std::vector<MethodResult> methods_of(const Findings& findings, const Arrival& arrival)
{
    std::vector<MethodResult> out{spf_method(findings, arrival)};
    for (const auto& each : findings.dkim.signatures)
        out.push_back(dkim_method(each));
    if (findings.dkim.signatures.empty())
        out.push_back({"dkim", "none", {}, {}, {}});
    out.push_back(dmarc_method(findings.dmarc));
    if (findings.iprev.result != "none")
        out.push_back({"iprev", findings.iprev.result, findings.iprev.name, {}, {{"policy.iprev", arrival.ip}}});
    return out;
}

std::vector<std::string> passed_domains(const DkimResult& dkim)
{
    std::vector<std::string> out;
    for (const auto& each : dkim.signatures)
        if (each.result == "pass" && std::find(out.begin(), out.end(), each.domain) == out.end())
            out.push_back(each.domain);
    return out;
}

std::vector<std::pair<std::string, std::string>> result_values(const Findings& findings)
{
    std::vector<std::pair<std::string, std::string>> out{{"spf", findings.spf.result}};
    const auto add = [&](std::string_view key, std::string value) {
        if (!value.empty())
            out.emplace_back(key, std::move(value));
    };
    add("spf-domain", findings.spf.domain);
    add("dkim", findings.dkim.result);
    std::string domains;
    for (const auto& domain : passed_domains(findings.dkim))
        domains.append(domains.empty() ? "" : ",").append(domain);
    add("dkim-domains", domains);
    add("dmarc", findings.dmarc.result);
    add("policy", std::string(policy_name(findings.dmarc.policy)));
    add("from-domain", findings.dmarc.from_domain);
    add("iprev", findings.iprev.result);
    return out;
}

std::vector<std::string> explain(const Findings& findings, const Arrival& arrival)
{
    std::vector<std::string> out = findings.iprev.trace;
    out.push_back("iprev: " + findings.iprev.result + (findings.iprev.name.empty() ? "" : " " + findings.iprev.name));
    explain_spf(out, findings, arrival);
    explain_dkim(out, findings.dkim);
    explain_dmarc(out, findings.dmarc);
    return out;
}

} // namespace mgw::auth
