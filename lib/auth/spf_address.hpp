#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mgw::auth::spf
{

/// 4 or 16 octets of an address in text form; an IPv4 address in IPv6 form (::ffff:192.0.2.1) gives 4 (RFC 7208
/// section 5). Nothing for other text.
std::optional<std::string> address_octets(std::string_view text);

/// An address in text form.
std::string address_text(std::string_view octets);

/// As the macro `i` shows it: 192.0.2.1, or 32 upper-case hexadecimal digits with dots between.
std::string dotted_address(std::string_view octets);

/// Whether the first `bits` of two addresses of one family are equal.
bool same_network(std::string_view a, std::string_view b, unsigned bits);

/// 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view octets);

} // namespace mgw::auth::spf
