#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/client_route.hpp"

#include <map>
#include <memory>
#include <string>

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace mgw::smtp
{

/// Why a hand-shake failed.
struct TlsFailure {
    std::string text;
    std::string result; ///< RFC 8460 section 4.3: "certificate-expired"
};

/// Client's TLS (OpenSSL, 1.2 and newer): connections set up by each host's policy, and their sessions kept for
/// resumption. Not for several threads.
class ClientTls {
public:
    /// `authorities`: a PEM file; empty for the system's. It is read by the first connection that verifies, or by
    /// prepare().
    explicit ClientTls(std::string authorities);
    ~ClientTls();
    ClientTls(const ClientTls&) = delete;
    ClientTls& operator=(const ClientTls&) = delete;

    /// Reads the authorities. Status::config.
    Result<void> prepare();
    /// A new connection, without a transport, which the caller owns. Asks what host.tls says.
    Result<ssl_st*> open(const Host& host);
    /// After a hand-shake that failed; `otherwise` is the transport's complaint.
    static TlsFailure failure(const ssl_st* connection, const std::string& otherwise);
    /// After one that succeeded: RFC 8460's result, "" for a certificate that fits; where nothing was asked of the
    /// certificate this says what would have failed.
    static std::string result(const ssl_st* connection);

private:
    struct FreeContext {
        void operator()(ssl_ctx_st* context) const;
    };
    struct FreeSession {
        void operator()(ssl_session_st* session) const;
    };
    Result<void> make_context();
    static int keep_session(ssl_st* connection, ssl_session_st* session);

    std::string authorities_;
    std::unique_ptr<ssl_ctx_st, FreeContext> context_;
    bool has_authorities_ = false;
    std::map<std::string, std::unique_ptr<ssl_session_st, FreeSession>> sessions_; ///< by host and policy
};

} // namespace mgw::smtp
