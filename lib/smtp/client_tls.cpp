#include "lib/smtp/client_tls.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/hash.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t most_sessions = 1000;
constexpr auto system_authorities = "/etc/ssl/certs/ca-certificates.crt";

void free_text(void* /*parent*/, void* text, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*argl*/, void* /*argp*/)
{
    delete static_cast<std::string*>(text);
}

/// The place of a connection's session key.
int key_index()
{
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_text);
    return index;
}

/// A session is resumed only where the same was asked of the same host: it was verified when it began.
std::string session_key(const Host& host)
{
    std::string key = host.address + " " + std::to_string(host.port) + " " + host.name + " " +
                      std::string(level_name(host.tls.level)) + " " + host.tls.tlsa_base;
    for (const auto& name : host.tls.names)
        key += " " + name;
    for (const auto& record : host.tls.tlsa)
        key += " " + sha256(record);
    return key;
}

std::string result_of(long verified)
{
    switch (verified) {
    case X509_V_OK:
        return {};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "certificate-host-mismatch";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "certificate-expired";
    case X509_V_ERR_DANE_NO_MATCH:
        return "validation-failure";
    default:
        return "certificate-not-trusted";
    }
}

std::string last_error()
{
    std::string text;
    if (const auto code = ERR_peek_last_error(); code != 0)
        if (const char* reason = ERR_reason_error_string(code))
            text = reason;
    ERR_clear_error();
    return text.empty() ? "out of memory" : text;
}

bool add_tlsa(SSL* ssl, const std::string& record)
{
    const auto* octets = reinterpret_cast<const unsigned char*>(record.data());
    return SSL_dane_tlsa_add(ssl, octets[0], octets[1], octets[2], octets + 3, record.size() - 3) > 0;
}

bool set_up_dane(SSL* ssl, const TlsPolicy& policy)
{
    if (SSL_dane_enable(ssl, policy.tlsa_base.c_str()) <= 0) // sets SNI and the name that a certificate of usage 2 has
        return false;
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS); // RFC 7672 section 3.1.1
    for (const auto& name : policy.names)
        if (SSL_add1_host(ssl, name.c_str()) != 1)
            return false;
    bool any = false;
    for (const auto& record : policy.tlsa)
        any = add_tlsa(ssl, record) || any;
    return any;
}

bool set_up_names(SSL* ssl, const Host& host)
{
    if (is_address(host.name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.name.c_str()) == 1;
    if (SSL_set_tlsext_host_name(ssl, host.name.c_str()) != 1)
        return false;
    for (const auto& name : host.tls.names)
        if (SSL_add1_host(ssl, name.c_str()) != 1)
            return false;
    return !host.tls.names.empty() || SSL_set1_host(ssl, host.name.c_str()) == 1;
}

} // namespace

void ClientTls::FreeContext::operator()(ssl_ctx_st* context) const
{
    SSL_CTX_free(context);
}

void ClientTls::FreeSession::operator()(ssl_session_st* session) const
{
    SSL_SESSION_free(session);
}

ClientTls::ClientTls(std::string authorities) : authorities_(std::move(authorities)) {}
ClientTls::~ClientTls() = default;

Result<void> ClientTls::make_context()
{
    if (context_)
        return {};
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!context_ || SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION) != 1 || // RFC 8996
        SSL_CTX_dane_enable(context_.get()) != 1)
        return fail(Status::temp_fail, "cannot start TLS: " + last_error());
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_sess_set_new_cb(context_.get(), &ClientTls::keep_session);
    return {};
}

Result<void> ClientTls::prepare()
{
    if (auto made = make_context(); !made)
        return made;
    if (has_authorities_)
        return {};
    const std::string& file = authorities_.empty() ? std::string(system_authorities) : authorities_;
    if (SSL_CTX_load_verify_file(context_.get(), file.c_str()) != 1)
        return fail(Status::config, "cannot read the certificates of authorities in " + file + ": " + last_error(),
                    "install ca-certificates, or name a PEM file with --tls-ca");
    has_authorities_ = true;
    return {};
}

int ClientTls::keep_session(ssl_st* connection, ssl_session_st* session)
{
    auto* self = static_cast<ClientTls*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
    const auto* key = static_cast<const std::string*>(SSL_get_ex_data(connection, key_index()));
    if (key == nullptr)
        return 0;
    if (self->sessions_.size() >= most_sessions) // forgetting costs only time
        self->sessions_.clear();
    // a copy: OpenSSL spoils its own when the server ends without close_notify, as many do
    self->sessions_[*key].reset(SSL_SESSION_dup(session));
    return 0;
}

Result<ssl_st*> ClientTls::open(const Host& host)
{
    const auto& policy = host.tls;
    const bool by_authority =
        policy.level == TlsLevel::verify || policy.level == TlsLevel::secure || policy.kind == "sts";
    if (auto made = make_context(); !made)
        return pass(made);
    if (by_authority)
        if (auto known = prepare(); !known && policy.authenticates())
            return pass(known);
    Handle<SSL, SSL_free> ssl(SSL_new(context_.get()));
    const bool dane = policy.level == TlsLevel::dane;
    if (!ssl || !(dane ? set_up_dane(ssl.get(), policy) : set_up_names(ssl.get(), host)))
        return fail(Status::temp_fail, "cannot set TLS up: " + last_error());
    SSL_set_verify(ssl.get(), policy.authenticates() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    auto key = std::make_unique<std::string>(session_key(host));
    if (const auto kept = sessions_.find(*key); kept != sessions_.end() && kept->second) {
        SSL_set_session(ssl.get(), kept->second.get());
        if (SSL_SESSION_get_protocol_version(kept->second.get()) >= TLS1_3_VERSION)
            sessions_.erase(kept); // tickets are for one use (RFC 8446 appendix C.4)
    }
    if (SSL_set_ex_data(ssl.get(), key_index(), key.get()) == 1)
        (void)key.release(); // free_text's now
    return ssl.release();
}

TlsFailure ClientTls::failure(const ssl_st* connection, const std::string& otherwise)
{
    const long verified = SSL_get_verify_result(connection);
    const bool asked = SSL_get_verify_mode(connection) != SSL_VERIFY_NONE;
    if (asked && verified != X509_V_OK)
        return {X509_verify_cert_error_string(verified), result_of(verified)};
    return {otherwise, "validation-failure"};
}

std::string ClientTls::result(const ssl_st* connection)
{
    return result_of(SSL_get_verify_result(connection));
}

} // namespace mgw::smtp
