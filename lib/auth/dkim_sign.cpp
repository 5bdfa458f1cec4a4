#include "lib/auth/dkim.hpp"

#include "lib/auth/domain.hpp"
#include "lib/auth/opendkim.hpp"
#include "lib/core/text.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>

namespace mgw::auth
{
namespace
{

using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using Bio = Handle<BIO, BIO_free_all>;

// What people see and mail programs act on (RFC 6376 section 5.4.1, RFC 8058 section 4 for the List- fields).
const char* const signed_fields[] = {"from",
                                     "reply-to",
                                     "subject",
                                     "date",
                                     "to",
                                     "cc",
                                     "message-id",
                                     "mime-version",
                                     "content-type",
                                     "content-transfer-encoding",
                                     "content-id",
                                     "content-description",
                                     "content-language",
                                     "in-reply-to",
                                     "references",
                                     "resent-date",
                                     "resent-from",
                                     "resent-to",
                                     "resent-cc",
                                     "resent-sender",
                                     "resent-message-id",
                                     "list-id",
                                     "list-help",
                                     "list-unsubscribe",
                                     "list-unsubscribe-post",
                                     "list-subscribe",
                                     "list-post",
                                     "list-owner",
                                     "list-archive",
                                     "autocrypt",
                                     "openpgp",
                                     nullptr};
// Of these one more is signed than there is. List- fields are not among them: lists add theirs rightly.
const char* const oversigned_fields[] = {
    "from", "reply-to",   "subject",      "date",         "to",
    "cc",   "message-id", "mime-version", "content-type", "content-transfer-encoding",
    nullptr};

/// Never asks at the terminal for a pass phrase.
int no_pass_phrase(char*, int, int, void*)
{
    return -1;
}

bool is_selector(std::string_view selector)
{
    // a selector is one or more labels; with a domain behind it, it is a domain
    return !normal_domain(std::string(selector) + ".example").empty();
}

} // namespace

struct DkimSigner::Impl {
    DkimSigning how;
    dkim_alg_t algorithm = DKIM_SIGN_RSASHA256;
    DkimLibrary library;
};

Result<DkimSigner> DkimSigner::open(const DkimSigning& how)
{
    auto impl = std::make_unique<Impl>();
    impl->how = how;
    impl->how.domain = normal_domain(how.domain);
    if (impl->how.domain.empty())
        return fail(Status::config, "not a domain to sign for: " + printable_ascii(how.domain));
    if (!is_selector(how.selector))
        return fail(Status::config, "not a selector: " + printable_ascii(how.selector));
    const Bio bio{BIO_new_mem_buf(how.key.data(), static_cast<int>(how.key.size()))};
    const Key key{bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr};
    if (!key)
        return fail(Status::config, "the signing key cannot be read",
                    "it must be an RSA or Ed25519 private key in PEM form without a pass phrase");
    const int type = EVP_PKEY_base_id(key.get());
    if (type == EVP_PKEY_ED25519)
        impl->algorithm = DKIM_SIGN_ED25519SHA256;
    else if (type != EVP_PKEY_RSA)
        return fail(Status::config, "the signing key is neither RSA nor Ed25519");
    else if (EVP_PKEY_bits(key.get()) < 1024)
        return fail(Status::config, "the signing key has fewer than 1024 bits (RFC 8301)");

    impl->library = open_library();
    if (!impl->library)
        return fail(Status::temp_fail, "cannot set up libopendkim");
    auto* library = impl->library.get();
    bool good = dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_SIGNHDRS, const_cast<char**>(signed_fields),
                             sizeof(char**)) == DKIM_STAT_OK;
    good = good && dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, const_cast<char**>(oversigned_fields),
                                sizeof(char**)) == DKIM_STAT_OK;
    if (how.lifetime_seconds > 0) {
        auto lifetime = static_cast<std::uint64_t>(how.lifetime_seconds);
        good = good && set_option(library, DKIM_OPTS_SIGNATURETTL, lifetime);
    }
    if (!good)
        return fail(Status::temp_fail, "cannot set up libopendkim for signing");
    return DkimSigner(std::move(impl));
}

DkimSigner::DkimSigner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DkimSigner::~DkimSigner() = default;
DkimSigner::DkimSigner(DkimSigner&&) noexcept = default;
DkimSigner& DkimSigner::operator=(DkimSigner&&) noexcept = default;

std::string_view DkimSigner::algorithm() const
{
    return impl_->algorithm == DKIM_SIGN_ED25519SHA256 ? "ed25519-sha256" : "rsa-sha256";
}

Result<std::string> DkimSigner::sign(const mail::Message& message, Time now)
{
    constexpr std::string_view name = "DKIM-Signature: ";
    auto seconds = static_cast<std::uint64_t>(unix_seconds(now));
    set_option(impl_->library.get(), DKIM_OPTS_FIXEDTIME, seconds);
    DKIM_STAT status = DKIM_STAT_OK;
    const auto octets = [](const std::string& text) { return reinterpret_cast<const unsigned char*>(text.c_str()); };
    // the library only reads the key, but its type is not const
    const DkimHandle dkim{dkim_sign(impl_->library.get(), octets("-"), nullptr,
                                    const_cast<unsigned char*>(octets(impl_->how.key)), octets(impl_->how.selector),
                                    octets(impl_->how.domain), DKIM_CANON_RELAXED, DKIM_CANON_RELAXED, impl_->algorithm,
                                    -1, &status)};
    if (!dkim)
        return fail(Status::temp_fail, std::string("cannot sign: ") + dkim_getresultstr(status));
    for (const auto& field : message.fields())
        static_cast<void>(feed_field(dkim.get(), message.raw(field)));
    status = dkim_eoh(dkim.get());
    if (status == DKIM_STAT_SYNTAX)
        return fail(Status::data, "cannot sign a message without a From field");
    if (status == DKIM_STAT_OK)
        status = feed_body(dkim.get(), message.body());
    if (status == DKIM_STAT_OK)
        status = dkim_eom(dkim.get(), nullptr);
    u_char* text = nullptr;
    size_t length = 0;
    if (status == DKIM_STAT_OK)
        status = dkim_getsighdr_d(dkim.get(), name.size(), &text, &length);
    if (status != DKIM_STAT_OK || !text)
        return fail(Status::temp_fail, std::string("cannot sign: ") + dkim_getresultstr(status));
    std::string field{name};
    for (std::size_t i = 0; i < length; ++i)
        if (text[i] != '\r')
            field += static_cast<char>(text[i]);
    return field;
}

} // namespace mgw::auth
