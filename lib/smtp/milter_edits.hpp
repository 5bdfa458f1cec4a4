#pragma once

#include "lib/core/result.hpp"
#include "lib/mail/frame.hpp"
#include "lib/smtp/milter_session.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// What happens when some recipients of a message are accepted and some refused, for all of whom the mail server's
/// client gets one reply.
enum class MilterMixed : char {
    remove, ///< the refused ones are taken from the message
    defer,  ///< the client gets 451
};

struct MilterRules {
    MilterMixed mixed = MilterMixed::remove;
    /// Messages that the pipeline made and a milter cannot send are dropped; otherwise the client gets 451.
    bool drop_made = false;
};

/// What the mail server is told about a message.
struct MilterDecision {
    std::string packets; ///< edits and the last answer
    std::string action;  ///< accept, quarantine, discard, defer, reject
    ServerReply reply;   ///< with defer and reject what the client hears; otherwise text only
    std::size_t edits = 0;
    std::vector<std::string> removed; ///< recipients that the message had
    std::vector<std::string> added;
    std::size_t unsent = 0;  ///< messages that the pipeline made and that were dropped
    std::size_t effects = 0; ///< changes of state that nobody makes
};

/// Makes of what the pipeline gave back what the server must do, so that the message that it sends on has the octets
/// of the frame's first member. `original` is the message as the server holds it, `actions` what it allows
/// (MilterAction). By the verdicts (mgw(7)): any defer defers, all refused is a refusal, all discarded a discard, a
/// quarantine among the rest holds the message for all. Other members with the same sender and octets become
/// recipients of this message. What cannot be done is a 451.
MilterDecision decide(const MilterMessage& original, std::string_view octets, const mail::Frame& frame,
                      std::uint32_t actions, const MilterRules& rules);

/// A refusal: `reply`, at whose end stands the Mgw-Id.
MilterDecision refusal(const ServerReply& reply, std::string_view id);

} // namespace mgw::smtp
