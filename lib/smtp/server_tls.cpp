#include "lib/smtp/server_tls.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>

namespace mgw::smtp
{

namespace
{

using Context = Handle<SSL_CTX, SSL_CTX_free>;
using Bio = Handle<BIO, BIO_free_all>;
using Certificate = Handle<X509, X509_free>;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;

constexpr std::size_t ticket_key_octets = 80; // a name, a key for HMAC-SHA256, a key for AES-256
constexpr std::size_t shown_octets = 255;     // of a subject

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

Result<Context> make_context(const TlsPair& pair, bool ask_client)
{
    Context context{::SSL_CTX_new(::TLS_server_method())};
    if (!context)
        return fail(Status::temp_fail, "cannot set up TLS: " + last_error());
    ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    constexpr std::string_view name = "mgw";
    ::SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(name.data()), name.size());
    if (ask_client)
        ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    ::ERR_clear_error();
    if (auto used = use_chain(context.get(), pair.certificate); !used)
        return pass(used);
    if (auto used = use_key(context.get(), pair.key); !used)
        return pass(used);
    return context;
}

/// What the name that a client asks for is looked up in. The first context owns it: a handshake may stretch over the
/// replacement of a ServerTls, and keeps that context alive.
using Others = std::vector<Context>;

int others_index()
{
    static const int index = ::SSL_CTX_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        +[](void*, void* others, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Others*>(others); });
    return index;
}

bool has_name(const SSL_CTX* context, const char* name)
{
    return ::X509_check_host(::SSL_CTX_get0_certificate(context), name, 0, 0, nullptr) == 1;
}

/// A client that asks for a name that no certificate has gets the first, as one that asks for nothing (RFC 6066 section
/// 3 allows either): senders of mail mostly do not look.
int choose(SSL* connection, int*, void*)
{
    const char* name = ::SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    auto* first = ::SSL_get_SSL_CTX(connection);
    const auto* others = static_cast<const Others*>(::SSL_CTX_get_ex_data(first, others_index()));
    if (name == nullptr || others == nullptr || has_name(first, name))
        return SSL_TLSEXT_ERR_OK;
    for (const auto& other : *others) {
        if (has_name(other.get(), name)) {
            ::SSL_set_SSL_CTX(connection, other.get());
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

std::string subject_of(const X509* certificate)
{
    const Bio out{::BIO_new(::BIO_s_mem())};
    if (!out || ::X509_NAME_print_ex(out.get(), ::X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
        return {};
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, std::min(static_cast<std::size_t>(std::max(size, 0L)), shown_octets)};
}

} // namespace

std::string pack_pairs(const std::vector<TlsPair>& pairs)
{
    std::string out;
    for (const auto& pair : pairs)
        for (const auto* text : {&pair.certificate, &pair.key})
            out += std::to_string(text->size()) + "\n" + *text;
    return out;
}

std::vector<TlsPair> unpack_pairs(std::string_view text)
{
    std::vector<std::string> texts;
    while (!text.empty()) {
        const auto lf = text.find('\n');
        const auto size = lf == std::string_view::npos ? std::nullopt : parse_number(text.substr(0, lf));
        if (!size || *size > text.size() - lf - 1)
            return {};
        texts.emplace_back(text.substr(lf + 1, *size));
        text.remove_prefix(lf + 1 + *size);
    }
    if (texts.size() % 2 != 0)
        return {};
    std::vector<TlsPair> out;
    for (std::size_t i = 0; i < texts.size(); i += 2)
        out.push_back({std::move(texts[i]), std::move(texts[i + 1])});
    return out;
}

struct ServerTls::Impl {
    Context first;
};

ServerTls::ServerTls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerTls::ServerTls(ServerTls&&) noexcept = default;
ServerTls& ServerTls::operator=(ServerTls&&) noexcept = default;
ServerTls::~ServerTls() = default;

Result<ServerTls> ServerTls::make(const std::vector<TlsPair>& pairs, bool ask_client)
{
    if (pairs.empty())
        return fail(Status::config, "TLS needs a certificate");
    auto others = std::make_unique<Others>();
    for (const auto& pair : pairs) {
        auto context = make_context(pair, ask_client);
        if (!context)
            return pass(context);
        others->push_back(std::move(*context));
    }
    auto impl = std::make_unique<Impl>(Impl{std::move(others->front())});
    others->erase(others->begin());
    if (!others->empty() && ::SSL_CTX_set_ex_data(impl->first.get(), others_index(), others.get()) == 1) {
        others.release();
        ::SSL_CTX_set_tlsext_servername_callback(impl->first.get(), choose);
    }
    return ServerTls(std::move(impl));
}

ssl_st* ServerTls::open() const
{
    return ::SSL_new(impl_->first.get());
}

void ServerTls::renew_tickets()
{
    std::array<unsigned char, ticket_key_octets> keys{};
    // the first context's keys serve all: a session resumes before a name is chosen
    if (::RAND_bytes(keys.data(), static_cast<int>(keys.size())) == 1)
        ::SSL_CTX_set_tlsext_ticket_keys(impl_->first.get(), keys.data(), keys.size());
}

TlsPeer ServerTls::peer(const ssl_st* connection)
{
    TlsPeer out;
    out.version = ::SSL_get_version(connection);
    out.cipher = ::SSL_CIPHER_get_name(::SSL_get_current_cipher(connection));
    const Certificate certificate{::SSL_get1_peer_certificate(connection)};
    if (!certificate)
        return out;
    out.subject = subject_of(certificate.get());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (::X509_digest(certificate.get(), ::EVP_sha256(), digest.data(), &size) == 1)
        out.fingerprint = hex({reinterpret_cast<const char*>(digest.data()), size});
    return out;
}

} // namespace mgw::smtp
