#pragma once

#include <string>
#include <string_view>

namespace mgw::dns
{

/// Whether the DNS can be asked for `name`: labels of 1 to 63 octets, 253 octets in all, no final dot (RFC 1035 section
/// 2.3.4). Any octet but the dot may stand in a label.
bool is_name(std::string_view name);

/// Without one final dot.
std::string_view without_final_dot(std::string_view name);

} // namespace mgw::dns
