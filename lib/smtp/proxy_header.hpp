#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// What a proxy in front of the server says of the connection (the PROXY protocol of HAProxy, versions 1 and 2).
struct ProxyHeader {
    std::size_t octets = 0;  ///< of the header: the session's own begin behind it
    bool has_client = false; ///< false: the proxy speaks for itself (LOCAL, UNKNOWN), or of another family
    std::string client_ip;
};

/// No header is longer: a version 2 header says its length, and more than a few values behind the addresses is nothing
/// that we would read.
constexpr std::size_t proxy_header_octets = 4096;

/// Reads the header at the front of `octets`; nothing when its end has not come. Values behind the addresses (TLVs) are
/// passed over. Status::data for whatever is no such header, as soon as that is certain.
Result<std::optional<ProxyHeader>> read_proxy_header(std::string_view octets);

} // namespace mgw::smtp
