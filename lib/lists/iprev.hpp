#pragma once

#include "lib/dns/resolver.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::lists
{

struct IprevResult {
    std::string result = "none"; ///< pass, fail, temperror or permerror (RFC 8601 section 3); none without an address
    std::string name;            ///< the name that leads back to the address, else the first that was found
    std::vector<std::string> trace;
};

/// Whether the client's address has a name that has that address (RFC 8601 section 3). At most `limit` names are
/// followed.
IprevResult check_iprev(std::string_view ip, dns::Resolver& resolver, std::size_t limit = 5);

} // namespace mgw::lists
