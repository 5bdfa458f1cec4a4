#include "lib/dns/resolver.hpp"

#include <array>
#include <cstring>

#include <arpa/inet.h>

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
    static constexpr char digits[] = "0123456789abcdef";
    const std::string text(ip);
    std::array<unsigned char, 16> six{};
    const unsigned char* four = nullptr;
    if (inet_pton(AF_INET6, text.c_str(), six.data()) == 1) {
        static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        if (std::memcmp(six.data(), mapped.data(), mapped.size()) == 0)
            four = six.data() + mapped.size();
    } else if (inet_pton(AF_INET, text.c_str(), six.data()) == 1) {
        four = six.data();
    } else {
        return {};
    }
    std::string name;
    if (four != nullptr) {
        for (int i = 3; i >= 0; --i)
            name += std::to_string(four[i]) + '.';
        return name + "in-addr.arpa";
    }
    for (int i = 15; i >= 0; --i) {
        name += digits[six[i] & 0xf];
        name += '.';
        name += digits[six[i] >> 4];
        name += '.';
    }
    return name + "ip6.arpa";
}

Result<std::unique_ptr<Resolver>> open_resolver(const Options& options)
{
    auto resolver = options.zone.empty() ? open_live(options.servers, options.timeout) : open_zone(options.zone);
    if (!resolver || options.record.empty())
        return resolver;
    return open_recorder(std::move(*resolver), options.record);
}

} // namespace mgw::dns
