#pragma once

#include "lib/core/result.hpp"

#include <memory>
#include <string>

struct ssl_st;

namespace mgw::smtp
{

/// What TLS with clients is made of: TLS 1.2 and later (RFC 8996), no renegotiation.
class ServerTls {
public:
    /// A certificate with its chain and its key, PEM. Status::config when they cannot be read or do not fit together.
    static Result<ServerTls> make(const std::string& certificate, const std::string& key);

    ServerTls(ServerTls&&) noexcept;
    ServerTls& operator=(ServerTls&&) noexcept;
    ~ServerTls();

    /// A connection's state, owned by the caller (OpenSSL's SSL); it stays whole when this object is replaced.
    ssl_st* open() const;

private:
    struct Impl;
    explicit ServerTls(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::smtp
