#pragma once

#include "lib/smtp/server_command.hpp"

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// What a trusted client says of the client that it stands for. A member without value was not named; an empty one is
/// not known ([UNAVAILABLE], [TEMPUNAVAIL]).
struct XclientAttributes {
    std::optional<std::string> address; ///< as IpAddress::text() writes it
    std::optional<std::string> name;
    std::optional<std::string> helo;
    std::optional<std::string> login; ///< XCLIENT only
    std::optional<std::string> proto; ///< SMTP, ESMTP, LMTP

    /// Takes over what `later` names.
    void add(const XclientAttributes& later);
};

constexpr std::string_view xclient_attributes = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";
constexpr std::string_view xforward_attributes = "NAME ADDR PORT PROTO HELO IDENT SOURCE";

/// Reads the argument of XCLIENT (or XFORWARD), Postfix's extension: NAME=value, values in xtext (RFC 3461 section 4).
/// Ports, IDENT, SOURCE and destinations are checked and passed over. The error is the reply: 501.
std::expected<XclientAttributes, ServerReply> parse_xclient(std::string_view argument, bool forward = false);

} // namespace mgw::smtp
