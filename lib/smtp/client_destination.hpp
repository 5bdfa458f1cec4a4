#pragma once

#include "lib/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// Where a recipient goes next: a `--deliver` value or the destination of an Mgw-Hop line.
struct Destination {
    enum class Kind : char { smtp, lmtp, maildir, pipe, error, mx };
    Kind kind = Kind::error;
    std::string host;          ///< smtp, lmtp: a name, or an address without brackets
    bool literal = false;      ///< smtp, lmtp: brackets stood around it, or it is an address: no MX look-up
    std::uint16_t port = 25;   ///< lmtp has no default
    bool implicit_tls = false; ///< smtps: TLS before the greeting (RFC 8314)
    std::string path;          ///< lmtp: Unix socket; maildir: folder; pipe: name of a command
    std::string enhanced;      ///< error: "5.1.1"
    std::string text;          ///< error: for people

    /// The form that means the same destination for connection reuse: "smtp:[192.0.2.1]:25".
    std::string key() const;
};

/// Reads `smtp:DOMAIN[:PORT]` (by its MX), `smtp:[HOST][:PORT]`, the same with `smtps:` (port 465), `lmtp:[HOST]:PORT`,
/// `lmtp:HOST:PORT`, `lmtp:unix:PATH`, `maildir:PATH`, `pipe:NAME`, `error:D.D.D TEXT`, `mx` (each recipient's own
/// domain). Status::usage with what is wrong. A domain outside ASCII is read as its A-labels (RFC 5890).
Result<Destination> parse_destination(std::string_view text);

/// True for an IPv4 or IPv6 address in text form.
bool is_address(std::string_view text);

} // namespace mgw::smtp
