#pragma once

#include "lib/core/limits.hpp"
#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/edits.hpp"
#include "lib/mail/message.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mgw::crypt
{

/// What kind of encryption a message has, by its structure and by the first octets of what is encrypted: a label alone
/// proves nothing.
enum class Encrypted : char {
    no,
    pgp_mime, ///< multipart/encrypted (RFC 3156 section 4)
    pgp_text, ///< one text part that is an ASCII-armored message and nothing else
    smime,    ///< application/pkcs7-mime with CMS EnvelopedData or AuthEnvelopedData (RFC 8551 section 3.3)
};

struct Found {
    Encrypted kind = Encrypted::no;
    std::string ciphertext; ///< OpenPGP octets, armored or not; not for smime
    std::string
        why; ///< where the message claims encryption that its structure does not show: "structure", "no-ciphertext"
};

/// Looks whether, and how, a message is encrypted.
Found find_encrypted(const mail::Message& message, const Limits& limits);

/// The MIME entity that PGP/MIME encrypts: the message's Content-* fields as they stand, an empty line, the body; line
/// ends are CRLF where the message has LF.
std::string inner_entity(const mail::Message& message);

/// Turns the message into multipart/encrypted around `armored` (RFC 3156 section 4): one splice for the body, one for
/// each Content-* field; every other field stays as it is.
void wrap(const mail::Message& message, std::string_view armored, Random& random, mail::Edits& edits);

/// Puts the decrypted entity in place of a multipart/encrypted one: its Content-* fields where the outer Content-Type
/// stood, its body as the body. Other fields of the entity are not taken over: they were not there when the message was
/// checked. Status::data when the entity's header cannot be told from its body.
Result<void> unwrap(const mail::Message& message, std::string_view entity, const Limits& limits, mail::Edits& edits);

/// Puts decrypted text in place of an armored body: as it stands where the message's encoding allows it, else in
/// base 64.
void unwrap_text(const mail::Message& message, std::string_view text, mail::Edits& edits);

/// Whether `octets`, armored or binary, begin with a packet of an encrypted OpenPGP message (RFC 4880 section 4.3).
bool is_openpgp_encrypted(std::string_view octets);
/// Whether DER or BER octets begin as CMS EnvelopedData or AuthEnvelopedData (RFC 5652 section 3).
bool is_cms_enveloped(std::string_view octets);

} // namespace mgw::crypt
