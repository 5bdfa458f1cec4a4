#pragma once

#include "lib/core/limits.hpp"
#include "lib/smtp/client_session.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// Line ends of a message at its final place: `lf` turns a message whose every line ends in CRLF into one with LF, as
/// mail programs on Unix expect it; a message with any other line end stays as it is, as all do with `keep`.
enum class LineEnds : char { lf, keep };

/// One message on its way to a Maildir or a program.
struct FinalMail {
    std::string_view message;
    std::optional<std::string> sender; ///< for Return-Path; not added when it is not known
    std::string recipient;             ///< for Delivered-To; not added when it is empty
    LineEnds line_ends = LineEnds::lf;
    /// Asked right before the step that cannot be undone; false means that nobody wants the result any more.
    std::function<bool()> may_commit = [] { return true; };
};

/// The message with Return-Path (RFC 5321 section 4.4) and Delivered-To above its own fields.
std::string final_octets(const FinalMail& mail);

/// A 5xx when the message has passed too many servers (Limits::received, RFC 5321 section 6.3) or was, at final
/// delivery, twice delivered to this recipient already; code 0 otherwise.
Outcome find_loop(std::string_view message, std::string_view final_recipient, const Limits& limits);

/// The outcome when may_commit says no.
Outcome too_late();

} // namespace mgw::smtp
