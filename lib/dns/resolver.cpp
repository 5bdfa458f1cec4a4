#include "lib/dns/resolver.hpp"

#include "lib/core/ip.hpp"

namespace mgw::dns
{

std::string_view type_name(Type type)
{
    switch (type) {
    case Type::a:
        return "A";
    case Type::ns:
        return "NS";
    case Type::cname:
        return "CNAME";
    case Type::soa:
        return "SOA";
    case Type::ptr:
        return "PTR";
    case Type::mx:
        return "MX";
    case Type::txt:
        return "TXT";
    case Type::aaaa:
        return "AAAA";
    case Type::tlsa:
        return "TLSA";
    }
    return "?";
}

std::string_view code_name(Code code)
{
    switch (code) {
    case Code::ok:
        return "ok";
    case Code::no_data:
        return "no data";
    case Code::no_name:
        return "no such name";
    case Code::servfail:
        return "server failure";
    case Code::timeout:
        return "timeout";
    case Code::malformed:
        return "malformed name";
    }
    return "?";
}

void Resolver::prefetch(std::string_view /*name*/, Type /*type*/) {}

std::string reverse_name(std::string_view ip)
{
    const auto address = parse_ip(ip);
    return address ? reversed_text(*address) + (address->is_v4 ? ".in-addr.arpa" : ".ip6.arpa") : "";
}

Result<std::unique_ptr<Resolver>> open_resolver(const Options& options)
{
    auto resolver =
        options.zone.empty() ? open_live(options.servers, options.timeout, options.trusted) : open_zone(options.zone);
    if (!resolver || options.record.empty())
        return resolver;
    return open_recorder(std::move(*resolver), options.record);
}

} // namespace mgw::dns
