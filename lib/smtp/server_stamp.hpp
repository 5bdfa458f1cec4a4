#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/limits.hpp"
#include "lib/mail/block.hpp"
#include "lib/smtp/server_session.hpp"
#include "lib/smtp/spool.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::smtp
{

/// What is known of a message that came in, besides its octets.
struct Arrival {
    std::string id; ///< the Mgw-Id
    std::string hostname;
    mail::Client client;
    std::string tls_cipher;
    Time time;
    double deadline = 0;                                    ///< boot clock, 0 for none
    std::vector<std::pair<std::string, std::string>> facts; ///< Mgw-Result of mgw-recv
    bool submitted = false; ///< by an author's program (RFC 6409), so that missing fields are added
};

/// A frame of one member, ready for a lane: its octets are `head`, `pieces`, `tail`. The pieces are views into `spool`,
/// so that a message is not copied between the network and the lane.
struct LaneFrame {
    std::string id;
    std::string head;
    std::vector<std::string_view> pieces;
    std::string tail;
    Spool spool;
};

/// The trace field that a server adds (RFC 5321 section 4.4, keywords of RFC 3848 and RFC 6531), with CRLF. A foreign
/// HELO that is no domain or literal is shown in xtext, so that it cannot look like anything else. `for` stands only
/// where there is one recipient.
std::string received_field(const Arrival& arrival, const ServerEnvelope& envelope);

/// The fresh envelope block of that message.
mail::Block stamped_block(const Arrival& arrival, const ServerEnvelope& envelope);

/// Views of what remains of `message` without header fields whose name begins with Mgw-, however spelt.
std::vector<std::string_view> without_foreign_fields(std::string_view message);

/// How many Received fields the message has (RFC 5321 section 6.3: the sign of a loop).
std::size_t received_count(std::string_view message, const Limits& limits);

/// Date and Message-ID, with CRLF each, as far as the message has none (RFC 6409 sections 8.2 and 8.3).
std::string missing_fields(const Arrival& arrival, std::string_view message, const Limits& limits = {});

/// Stamps a message: a fresh block, a Received field on top, behind it what is missing in a submitted one, no foreign
/// Mgw- fields. Every other octet stays.
LaneFrame stamped_frame(const Arrival& arrival, const ServerEnvelope& envelope, Spool spool);

} // namespace mgw::smtp
