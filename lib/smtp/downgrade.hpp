#pragma once

#include "lib/core/limits.hpp"
#include "lib/core/result.hpp"

#include <string>
#include <string_view>

namespace mgw::smtp
{

/// The message for a server without 8BITMIME (RFC 6152 section 3): leaves with 8-bit octets become quoted-printable
/// or base64, as splices; all else stays identical to the octet, but for Content-Transfer-Encoding fields, and for
/// MIME-Version and Content-Type where they are missing. A DKIM signature over the body does not survive.
/// Status::data with the reason where that cannot be done: 8-bit octets in a header, a preamble, a message/* leaf, or
/// below multipart/signed, multipart/encrypted or PKCS #7, whose octets are not ours to change.
Result<std::string> to_seven_bit(std::string_view message, const Limits& limits);

} // namespace mgw::smtp
