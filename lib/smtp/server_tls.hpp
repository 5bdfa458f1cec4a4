#pragma once

#include "lib/core/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;

namespace mgw::smtp
{

/// A certificate with its chain, and its key: PEM both.
struct TlsPair {
    std::string certificate;
    std::string key;
};

/// Pairs as one text for another process, and back. unpack gives nothing for a text that pack did not make.
std::string pack_pairs(const std::vector<TlsPair>& pairs);
std::vector<TlsPair> unpack_pairs(std::string_view text);

/// What is known of the other end after a handshake.
struct TlsPeer {
    std::string version; ///< "TLSv1.3"
    std::string cipher;
    std::string subject;     ///< of a client's certificate, as RFC 4514 writes it; empty without one
    std::string fingerprint; ///< SHA-256 of that certificate, lower-case hex
};

/// What TLS with clients is made of: TLS 1.2 and later (RFC 8996), no renegotiation, ALPN not looked at. Of several
/// certificates a client gets the one that has the name it asks for (SNI, RFC 6066 section 3), else the first.
class ServerTls {
public:
    /// `ask_client`: a certificate is asked for, and taken whoever signed it: it says that two sessions are of one
    /// client, not who that is. Status::config when a pair cannot be read or does not fit together.
    static Result<ServerTls> make(const std::vector<TlsPair>& pairs, bool ask_client = false);

    ServerTls(ServerTls&&) noexcept;
    ServerTls& operator=(ServerTls&&) noexcept;
    ~ServerTls();

    /// A connection's state, owned by the caller (OpenSSL's SSL); it stays whole when this object is replaced. Null
    /// when memory is out.
    ssl_st* open() const;
    /// New keys for session tickets: a ticket that was stolen opens no session that began after it. Clients with an
    /// older ticket shake hands in full.
    void renew_tickets();

    static TlsPeer peer(const ssl_st* connection);

private:
    struct Impl;
    explicit ServerTls(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::smtp
