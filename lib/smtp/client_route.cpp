#include "lib/smtp/client_route.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ifaddrs.h>
#include <netinet/in.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t max_hosts = 10;
constexpr std::size_t max_exchangers = 20;

struct Exchanger {
    std::string name;
    unsigned preference = 0;
};

Outcome dns_trouble(std::string_view what, std::string_view name, dns::Code code)
{
    return {451,
            "4.4.3",
            "look-up of " + std::string(what) + " for " + printable_ascii(name, 200) +
                " failed: " + std::string(dns::code_name(code)),
            {}};
}

/// IPv6 and IPv4 addresses of a name by turns. `trouble` is set when a look-up failed for now.
std::vector<Host> addresses_of(const std::string& name, const Destination& destination, bool from_mx,
                               dns::Resolver& resolver, Outcome& trouble)
{
    std::vector<Host> hosts;
    Host host{.name = name, .port = destination.port, .from_mx = from_mx, .secure_name = !from_mx};
    const auto add = [&](const std::string& address) {
        host.address = address;
        hosts.push_back(host);
    };
    if (is_address(name)) {
        add(name);
        return hosts;
    }
    if (name == "localhost") { // RFC 6761 section 6.3: never asked for
        add("127.0.0.1");
        add("::1");
        return hosts;
    }
    resolver.prefetch(name, dns::Type::aaaa);
    resolver.prefetch(name, dns::Type::a);
    const std::array<dns::Answer, 2> answers{resolver.query(name, dns::Type::aaaa), resolver.query(name, dns::Type::a)};
    host.secure = true;
    for (const auto& answer : answers) {
        if (dns::is_temporary(answer.code))
            trouble = dns_trouble("addresses", name, answer.code);
        if (answer.code == dns::Code::ok) {
            host.secure = host.secure && answer.secure;
            host.canonical = answer.canonical;
        }
    }
    const std::size_t most = std::max(answers[0].records.size(), answers[1].records.size());
    for (std::size_t i = 0; i < most && hosts.size() < max_hosts; ++i)
        for (const auto& answer : answers)
            if (i < answer.records.size())
                add(answer.records[i].data);
    return hosts;
}

bool is_self(const Host& host, const Self& self)
{
    return host.port == 25 && std::ranges::find(self.addresses, host.address) != self.addresses.end();
}

void order(std::vector<Exchanger>& exchangers, std::uint64_t shuffle)
{
    for (std::size_t i = exchangers.size(); i > 1; --i) {
        shuffle = shuffle * 6364136223846793005ULL + 1442695040888963407ULL;
        std::swap(exchangers[i - 1], exchangers[(shuffle >> 33) % i]);
    }
    std::ranges::stable_sort(exchangers, {}, &Exchanger::preference);
    if (exchangers.size() > max_exchangers)
        exchangers.resize(max_exchangers);
}

/// `secure`: the list of exchangers was validated.
Route route_by_mx(const std::vector<Exchanger>& exchangers, bool secure, const Destination& destination,
                  dns::Resolver& resolver, const Self& self)
{
    Route route;
    for (std::size_t i = 0; i < exchangers.size() && route.hosts.size() < max_hosts; ++i) {
        const auto& exchanger = exchangers[i];
        auto hosts = addresses_of(exchanger.name, destination, true, resolver, route.failure);
        for (auto& host : hosts)
            host.secure_name = secure;
        const bool own = (exchanger.name == self.name && destination.port == 25) ||
                         std::ranges::any_of(hosts, [&](const Host& h) { return is_self(h, self); });
        if (own) {
            std::erase_if(route.hosts, [&](const Host& h) {
                return std::ranges::any_of(exchangers, [&](const Exchanger& e) {
                    return e.name == h.name && e.preference >= exchanger.preference;
                });
            });
            if (route.hosts.empty())
                route.failure = {554, "5.4.6", "mail for " + destination.host + " loops back to this machine", {}};
            return route;
        }
        route.hosts.insert(route.hosts.end(), hosts.begin(), hosts.end());
    }
    if (route.hosts.size() > max_hosts)
        route.hosts.resize(max_hosts);
    if (route.hosts.empty() && route.failure.code == 0)
        route.failure = {550, "5.4.4", "no mail exchanger of " + destination.host + " has an address", {}};
    return route;
}

} // namespace

std::string Host::label() const
{
    if (is_unix)
        return address;
    return name + (name == address ? "" : "[" + address + "]") + ":" + std::to_string(port);
}

Self find_self(const std::string& name)
{
    Self self{to_lower(name), {}};
    ifaddrs* raw = nullptr;
    if (::getifaddrs(&raw) != 0)
        return self;
    const Handle<ifaddrs, ::freeifaddrs> list(raw);
    for (const ifaddrs* i = list.get(); i != nullptr; i = i->ifa_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        const void* octets = nullptr;
        if (i->ifa_addr == nullptr)
            continue;
        if (i->ifa_addr->sa_family == AF_INET) {
            const auto* in = reinterpret_cast<const sockaddr_in*>(i->ifa_addr);
            if ((ntohl(in->sin_addr.s_addr) >> 24) != 127)
                octets = &in->sin_addr;
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            const auto* in6 = reinterpret_cast<const sockaddr_in6*>(i->ifa_addr);
            if (!IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
                octets = &in6->sin6_addr;
        }
        if (octets != nullptr && ::inet_ntop(i->ifa_addr->sa_family, octets, text.data(), text.size()) != nullptr)
            self.addresses.emplace_back(text.data());
    }
    return self;
}

Route find_route(const Destination& destination, dns::Resolver& resolver, const Self& self, std::uint64_t shuffle)
{
    Route route;
    if (!destination.path.empty()) {
        route.hosts.push_back({.name = "localhost", .address = destination.path, .port = 0, .is_unix = true});
        return route;
    }
    if (!destination.literal && destination.kind == Destination::Kind::smtp && destination.host != "localhost") {
        const auto answer = resolver.query(destination.host, dns::Type::mx);
        if (dns::is_temporary(answer.code)) {
            route.failure = dns_trouble("MX", destination.host, answer.code);
            return route;
        }
        if (answer.code == dns::Code::no_name || answer.code == dns::Code::malformed) {
            route.failure = {550, "5.1.2", "no such domain: " + printable_ascii(destination.host, 200), {}};
            return route;
        }
        std::vector<Exchanger> exchangers;
        for (const auto& record : answer.records)
            if (!record.data.empty() && record.data != ".")
                exchangers.push_back({to_lower(record.data), record.preference});
        if (answer.code == dns::Code::ok && exchangers.empty()) {
            route.failure = {556, "5.1.10", destination.host + " takes no mail (null MX)", {}};
            return route;
        }
        if (!exchangers.empty()) {
            order(exchangers, shuffle);
            return route_by_mx(exchangers, answer.secure && resolver.trusted(), destination, resolver, self);
        }
    }
    route.hosts = addresses_of(destination.host, destination, false, resolver, route.failure);
    if (!destination.literal && std::ranges::any_of(route.hosts, [&](const Host& h) { return is_self(h, self); })) {
        route.hosts.clear();
        route.failure = {554, "5.4.6", "mail for " + destination.host + " loops back to this machine", {}};
    }
    if (route.hosts.empty() && route.failure.code == 0)
        route.failure = {550, "5.1.2", "host not found: " + printable_ascii(destination.host, 200), {}};
    return route;
}

} // namespace mgw::smtp
