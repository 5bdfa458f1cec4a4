#include "lib/smtp/client_dane.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <openssl/x509.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t most_records = 100;

bool is_whole_object(int selector, std::string_view data)
{
    const auto* begin = reinterpret_cast<const unsigned char*>(data.data());
    const auto* at = begin;
    const auto size = static_cast<long>(data.size());
    bool read = false;
    if (selector == 0)
        read = Handle<X509, X509_free>(::d2i_X509(nullptr, &at, size)) != nullptr;
    else
        read = Handle<EVP_PKEY, EVP_PKEY_free>(::d2i_PUBKEY(nullptr, &at, size)) != nullptr;
    return read && at == begin + data.size();
}

/// The names that may have records, the better one first; none where the host's addresses could be forged.
std::vector<std::string> bases_of(const DaneHost& host, dns::Resolver& resolver)
{
    if (host.secure) {
        if (host.canonical.empty() || iequals(host.canonical, host.name))
            return {host.name};
        return {to_lower(host.canonical), host.name};
    }
    // an alias in a signed zone that leads out of it: the alias itself may have records (RFC 7672 section 2.2.2)
    if (!host.canonical.empty() && resolver.query(host.name, dns::Type::cname).secure)
        return {host.name};
    return {};
}

} // namespace

bool is_usable_tlsa(std::string_view octets)
{
    if (octets.size() < 4)
        return false;
    const int usage = octets[0];
    const int selector = octets[1];
    const int matching = octets[2];
    const auto data = octets.substr(3);
    if ((usage != 2 && usage != 3) || (selector != 0 && selector != 1))
        return false;
    switch (matching) {
    case 0:
        return is_whole_object(selector, data);
    case 1:
        return data.size() == 32;
    case 2:
        return data.size() == 64;
    default:
        return false;
    }
}

Dane find_dane(const DaneHost& host, dns::Resolver& resolver)
{
    if (!resolver.trusted())
        return {.reason = "no DANE: the DNS server is not trusted"};
    for (const auto& base : bases_of(host, resolver)) {
        const std::string name = "_" + std::to_string(host.port) + "._tcp." + base;
        const auto answer = resolver.query(name, dns::Type::tlsa);
        if (dns::is_temporary(answer.code))
            return {Dane::State::failed,
                    base,
                    {},
                    "look-up of TLSA for " + name + " failed: " + std::string(dns::code_name(answer.code))};
        if (answer.code != dns::Code::ok || !answer.secure)
            continue;
        Dane dane{Dane::State::unusable, base, {}, {}};
        for (const auto& record : answer.records)
            if (dane.records.size() < most_records && is_usable_tlsa(record.data))
                dane.records.push_back(record.data);
        if (!dane.records.empty())
            dane.state = Dane::State::usable;
        dane.reason = "DANE: " + std::to_string(dane.records.size()) + " of " + std::to_string(answer.records.size()) +
                      " TLSA records of " + name + " can be used";
        return dane;
    }
    return {.reason = "no DANE: no validated TLSA record"};
}

} // namespace mgw::smtp
