#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::smtp
{

/// One SMTP reply (RFC 5321 section 4.2) with its enhanced status code (RFC 3463).
struct ServerReply {
    int code = 250;
    std::string enhanced = {}; ///< "2.0.0"; empty for replies that have none (220 of the greeting, 354)
    std::string text = {};     ///< one line
};

/// The reply as sent. Octets of `text` that may not stand in a reply become '?'; the line stays within 512 octets.
std::string reply_octets(const ServerReply& reply);

/// A command line without its CRLF, cut into the verb in upper case and the argument without blanks around it.
struct CommandLine {
    std::string verb;
    std::string_view argument;
};
CommandLine parse_command(std::string_view line);

/// An ESMTP parameter (RFC 5321 section 4.1.2): keyword in upper case, value as it came, empty without '='.
struct EsmtpParameter {
    std::string keyword;
    std::string value;
};

/// The argument of MAIL and RCPT.
struct PathArgument {
    std::string path; ///< without brackets and source route, otherwise verbatim; "" is the null path
    std::vector<EsmtpParameter> parameters;
};

/// Reads `argument` of "MAIL" (keyword "FROM") or "RCPT" (keyword "TO"), RFC 5321 section 4.1.2. Blanks after the colon
/// and missing angle brackets are tolerated, as other servers do. The error is the reply: 501 for syntax, 553 5.6.7 for
/// octets above 126 where SMTPUTF8 was not asked for. Limits of section 4.5.3.1: local part 64, domain 255, path 256
/// octets.
std::expected<PathArgument, ServerReply> parse_path_argument(std::string_view argument, std::string_view keyword);

/// Whether `text` is a domain or an address literal as HELO should give it (RFC 5321 section 4.1.1.1).
bool is_domain_or_literal(std::string_view text);

} // namespace mgw::smtp
