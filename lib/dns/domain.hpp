#pragma once

#include <string>
#include <string_view>

namespace mgw::dns
{

/// A domain in the form that names are compared in: lower case, without final dot, U-labels as A-labels (RFC 5891
/// section 5, non-transitional UTS 46). Empty for what is no domain: an empty or over-long label, more than 253 octets,
/// any octet besides letters, digits, '-' and '_'.
std::string normal_domain(std::string_view domain);

} // namespace mgw::dns
