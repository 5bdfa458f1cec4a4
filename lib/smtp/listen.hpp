#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"

#include <string>
#include <string_view>

namespace mgw::smtp
{

struct BoundSocket {
    Fd fd;
    std::string shown; ///< "127.0.0.1:2525", "[::1]:2525", "unix:/run/mgw/lmtp"
    std::string name;  ///< "2525" or the path: the listener's name in Mgw-Client
};

/// Binds and listens on ADDRESS:PORT, [IPV6]:PORT or unix:/PATH. Addresses are numbers, no names; a socket file that
/// nobody listens on is replaced. Status::config for a malformed address, Status::temp_fail when it cannot be bound.
Result<BoundSocket> bind_listener(std::string_view address);

} // namespace mgw::smtp
