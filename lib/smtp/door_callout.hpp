#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/client_destination.hpp"

#include <chrono>
#include <string>

namespace mgw::smtp
{

/// What the server that has the mailboxes says about a recipient.
struct CalloutAnswer {
    enum class State : char {
        exists,
        missing, ///< it refused RCPT for good
        unknown, ///< it could not be asked, or said 4xx
    };
    State state = State::unknown;
    std::string text; ///< "550 5.1.1 no such user", or what went wrong; printable ASCII
};

/// Whether this server can be asked without the DNS: SMTP or LMTP at an address or a Unix socket. Status::usage if not.
Result<void> check_callout(const Destination& server);

/// Asks with an empty transaction from the null sender: MAIL, RCPT, then QUIT (RFC 5321 section 3.3; nothing is sent).
/// In clear text. Blocks, no longer than `timeout`.
CalloutAnswer call_out(const Destination& server, const std::string& helo, const std::string& recipient,
                       std::chrono::milliseconds timeout);

} // namespace mgw::smtp
