#pragma once

#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/boundary.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::mail
{

/// A message or part to compose: notices, reports, wrappers. Values with CR, LF or NUL are refused (Status::data).
struct Composed {
    /// In order, values in UTF-8 and on one line. In text (Subject, Comments, Content-Description, X-…) what is not
    /// ASCII becomes encoded words (RFC 2047); structured fields (addresses, ids, types) are given ready, see mailbox()
    /// and parameter(); UTF-8 in them stays as it is (RFC 6532). Long lines are folded.
    std::vector<std::pair<std::string, std::string>> fields;
    std::string content_type = "text/plain; charset=utf-8"; ///< without boundary for multipart
    /// Of a single part, with LF or CRLF. What is not fit for SMTP (RFC 5322 section 2.1.1, RFC 2045 section 2.7) is
    /// encoded in quoted-printable or base64, whichever is shorter, and text stays text. With a
    /// Content-Transfer-Encoding among the fields the body is taken as ready.
    std::string body;
    std::vector<Composed> parts; ///< of a multipart; their fields are MIME fields
};

/// Composes with CRLF, MIME-Version, and boundaries that do not occur in any part.
Result<std::string> compose(const Composed& what, Random& random);
/// A part alone, without MIME-Version: what PartEdits puts into a message.
Result<std::string> compose_part(const Composed& what, Random& random);

/// `name` <address> (RFC 5322 section 3.4): a quoted string where it needs one, encoded words where it is not ASCII.
/// The address alone in angle brackets if there is no name.
std::string mailbox(std::string_view name, std::string_view address);
/// "; name=value" for Content-Type and Content-Disposition: a token, a quoted string, or RFC 2231 for what is not
/// ASCII.
std::string parameter(std::string_view name, std::string_view utf8);

} // namespace mgw::mail
