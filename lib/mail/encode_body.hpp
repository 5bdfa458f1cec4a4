#pragma once

#include <string>
#include <string_view>

namespace mgw::mail
{

/// RFC 2045 section 6.7 for text with CRLF: lines of at most 76 characters, line ends stay, blanks before them and
/// "From " at the beginning of a line are encoded.
std::string qp_encode(std::string_view text);

/// A body as it goes on the wire, and the Content-Transfer-Encoding that says so; no name where none is needed.
struct EncodedBody {
    std::string octets;
    std::string_view encoding;
};

/// Text with CRLF: as it stands if it is fit for SMTP (ASCII without NUL and bare CR, no line over 998 octets), else
/// quoted-printable or base64, whichever is shorter.
EncodedBody encode_text(std::string text);

/// Whether text with CRLF has no NUL, no bare CR or LF, and no line over 998 octets (RFC 5322 section 2.1.1).
bool has_fit_lines(std::string_view text);

} // namespace mgw::mail
