#pragma once

#include "lib/core/result.hpp"

#include <string>
#include <string_view>

namespace mgw::route
{

/// Where mail goes next: the right side of a transport table, or --relay.
struct Destination {
    enum class Kind : char {
        standard, ///< ":": what would be used without the table
        smtp,
        lmtp,
        maildir,
        pipe,
        reject,  ///< "error:"
        defer,   ///< "retry:"
        discard, ///< "discard:"
    };
    Kind kind = Kind::standard;
    std::string next; ///< "[192.0.2.1]:25", "unix:/path", "/path", "NAME"; empty for the recipient's own domain (smtp)
    std::string enhanced; ///< RFC 3463 status of reject and defer
    std::string text;     ///< of reject, defer and discard
};

/// Reads `transport:nexthop` as in transport(5): smtp: (relay: is the same), lmtp:unix:/path, lmtp:inet:host:port,
/// lmtp:[host]:port, maildir:/path (with %u user, %d domain, %n user with extension), pipe:NAME, error:TEXT,
/// retry:TEXT, discard:TEXT, and ":". A text may begin with a status such as 5.7.1. Status::config for anything else.
Result<Destination> parse_destination(std::string_view text);

/// As parse_destination; a name without transport ("[mail.example.org]:587", "mail.example.org") is an SMTP server.
Result<Destination> parse_relay(std::string_view text);

/// The destination of one recipient as Mgw-Hop has it: "smtp:example.org", "maildir:/var/mail/bob". Status::data where
/// the recipient's name cannot stand in a path. Not for reject, defer and discard.
Result<std::string> hop_for(const Destination& destination, std::string_view address, std::string_view delimiters);

} // namespace mgw::route
