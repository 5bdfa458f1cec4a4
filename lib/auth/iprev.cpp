#include "lib/auth/iprev.hpp"

#include "lib/core/text.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <optional>

namespace mgw::auth
{
namespace
{

struct Address {
    bool is_v4 = false;
    std::array<unsigned char, 16> octets{};
    bool operator==(const Address&) const = default;
};

/// Reads an address; an IPv4 address in IPv6 form counts as IPv4.
std::optional<Address> parse_address(const std::string& text)
{
    Address out;
    if (inet_pton(AF_INET, text.c_str(), out.octets.data()) == 1) {
        out.is_v4 = true;
        return out;
    }
    if (inet_pton(AF_INET6, text.c_str(), out.octets.data()) != 1)
        return std::nullopt;
    constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(out.octets.data(), mapped.data(), mapped.size()) == 0) {
        Address v4;
        v4.is_v4 = true;
        std::memcpy(v4.octets.data(), out.octets.data() + mapped.size(), 4);
        return v4;
    }
    return out;
}

std::string text_of(const Address& address)
{
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(address.is_v4 ? AF_INET : AF_INET6, address.octets.data(), text, sizeof text);
    return text;
}

} // namespace

IprevResult check_iprev(std::string_view ip, dns::Resolver& resolver, std::size_t limit)
{
    IprevResult out;
    const auto address = parse_address(std::string(ip));
    if (!address) {
        out.trace.push_back(ip.empty() ? "iprev: the client's address is not known"
                                       : "iprev: not an address: " + printable_ascii(ip, 60));
        return out;
    }
    const auto reverse = dns::reverse_name(text_of(*address));
    const auto names = resolver.query(reverse, dns::Type::ptr);
    out.trace.push_back("iprev: PTR " + reverse + " -> " + std::string(dns::code_name(names.code)));
    if (names.code != dns::Code::ok) {
        // no name at all is permerror by RFC 8601 section 3
        out.result = dns::is_temporary(names.code) ? "temperror" : "permerror";
        return out;
    }
    const auto type = address->is_v4 ? dns::Type::a : dns::Type::aaaa;
    for (std::size_t i = 0; i < names.records.size() && i < limit; ++i)
        resolver.prefetch(names.records[i].data, type);
    bool temporary = false;
    out.name = printable_ascii(names.records.front().data, 253);
    for (std::size_t i = 0; i < names.records.size() && i < limit; ++i) {
        const auto& name = names.records[i].data;
        const auto back = resolver.query(name, type);
        out.trace.push_back("iprev: " + std::string(dns::type_name(type)) + " " + printable_ascii(name, 253) + " -> " +
                            std::string(dns::code_name(back.code)));
        temporary = temporary || dns::is_temporary(back.code);
        for (const auto& record : back.records)
            if (parse_address(record.data) == address) {
                out.result = "pass";
                out.name = printable_ascii(name, 253);
                return out;
            }
    }
    out.result = temporary ? "temperror" : "fail";
    return out;
}

} // namespace mgw::auth
