#pragma once

#include "lib/smtp/server_command.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// What the server has announced, as far as parameters depend on it.
struct ParameterOffer {
    std::size_t message_octets = 50U << 20;
    bool require_tls = false; ///< RFC 8689 section 2: under TLS only
    bool auth = false;        ///< RFC 4954 section 5
};

/// The checked parameters of MAIL: SIZE (RFC 1870), BODY (RFC 6152), RET and ENVID (RFC 3461), SMTPUTF8 (RFC 6531),
/// REQUIRETLS (RFC 8689), AUTH (RFC 4954).
struct MailParameters {
    std::string carried; ///< those that concern the message, in order, values as they came; not SIZE and AUTH
    std::uint64_t declared_octets = 0;
    bool utf8 = false;
    bool require_tls = false;
};

/// The error is the reply: 555 5.5.4 for what was not offered, 501 5.5.4 for what is malformed or stands twice,
/// 552 5.3.4 for a size above the limit.
std::expected<MailParameters, ServerReply> check_mail_parameters(const std::vector<EsmtpParameter>& parameters,
                                                                 const ParameterOffer& offer);

/// Checks NOTIFY and ORCPT of RCPT (RFC 3461 sections 4.1 and 4.2, RFC 6533 section 3) and gives them back as they are
/// carried: values as they came, but UTF-8 in an ORCPT of type utf-8, which needs `utf8`, becomes \x{...}, the form
/// that every server takes. Errors as above.
std::expected<std::string, ServerReply> check_recipient_parameters(const std::vector<EsmtpParameter>& parameters,
                                                                   bool utf8);

} // namespace mgw::smtp
