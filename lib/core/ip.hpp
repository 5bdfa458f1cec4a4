#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace mgw
{

/// An IPv4 or IPv6 address. An IPv4 address in IPv6 form (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) is kept as IPv4:
/// a client is the same one through whichever socket it came.
struct IpAddress {
    bool is_v4 = false;
    std::array<unsigned char, 16> octets{}; ///< in network order; IPv4 has the first 4, the others are 0

    bool operator==(const IpAddress&) const = default;

    /// 32 or 128.
    unsigned bits() const { return is_v4 ? 32 : 128; }
    /// As RFC 5952 writes it: "192.0.2.1", "2001:db8::1".
    std::string text() const;
    /// The address with all bits but the first `prefix` cleared; `prefix` beyond bits() changes nothing.
    IpAddress network(unsigned prefix) const;
};

/// Reads an address. Nothing for other text: leading zeros, zone names ("%eth0"), blanks and brackets are not read.
std::optional<IpAddress> parse_ip(std::string_view text);

/// The address backwards, as it stands before a zone in the DNS: "7.2.0.192" (RFC 1035 section 3.5), or 32 nibbles (RFC
/// 3596 section 2.5). `as_v6` writes an IPv4 address in its IPv6 form.
std::string reversed_text(const IpAddress& address, bool as_v6 = false);

/// "192.0.2.0/24": the network of `address` by the prefix of its family, as a key for what a whole network shares.
std::string network_text(const IpAddress& address, unsigned prefix_v4, unsigned prefix_v6);

} // namespace mgw
