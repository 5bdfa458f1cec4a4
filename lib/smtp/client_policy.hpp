#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/client_outcome.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// What is asked of the transport.
enum class TlsLevel : char {
    none,    ///< nothing
    may,     ///< TLS where it is offered, in clear where it fails
    encrypt, ///< TLS always
    verify,  ///< and a certificate of a known authority that names the host
    secure,  ///< and a certificate of a known authority that names the recipients' domain or a name below it
    dane     ///< and a certificate that a TLSA record names (RFC 7672)
};
std::string_view level_name(TlsLevel level);
std::optional<TlsLevel> parse_level(std::string_view name);

/// What is asked of the connection to one host, and why.
struct TlsPolicy {
    TlsLevel level = TlsLevel::may;
    std::vector<std::string> names; ///< the certificate must have one; ".example.org" stands for all names below
    std::vector<std::string> tlsa;  ///< usable TLSA records (RFC 6698 section 2.1), with TlsLevel::dane
    std::string tlsa_base;          ///< the name that the records belong to: sent as SNI, and the certificate's name
    std::string kind = "no-policy-found"; ///< RFC 8460 section 4.2: "tlsa", "sts", "no-policy-found"
    std::string reason = "default";       ///< for people and records
    std::string trouble; ///< RFC 8460 section 4.3 result that has no connection, "sts-policy-fetch-error"
    bool local = false;  ///< the table's: what a sender asks for does not lower it
    Outcome refusal;     ///< with a code: the host must not be used

    /// True if the server proves who it is.
    bool authenticates() const { return level >= TlsLevel::verify; }
    /// "verify (mta-sts enforce)"
    std::string text() const;
};

/// What a sender asks for one mail (RFC 8689).
enum class TlsWish : char {
    none,
    required, ///< REQUIRETLS: only by TLS, to servers that are known
    optional  ///< "TLS-Required: No": rather in clear than late, whatever the domain's policy
};
/// The policy for a mail with that wish.
TlsPolicy with_wish(TlsPolicy policy, TlsWish wish);

/// Levels by the domain that mail goes to: `--tls-policy`.
class TlsTable {
public:
    struct Entry {
        TlsLevel level = TlsLevel::may;
        std::string place; ///< "FILE:LINE"
    };

    /// Lines "DOMAIN LEVEL"; ".example.org LEVEL" for all domains below; "[HOST] LEVEL" for a destination in brackets;
    /// '#' begins a comment. Domains may be written in any form (IDNA). Status::config with file and line for anything
    /// else, and for a domain that stands there twice.
    static Result<TlsTable> parse(std::string_view text, const std::string& name);
    static Result<TlsTable> read(const std::string& path);

    /// `domain` in lower case; the longest entry that fits.
    const Entry* find(const std::string& domain, bool in_brackets) const;

private:
    std::map<std::string, Entry> entries_;
};

} // namespace mgw::smtp
