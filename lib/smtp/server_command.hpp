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

/// The reply as sent, with the Mgw-Id `id` at its end if there is one. Octets of the text that may not stand in a reply
/// become '?'; the line stays within 512 octets: the text is cut, never the id.
std::string reply_octets(const ServerReply& reply, std::string_view id = {});

/// What a sink said, for strangers: words that are paths of this machine become "[path]".
std::string without_local_paths(std::string_view text);

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

/// Reads `argument` of "MAIL" (keyword "FROM") or "RCPT" (keyword "TO"), RFC 5321 section 4.1.2, RFC 6531 section 3.3:
/// UTF-8 may stand in the local part and the domain; whether it was asked for is the caller's question. Blanks after
/// the colon and missing angle brackets are tolerated, as other servers do, unless `strict`. The error is the reply:
/// 501. Limits of section 4.5.3.1: local part 64, domain 255, path 256 octets.
std::expected<PathArgument, ServerReply> parse_path_argument(std::string_view argument, std::string_view keyword,
                                                             bool strict = false);

/// Whether `text` is a domain or an address literal as HELO should give it (RFC 5321 sections 4.1.1.1 and 4.1.3): of
/// literals, IPv4 addresses and IPv6 addresses with their tag.
bool is_domain_or_literal(std::string_view text);

} // namespace mgw::smtp
