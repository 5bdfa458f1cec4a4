#pragma once

#include "lib/core/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::crypt
{

/// A key of the keyring that mail can be encrypted to.
struct Key {
    std::string fingerprint;
    std::int64_t created = 0; ///< seconds since 1970
    std::int64_t expires = 0; ///< the earliest of the key and its encryption subkey, 0 for never
};

/// What was learnt about one signature.
struct Signature {
    std::string state; ///< good, bad, no-key, expired, revoked, error
    std::string fingerprint;
    std::vector<std::string> addresses; ///< of the signer's valid user ids; the first is the primary one's
};

struct Decrypted {
    std::string octets;
    std::vector<Signature> signatures;
};

/// GnuPG on one keyring, by GPGME: one gpg process for an operation, no network, no questions. The public keys are
/// listed once, by open(): a recipient's address never reaches a command line, and a key is found by its exact address
/// only.
class OpenPgp {
public:
    /// `home` is GnuPG's folder; empty for GNUPGHOME or ~/.gnupg. Status::config when it is not there, its path is too
    /// long for the agent's sockets, or gpg cannot read it.
    static Result<OpenPgp> open(const std::string& home);
    ~OpenPgp();
    OpenPgp(OpenPgp&&) noexcept;
    OpenPgp& operator=(OpenPgp&&) noexcept;

    /// The newest key with a valid user id of exactly this address (letters' case apart) that can encrypt at `now`: not
    /// expired, revoked, disabled or invalid. Nullptr for none, with the reason in `why`: "no-key", "expired",
    /// "revoked", "disabled", "cannot-encrypt".
    const Key* find(std::string_view address, std::int64_t now, std::string& why) const;
    std::size_t keys() const;

    /// Encrypts to keys by fingerprint, armored, with integrity protection, uncompressed. `hide` leaves the key ids
    /// out. Status::refused when gpg holds one of the keys for unusable; Status::temp_fail for anything else.
    Result<std::string> encrypt(std::string_view octets, const std::vector<std::string>& fingerprints, bool hide) const;

    /// Decrypts and verifies. The octets are there only if everything succeeded, integrity protection included.
    /// Status::data for what cannot be decrypted (message: no-secret-key, bad-data, no-integrity, too-large),
    /// Status::temp_fail for trouble with gpg.
    Result<Decrypted> decrypt(std::string_view ciphertext, std::size_t limit_octets) const;

private:
    struct Impl;
    explicit OpenPgp(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::crypt
