#include "lib/core/ip.hpp"

#include <algorithm>

#include <arpa/inet.h>

namespace mgw
{

std::string IpAddress::text() const
{
    std::array<char, INET6_ADDRSTRLEN> out{};
    return inet_ntop(is_v4 ? AF_INET : AF_INET6, octets.data(), out.data(), out.size());
}

IpAddress IpAddress::network(unsigned prefix) const
{
    IpAddress out = *this;
    for (unsigned i = 0; i < bits() / 8; ++i) {
        const unsigned kept = std::min(8U, prefix - std::min(prefix, i * 8));
        out.octets[i] &= static_cast<unsigned char>(0xff00U >> kept);
    }
    return out;
}

std::optional<IpAddress> parse_ip(std::string_view text)
{
    static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::array<char, INET6_ADDRSTRLEN> copy{}; // for the NUL that inet_pton wants
    if (text.empty() || text.size() >= copy.size() || text.contains('\0'))
        return std::nullopt;
    std::ranges::copy(text, copy.begin());
    IpAddress out;
    if (!text.contains(':')) {
        out.is_v4 = inet_pton(AF_INET, copy.data(), out.octets.data()) == 1;
        return out.is_v4 ? std::optional(out) : std::nullopt;
    }
    if (inet_pton(AF_INET6, copy.data(), out.octets.data()) != 1)
        return std::nullopt;
    if (std::equal(mapped.begin(), mapped.end(), out.octets.begin())) {
        IpAddress v4{.is_v4 = true, .octets = {}};
        std::copy_n(out.octets.begin() + mapped.size(), 4, v4.octets.begin());
        return v4;
    }
    return out;
}

std::string reversed_text(const IpAddress& address, bool as_v6)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    if (address.is_v4 && !as_v6) {
        for (int i = 3; i >= 0; --i)
            out += (out.empty() ? "" : ".") + std::to_string(address.octets[static_cast<std::size_t>(i)]);
        return out;
    }
    std::array<unsigned char, 16> six = address.octets;
    if (address.is_v4) {
        six = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        std::copy_n(address.octets.begin(), 4, six.begin() + 12);
    }
    for (auto octet = six.rbegin(); octet != six.rend(); ++octet)
        for (const char digit : {digits[*octet & 15], digits[*octet >> 4]}) {
            if (!out.empty())
                out += '.';
            out += digit;
        }
    return out;
}

std::string network_text(const IpAddress& address, unsigned prefix_v4, unsigned prefix_v6)
{
    const unsigned prefix = std::min(address.is_v4 ? prefix_v4 : prefix_v6, address.bits());
    return address.network(prefix).text() + "/" + std::to_string(prefix);
}

} // namespace mgw
