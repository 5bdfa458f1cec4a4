#include "lib/auth/dmarc.hpp"

#include "lib/auth/domain.hpp"
#include "lib/core/text.hpp"

#include <optional>

namespace mgw::auth
{
namespace
{

// RFC 9989 section 4.10: a walk asks at most 8 times, so from a longer name it goes on at 7 labels
constexpr std::size_t walk_labels = 7;

void note(std::vector<std::string>* trace, std::string line)
{
    if (trace)
        trace->push_back(std::move(line));
}

/// The right-most `count` labels.
std::string_view last_labels(std::string_view domain, std::size_t count)
{
    for (auto labels = label_count(domain); labels > count; --labels)
        domain = parent_domain(domain);
    return domain;
}

/// The record at _dmarc.DOMAIN. Several records there count as none (section 4.10.1).
std::optional<DmarcRecord> look_up(std::string_view domain, dns::Resolver& resolver, bool& temporary,
                                   std::vector<std::string>* trace)
{
    const std::string name = "_dmarc." + std::string(domain);
    const auto answer = resolver.query(name, dns::Type::txt);
    std::string line = "dmarc: TXT " + name + " -> " + std::string(dns::code_name(answer.code));
    std::optional<DmarcRecord> record;
    if (dns::is_temporary(answer.code))
        temporary = true;
    const std::string* text = nullptr;
    std::size_t count = 0;
    for (const auto& each : answer.records)
        if (is_dmarc_record(each.data)) {
            text = &each.data;
            ++count;
        }
    if (count > 1) {
        line += ", several DMARC records: none counts";
    } else if (count == 1) {
        std::string reason;
        record = parse_dmarc(*text, domain, &reason);
        line += " \"" + printable_ascii(*text, 200) + "\"";
        if (!record)
            line += ", not usable: " + reason;
    }
    note(trace, std::move(line));
    return record;
}

OrgDomain walk(std::string_view start, dns::Resolver& resolver, std::vector<std::string>* trace)
{
    OrgDomain org{std::string(start), {}, false};
    auto target = start;
    while (!target.empty()) {
        if (auto record = look_up(target, resolver, org.temporary, trace)) {
            org.found.push_back({std::string(target), std::move(*record)});
            const char psd = org.found.back().record.psd;
            if (psd == 'n') {
                org.domain = std::string(target);
                return org;
            }
            if (psd == 'y' && target != start) {
                org.domain = std::string(last_labels(start, label_count(target) + 1));
                return org;
            }
        }
        target = label_count(target) > walk_labels ? last_labels(target, walk_labels) : parent_domain(target);
    }
    if (!org.found.empty())
        org.domain = org.found.back().domain;
    return org;
}

OrgDomain by_suffix_list(std::string_view start, dns::Resolver& resolver, std::vector<std::string>* trace)
{
    OrgDomain org{registrable_domain(start), {}, false};
    if (org.domain.empty())
        org.domain = std::string(start);
    note(trace, "dmarc: organizational domain of " + std::string(start) + " by the public suffix list: " + org.domain);
    for (const auto& domain : {std::string(start), org.domain}) {
        if (!org.found.empty() && org.found.back().domain == domain)
            break;
        if (auto record = look_up(domain, resolver, org.temporary, trace))
            org.found.push_back({domain, std::move(*record)});
        if (domain == org.domain)
            break;
    }
    return org;
}

} // namespace

OrgDomain find_org_domain(std::string_view domain, dns::Resolver& resolver, Discovery discovery,
                          std::vector<std::string>* trace)
{
    return discovery == Discovery::walk ? walk(domain, resolver, trace) : by_suffix_list(domain, resolver, trace);
}

bool is_aligned(std::string_view author, const OrgDomain& author_org, std::string_view authenticated, bool strict,
                dns::Resolver& resolver, Discovery discovery, bool& temporary, std::vector<std::string>* trace)
{
    if (authenticated.empty())
        return false;
    if (authenticated == author)
        return true;
    if (strict)
        return false;
    if (discovery == Discovery::psl) {
        std::string other = registrable_domain(authenticated);
        return !other.empty() && other == author_org.domain;
    }
    if (author_org.temporary)
        temporary = true;
    // the organizational domain of the other name is that name or above it: no walk where it cannot be the author's
    if (!is_or_below(authenticated, author_org.domain))
        return false;
    const auto other = walk(authenticated, resolver, trace);
    if (other.temporary)
        temporary = true;
    return other.domain == author_org.domain;
}

} // namespace mgw::auth
