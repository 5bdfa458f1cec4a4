#include "lib/auth/spf.hpp"

#include "lib/auth/spf_address.hpp"
#include "lib/auth/spf_guard.hpp"
#include "lib/core/clock.hpp"
#include "lib/core/text.hpp"

namespace mgw::auth
{
namespace
{

/// Longer ones cannot come by SMTP; macros must not multiply them.
constexpr std::size_t max_part_octets = 255;

std::string cut(std::string_view text)
{
    return std::string(text.substr(0, max_part_octets));
}

} // namespace

SpfResult check_spf(const SpfQuery& query, dns::Resolver& resolver)
{
    SpfResult result;
    result.identity = query.mail_from.empty() ? "helo" : "mailfrom";
    const auto at = query.mail_from.rfind('@');
    spf::Subject subject;
    if (query.mail_from.empty())
        subject.domain = query.helo;
    else
        subject.domain = at == std::string::npos ? query.mail_from : query.mail_from.substr(at + 1);
    if (subject.domain.ends_with('.'))
        subject.domain.pop_back();
    result.domain = subject.domain;
    const auto client = spf::address_octets(query.ip);
    if (!client) {
        result.result = "none";
        result.trace.push_back("'" + printable_ascii(query.ip, 60) + "' is not the address of a client");
        return result;
    }
    subject.client = *client;
    auto& values = subject.values;
    // RFC 7208 section 4.3: no local part means postmaster.
    values.local = at == std::string::npos || at == 0 ? "postmaster" : cut(query.mail_from.substr(0, at));
    values.sender_domain = cut(subject.domain);
    values.dotted_ip = spf::dotted_address(*client);
    values.readable_ip = spf::address_text(*client);
    values.ip_version = client->size() == 4 ? "in-addr" : "ip6";
    values.helo = cut(query.helo);
    values.receiver = query.receiver.empty() ? "unknown" : cut(query.receiver);
    values.time = std::to_string(unix_seconds(Clock::from_environment().now()));
    spf::Guard(std::move(subject), resolver, result).run();
    return result;
}

} // namespace mgw::auth
