#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/result.hpp"
#include "lib/dns/resolver.hpp"
#include "lib/mail/message.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::auth
{

/// What verifying insists on. Everything beyond is "policy" (RFC 8601 section 2.7.1), with a reason.
struct DkimPolicy {
    unsigned min_rsa_bits = 1024;         ///< RFC 8301 section 3.2
    std::size_t signatures = 10;          ///< verified, from the top; the rest is only counted
    std::size_t signature_octets = 16384; ///< of one DKIM-Signature field
};

/// One DKIM-Signature and what became of it.
struct DkimSignature {
    std::string result = "permerror"; ///< pass, fail, policy, neutral, temperror or permerror (RFC 8601 section 2.7.1)
    std::string reason;               ///< for people: why it is no pass, or what is odd about it
    std::string domain;               ///< d=, a normal domain; empty if it is none
    std::string selector;             ///< s=
    std::string algorithm;            ///< a=
    std::string identity;             ///< i=, empty if not given
    std::string signature_start;      ///< the first 8 characters of b= (RFC 6008)
    std::string key_query;            ///< what was asked and what came back, for explanations
    unsigned key_bits = 0;            ///< of an RSA key that was used, else 0
    bool testing = false;             ///< the key has t=y
};

struct DkimResult {
    /// pass if any signature passed, else the most telling of the others: temperror, policy, fail, neutral, permerror;
    /// none without signatures.
    std::string result = "none";
    std::vector<DkimSignature> signatures; ///< in order of appearance
};

/// Verifies DKIM signatures (RFC 6376, 8301, 8463) with libopendkim. Not shared between threads or over a fork.
class DkimVerifier {
public:
    /// Costs nothing: the library is set up by the first signature that there is to verify.
    explicit DkimVerifier(const DkimPolicy& policy = {});
    ~DkimVerifier();
    DkimVerifier(DkimVerifier&&) noexcept;
    DkimVerifier& operator=(DkimVerifier&&) noexcept;

    /// Verifies every signature of a message, each with its own result. Line ends count as CRLF, however they are
    /// stored. Never fails: what goes wrong is the result of a signature. `now` is compared with t= and x=.
    DkimResult verify(const mail::Message& message, dns::Resolver& resolver, Time now);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Starts the look-ups of the keys that verify() will ask for.
void prefetch_keys(const mail::Message& message, dns::Resolver& resolver, const DkimPolicy& policy = {});

/// How to sign (RFC 6376 section 3.5).
struct DkimSigning {
    std::string domain;                ///< d=
    std::string selector;              ///< s=
    std::string key;                   ///< PEM of an RSA (1024 bits or more) or Ed25519 private key, not encrypted
    std::int64_t lifetime_seconds = 0; ///< x= is t= plus this; 0 for no x=
};

/// Signs messages with libopendkim: relaxed/relaxed, with the fields that people and mail programs act on signed, and
/// one more of each so that none can be added (section 8.15). Not shared between threads or over a fork.
class DkimSigner {
public:
    /// Status::config for a key that cannot be used and for a domain or selector that is none.
    static Result<DkimSigner> open(const DkimSigning& how);
    ~DkimSigner();
    DkimSigner(DkimSigner&&) noexcept;
    DkimSigner& operator=(DkimSigner&&) noexcept;

    /// The field "DKIM-Signature: …", folded with "\n" and without a last line end, for the message as it is after CRLF
    /// normalisation. Status::data where the message cannot be signed (no From field).
    Result<std::string> sign(const mail::Message& message, Time now);

    /// "rsa-sha256" or "ed25519-sha256".
    std::string_view algorithm() const;

private:
    struct Impl;
    explicit DkimSigner(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::auth
