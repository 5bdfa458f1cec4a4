#include "lib/auth/spf_address.hpp"

#include "lib/core/ip.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>

namespace mgw::auth::spf
{

std::optional<std::string> address_octets(std::string_view text)
{
    const auto ip = parse_ip(text);
    if (!ip)
        return {};
    return std::string(ip->octets.begin(), ip->octets.begin() + (ip->is_v4 ? 4 : 16));
}

std::string address_text(std::string_view octets)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(octets.size() == 4 ? AF_INET : AF_INET6, octets.data(), text.data(), text.size());
}

std::string dotted_address(std::string_view octets)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    if (octets.size() == 4)
        return address_text(octets);
    std::string out;
    for (const char c : octets) {
        const auto u = static_cast<unsigned char>(c);
        for (const char digit : {digits[u >> 4], digits[u & 0xf]}) {
            if (!out.empty())
                out += '.';
            out += digit;
        }
    }
    return out;
}

bool same_network(std::string_view a, std::string_view b, unsigned bits)
{
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size() && bits > 0; ++i) {
        const unsigned here = std::min(bits, 8U);
        if (((a[i] ^ b[i]) & (0xff << (8 - here)) & 0xff) != 0)
            return false;
        bits -= here;
    }
    return true;
}

bool is_loopback(std::string_view octets)
{
    if (octets.size() == 4)
        return octets[0] == 127;
    return octets == std::string(15, '\0') + '\1';
}

} // namespace mgw::auth::spf
