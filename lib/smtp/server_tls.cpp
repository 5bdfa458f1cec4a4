#include "lib/smtp/server_tls.hpp"

#include "lib/core/handle.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace mgw::smtp
{

namespace
{

using Context = Handle<SSL_CTX, SSL_CTX_free>;
using Bio = Handle<BIO, BIO_free_all>;
using Certificate = Handle<X509, X509_free>;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;

std::string last_error()
{
    const char* reason = ::ERR_reason_error_string(::ERR_peek_last_error());
    std::string text = reason == nullptr ? "not in PEM" : reason;
    ::ERR_clear_error();
    return text;
}

Bio reader(const std::string& text)
{
    return Bio{::BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

Result<void> use_chain(SSL_CTX* context, const std::string& pem)
{
    const auto bio = reader(pem);
    const Certificate leaf{::PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)};
    if (!leaf || ::SSL_CTX_use_certificate(context, leaf.get()) != 1)
        return fail(Status::config, "--tls-cert: " + last_error());
    while (Certificate next{::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
        if (::SSL_CTX_add0_chain_cert(context, next.get()) != 1)
            return fail(Status::config, "--tls-cert: " + last_error());
        next.release(); // the context's now
    }
    if (const auto code = ::ERR_peek_last_error(); ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
        return fail(Status::config, "--tls-cert: " + last_error());
    ::ERR_clear_error();
    return {};
}

Result<void> use_key(SSL_CTX* context, const std::string& pem)
{
    const auto bio = reader(pem);
    const auto no_password = [](char*, int, int, void*) { return -1; };
    const Key key{::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)};
    if (!key || ::SSL_CTX_use_PrivateKey(context, key.get()) != 1 || ::SSL_CTX_check_private_key(context) != 1)
        return fail(Status::config, "--tls-key: " + last_error(), "is it the key of that certificate?");
    return {};
}

} // namespace

struct ServerTls::Impl {
    Context context;
};

ServerTls::ServerTls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerTls::ServerTls(ServerTls&&) noexcept = default;
ServerTls& ServerTls::operator=(ServerTls&&) noexcept = default;
ServerTls::~ServerTls() = default;

Result<ServerTls> ServerTls::make(const std::string& certificate, const std::string& key)
{
    Context context{::SSL_CTX_new(::TLS_server_method())};
    if (!context)
        return fail(Status::temp_fail, "cannot set up TLS: " + last_error());
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    ::ERR_clear_error();
    if (auto used = use_chain(context.get(), certificate); !used)
        return pass(used);
    if (auto used = use_key(context.get(), key); !used)
        return pass(used);
    return ServerTls(std::make_unique<Impl>(Impl{std::move(context)}));
}

ssl_st* ServerTls::open() const
{
    return ::SSL_new(impl_->context.get());
}

} // namespace mgw::smtp
