#include "lib/crypt/openpgp.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <gpgme.h>
#include <sys/stat.h>
#include <unordered_map>

namespace mgw::crypt
{

namespace
{

using GpgContext = Handle<std::remove_pointer_t<gpgme_ctx_t>, gpgme_release>;
using GpgKey = Handle<std::remove_pointer_t<gpgme_key_t>, gpgme_key_unref>;
using GpgData = Handle<std::remove_pointer_t<gpgme_data_t>, gpgme_data_release>;

// A socket's path has 107 octets; the longest name that gpg-agent makes in its home is "/S.gpg-agent.browser".
constexpr std::size_t longest_home = 107 - 20;

std::string said(gpgme_error_t error)
{
    char text[256] = {};
    gpgme_strerror_r(error, text, sizeof text);
    return text;
}

std::unexpected<Error> trouble(const std::string& what, gpgme_error_t error)
{
    return fail(Status::temp_fail, what + ": " + said(error));
}

Result<GpgContext> open_context(const std::string& home)
{
    static const char* const version = gpgme_check_version("1.18.0"); // sets the library up
    if (version == nullptr)
        return fail(Status::config, "GPGME is older than 1.18");
    gpgme_ctx_t raw = nullptr;
    if (const auto error = gpgme_new(&raw); error != 0)
        return trouble("cannot start GnuPG", error);
    GpgContext context{raw};
    if (const auto error = gpgme_set_protocol(raw, GPGME_PROTOCOL_OpenPGP); error != 0)
        return trouble("GPGME has no OpenPGP", error);
    if (const auto error = gpgme_ctx_set_engine_info(raw, GPGME_PROTOCOL_OpenPGP, nullptr, home.c_str()); error != 0)
        return trouble("cannot use " + home, error);
    gpgme_set_offline(raw, 1);
    gpgme_set_armor(raw, 1);
    gpgme_set_textmode(raw, 0);
    gpgme_set_pinentry_mode(raw, GPGME_PINENTRY_MODE_ERROR); // nobody is there to ask
    return context;
}

Result<GpgData> data_of(std::string_view octets)
{
    gpgme_data_t raw = nullptr;
    if (const auto error = gpgme_data_new_from_mem(&raw, octets.data(), octets.size(), 0); error != 0)
        return trouble("cannot hand data to GnuPG", error);
    return GpgData{raw};
}

/// Takes what gpg writes, up to a limit.
struct Collected {
    std::string octets;
    std::size_t limit = 0;
    bool is_over = false;
};

ssize_t collect(void* handle, const void* buffer, std::size_t size)
{
    auto& into = *static_cast<Collected*>(handle);
    if (size > into.limit - into.octets.size()) {
        into.is_over = true;
        errno = EFBIG;
        return -1;
    }
    try { // no exception may cross a C library
        into.octets.append(static_cast<const char*>(buffer), size);
    } catch (...) {
        errno = ENOMEM;
        return -1;
    }
    return static_cast<ssize_t>(size);
}

struct Sink {
    gpgme_data_cbs callbacks{nullptr, collect, nullptr, nullptr};
    Collected collected;
    GpgData data;
};

/// `sink` stays where it is: gpg writes into it.
Result<void> open_sink(Sink& sink, std::size_t limit)
{
    sink.collected.limit = limit;
    gpgme_data_t raw = nullptr;
    if (const auto error = gpgme_data_new_from_cbs(&raw, &sink.callbacks, &sink.collected); error != 0)
        return trouble("cannot take data from GnuPG", error);
    sink.data.reset(raw);
    return {};
}

struct Listed {
    Key key;
    const char* unusable = nullptr; ///< why, nullptr if it is not
};

std::vector<std::string> addresses_of(gpgme_key_t key)
{
    std::vector<std::string> out;
    for (auto uid = key->uids; uid != nullptr; uid = uid->next) {
        const char* address = uid->address != nullptr ? uid->address : uid->email;
        if (!uid->revoked && !uid->invalid && address != nullptr && *address != '\0')
            out.emplace_back(address);
    }
    return out;
}

const char* reason_unusable(gpgme_key_t key)
{
    return key->revoked    ? "revoked"
           : key->disabled ? "disabled"
           : key->expired  ? "expired"
           : key->invalid  ? "invalid"
                           : nullptr;
}

Listed listed(gpgme_key_t key)
{
    Listed out;
    out.key.fingerprint = key->fpr != nullptr ? key->fpr : "";
    out.unusable = reason_unusable(key);
    if (key->subkeys != nullptr)
        out.key.expires = key->subkeys->expires;
    const char* subkey_reason = "cannot-encrypt";
    bool found = false;
    for (auto sub = key->subkeys; sub != nullptr; sub = sub->next) {
        if (!sub->can_encrypt)
            continue;
        if (sub->revoked || sub->disabled || sub->expired || sub->invalid) {
            subkey_reason = sub->revoked    ? "revoked"
                            : sub->disabled ? "disabled"
                            : sub->expired  ? "expired"
                                            : "invalid";
            continue;
        }
        // gpg takes the newest encryption subkey
        if (!found || sub->timestamp >= out.key.created) {
            out.key.created = sub->timestamp;
            const std::int64_t primary = key->subkeys->expires;
            out.key.expires = primary == 0        ? sub->expires
                              : sub->expires == 0 ? primary
                                                  : std::min<std::int64_t>(primary, sub->expires);
        }
        found = true;
    }
    if (out.unusable == nullptr && !found)
        out.unusable = subkey_reason;
    return out;
}

} // namespace

struct OpenPgp::Impl {
    std::string home;
    std::unordered_map<std::string, std::vector<Listed>> by_address;          // lower case
    std::unordered_map<std::string, std::vector<std::string>> by_fingerprint; // addresses, of all its (sub)keys
    std::size_t keys = 0;

    Result<void> list();
    std::vector<Signature> signatures(gpgme_ctx_t context) const;
};

OpenPgp::OpenPgp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OpenPgp::~OpenPgp() = default;
OpenPgp::OpenPgp(OpenPgp&&) noexcept = default;
OpenPgp& OpenPgp::operator=(OpenPgp&&) noexcept = default;

Result<void> OpenPgp::Impl::list()
{
    auto context = open_context(home);
    if (!context)
        return pass(context);
    gpgme_ctx_t raw = context->get();
    if (const auto error = gpgme_op_keylist_start(raw, nullptr, 0); error != 0)
        return trouble("cannot list the keys in " + home, error);
    for (;;) {
        gpgme_key_t next = nullptr;
        const auto error = gpgme_op_keylist_next(raw, &next);
        if (gpgme_err_code(error) == GPG_ERR_EOF)
            return {};
        if (error != 0)
            return trouble("cannot list the keys in " + home, error);
        const GpgKey key{next};
        ++keys;
        const auto addresses = addresses_of(next);
        for (const auto& address : addresses)
            by_address[to_lower(address)].push_back(listed(next));
        for (auto sub = next->subkeys; sub != nullptr; sub = sub->next)
            if (sub->fpr != nullptr)
                by_fingerprint[sub->fpr] = addresses;
    }
}

Result<OpenPgp> OpenPgp::open(const std::string& home)
{
    auto impl = std::make_unique<Impl>();
    impl->home = home;
    if (home.empty()) {
        const char* named = std::getenv("GNUPGHOME");
        const char* user = std::getenv("HOME");
        impl->home = named != nullptr && *named != '\0' ? named : user != nullptr ? std::string(user) + "/.gnupg" : "";
    }
    if (impl->home.size() > longest_home)
        return fail(Status::config,
                    "the path of GnuPG's folder is longer than " + std::to_string(longest_home) +
                        " octets, too long for its agent's sockets: " + impl->home,
                    "move it, or make a symbolic link with a short path");
    struct stat status {};
    if (impl->home.empty() || ::stat(impl->home.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return fail(Status::config, "there is no GnuPG folder " + impl->home, "give --homedir=DIRECTORY");
    if (auto listed = impl->list(); !listed) {
        listed.error().status = Status::config;
        return pass(listed);
    }
    return OpenPgp(std::move(impl));
}

std::size_t OpenPgp::keys() const
{
    return impl_->keys;
}

const Key* OpenPgp::find(std::string_view address, std::int64_t now, std::string& why) const
{
    why = "no-key";
    const auto found = impl_->by_address.find(to_lower(address));
    if (found == impl_->by_address.end())
        return nullptr;
    const Key* best = nullptr;
    for (const auto& one : found->second) {
        if (one.unusable != nullptr)
            why = one.unusable;
        else if (one.key.expires != 0 && one.key.expires <= now)
            why = "expired";
        else if (best == nullptr || one.key.created > best->created)
            best = &one.key;
    }
    if (best != nullptr)
        why.clear();
    return best;
}

Result<std::string> OpenPgp::encrypt(std::string_view octets, const std::vector<std::string>& fingerprints,
                                     bool hide) const
{
    if (fingerprints.empty()) // gpg would encrypt with a passphrase
        return fail(Status::temp_fail, "there is no key to encrypt to");
    auto context = open_context(impl_->home);
    if (!context)
        return pass(context);
    std::vector<GpgKey> owned;
    std::vector<gpgme_key_t> recipients;
    for (const auto& fingerprint : fingerprints) {
        gpgme_key_t key = nullptr;
        if (const auto error = gpgme_get_key(context->get(), fingerprint.c_str(), &key, 0); error != 0)
            return trouble("cannot find the key " + fingerprint, error);
        owned.emplace_back(key);
        recipients.push_back(key);
    }
    recipients.push_back(nullptr);
    auto plain = data_of(octets);
    if (!plain)
        return pass(plain);
    Sink sink;
    if (auto opened = open_sink(sink, octets.size() * 2 + (1U << 20)); !opened)
        return pass(opened);
    const auto flags =
        static_cast<gpgme_encrypt_flags_t>(GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_COMPRESS |
                                           GPGME_ENCRYPT_NO_ENCRYPT_TO | (hide ? GPGME_ENCRYPT_THROW_KEYIDS : 0));
    const auto error = gpgme_op_encrypt(context->get(), recipients.data(), flags, plain->get(), sink.data.get());
    const auto result = gpgme_op_encrypt_result(context->get());
    if (result != nullptr && result->invalid_recipients != nullptr)
        return fail(Status::refused, std::string("the key ") + result->invalid_recipients->fpr +
                                         " cannot be used: " + said(result->invalid_recipients->reason));
    if (error != 0)
        return trouble("cannot encrypt", error);
    if (sink.collected.octets.empty())
        return fail(Status::temp_fail, "gpg wrote nothing");
    return std::move(sink.collected.octets);
}

std::vector<Signature> OpenPgp::Impl::signatures(gpgme_ctx_t context) const
{
    std::vector<Signature> out;
    const auto result = gpgme_op_verify_result(context);
    for (auto one = result != nullptr ? result->signatures : nullptr; one != nullptr; one = one->next) {
        Signature signature;
        signature.fingerprint = one->fpr != nullptr ? one->fpr : "";
        switch (gpgme_err_code(one->status)) {
        case GPG_ERR_NO_ERROR:
            signature.state = "good";
            break;
        case GPG_ERR_BAD_SIGNATURE:
            signature.state = "bad";
            break;
        case GPG_ERR_NO_PUBKEY:
            signature.state = "no-key";
            break;
        case GPG_ERR_SIG_EXPIRED:
        case GPG_ERR_KEY_EXPIRED:
            signature.state = "expired";
            break;
        case GPG_ERR_CERT_REVOKED:
            signature.state = "revoked";
            break;
        default:
            signature.state = "error";
            break;
        }
        if (const auto found = by_fingerprint.find(signature.fingerprint); found != by_fingerprint.end())
            signature.addresses = found->second;
        out.push_back(std::move(signature));
    }
    return out;
}

Result<Decrypted> OpenPgp::decrypt(std::string_view ciphertext, std::size_t limit_octets) const
{
    auto context = open_context(impl_->home);
    if (!context)
        return pass(context);
    auto cipher = data_of(ciphertext);
    if (!cipher)
        return pass(cipher);
    Sink sink;
    if (auto opened = open_sink(sink, limit_octets); !opened)
        return pass(opened);
    const auto error = gpgme_op_decrypt_verify(context->get(), cipher->get(), sink.data.get());
    if (sink.collected.is_over)
        return fail(Status::data, "too-large");
    const auto result = gpgme_op_decrypt_result(context->get());
    switch (gpgme_err_code(error)) {
    case GPG_ERR_NO_ERROR:
        break;
    case GPG_ERR_NO_SECKEY:
        return fail(Status::data, "no-secret-key");
    case GPG_ERR_NO_DATA:
    case GPG_ERR_BAD_DATA:
    case GPG_ERR_INV_PACKET:
    case GPG_ERR_CHECKSUM:
    case GPG_ERR_DECRYPT_FAILED:
        return fail(Status::data, result != nullptr && result->legacy_cipher_nomdc ? "no-integrity" : "bad-data");
    case GPG_ERR_NO_PIN_ENTRY:
    case GPG_ERR_BAD_PASSPHRASE:
    case GPG_ERR_CANCELED:
        return fail(Status::temp_fail, "cannot decrypt: the key has a passphrase, and keys of a gateway have none");
    default:
        return trouble("cannot decrypt", error);
    }
    if (result == nullptr || result->legacy_cipher_nomdc)
        return fail(Status::data, "no-integrity");
    return Decrypted{std::move(sink.collected.octets), impl_->signatures(context->get())};
}

} // namespace mgw::crypt
