#pragma once

#include "lib/smtp/server_command.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace boost::asio
{
class io_context;
}

namespace mgw::smtp
{

/// Where in a session the door is asked.
enum class DoorPoint : char {
    connect,   ///< before the greeting; a second time, with `early`, where the client spoke while it was kept waiting
    hello,     ///< HELO, EHLO, LHLO
    auth,      ///< a password was checked, see `failed`
    mail,      ///< MAIL, after the codec found it in order
    recipient, ///< RCPT, after the codec found it in order
};

/// What is known of a session at such a point. Foreign text is verbatim.
struct DoorQuestion {
    DoorPoint at = DoorPoint::connect;
    std::string session; ///< a ULID, the same for all questions of a session
    std::string id;      ///< the Mgw-Id; from MAIL on
    std::string ip;      ///< empty for a Unix socket
    std::string name;    ///< of the client, as an earlier answer gave it
    std::string helo;
    std::string listener;   ///< as in Mgw-Client
    std::string login;      ///< authenticated; at `auth` the one that was tried
    std::string from;       ///< the path of MAIL; "" is the null path
    std::string to;         ///< the path of this RCPT
    std::uint64_t size = 0; ///< declared with SIZE=, 0 for none
    bool early = false;     ///< the client spoke before the greeting
    bool tls = false;
    bool submission = false; ///< a listener of RFC 6409
    bool failed = false;     ///< at `auth`: the password was wrong
};

enum class DoorAction : char {
    pass,
    refuse, ///< say `reply` with its 5xx; at connect the session ends with it
    defer,  ///< the same with a 4xx
    close,  ///< say `reply`, then close
};

struct DoorAnswer {
    DoorAction action = DoorAction::pass;
    ServerReply reply;                   ///< of all but pass
    std::chrono::milliseconds pause{0};  ///< the client waits that long for what is said then (tarpit)
    std::string rule;                    ///< the deciding one, for the record: "deny.txt:12"
    std::string name;                    ///< the client's confirmed name; kept for the session where not empty
    std::vector<std::string> would_have; ///< what rules in dry-run would have done, for the record
    /// Measured values, for the record and as an Mgw-Result of mgw-recv. Later ones replace earlier ones key by key:
    /// those of connect and hello hold for the session, those of mail and recipient for the message.
    std::vector<std::pair<std::string, std::string>> facts;
};

/// Who decides whether a client, a sender, a recipient is let in. Lives on the front's event loop: nothing in it may
/// block.
class DoorClient {
public:
    using Done = std::function<void(DoorAnswer)>;

    virtual ~DoorClient() = default;
    /// `done` is called exactly once, on the event loop, perhaps before ask() returns; also when the door is late or
    /// dead: what holds then is the door's own business, and so is the time that an answer may take.
    virtual void ask(DoorQuestion question, Done done) = 0;
    /// To be called a few times a second, for what is overdue.
    virtual void tick() {}
};

/// Makes the door of a front on its event loop.
using MakeDoor = std::function<std::unique_ptr<DoorClient>(boost::asio::io_context& io)>;

} // namespace mgw::smtp
