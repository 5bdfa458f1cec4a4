#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/log.hpp"
#include "lib/smtp/door.hpp"
#include "lib/smtp/server_session.hpp"
#include "lib/smtp/server_tls.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::smtp
{

/// A client: its address as text, and the network that counts as one client (an IPv6 host owns a /64). Both empty on a
/// Unix socket.
struct PeerAddress {
    std::string ip;
    std::string network;
};

/// The client with that address, in any form that parse_ip reads.
PeerAddress peer_of(std::string_view ip);

/// Who is at the other end of a connected socket.
PeerAddress peer_address(int fd);

using Facts = std::vector<std::pair<std::string, std::string>>;

/// Adds `more`, replacing earlier values of the same key.
void add_facts(Facts& facts, const Facts& more);

/// A session without its socket: the protocol's state and what is known of the client.
struct ServerVisit {
    ServerVisit(const ServerConfig& config, SpoolBudget& budget) : codec(config, budget) {}
    ServerSession codec;
    PeerAddress peer;
    std::string name; ///< of the client, confirmed by the door
    std::string listener;
    TlsPeer tls_peer;
    std::string session;                 ///< a ULID; empty without a door
    bool early = false;                  ///< the client spoke before the greeting
    std::string rule;                    ///< of the door's last refusal, until it is in the record
    Facts facts;                         ///< of the session
    Facts message_facts;                 ///< of the message in progress
    std::vector<std::string> would_have; ///< rules in dry-run, since the last record
};

/// The records of a front: one for each message that was taken to its end, one for each refusal.
class ServerRecords {
public:
    ServerRecords(Log* log, const Clock& clock) : log_(log), clock_(clock) {}

    struct Times {
        double ms = 0;      ///< from the end of the data to the answer
        double data_ms = 0; ///< from the first octets to the end of the data
    };
    void message(ServerVisit& visit, const std::vector<ServerReply>& said, std::size_t octets, Times times);
    /// What the codec refused since the last call; errors in a session are limited, and so are these.
    void refusals(ServerVisit& visit);
    /// A connection that was refused before the greeting, by the door or for its number.
    void refused_connection(ServerVisit& visit, const ServerReply& reply);

private:
    bool is_open() const { return log_ != nullptr && log_->is_open(); }
    void write(ServerVisit& visit, Record& record);

    Log* log_;
    const Clock& clock_;
};

} // namespace mgw::smtp
