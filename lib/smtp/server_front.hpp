#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/limits.hpp"
#include "lib/core/log.hpp"
#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/door.hpp"
#include "lib/smtp/server_session.hpp"
#include "lib/smtp/server_tls.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// A bound, listening socket.
struct FrontListener {
    int fd = -1;
    bool lmtp = false;
    bool submission = false; ///< RFC 6409: mail of authors with a login
    bool tls = false;        ///< from the first octet (RFC 8314)
    std::string name = {};   ///< for Mgw-Client: the port, or the path of a Unix socket
};

struct FrontOptions {
    ServerConfig server; ///< lmtp and offer_tls are set for each listener
    Limits limits;
    std::size_t memory_octets = 256U << 20; ///< of all messages in progress
    std::size_t connections = 1000;
    std::size_t connections_per_ip = 50; ///< of one IPv4 address or one IPv6 /64
    std::chrono::seconds command_timeout{300};
    std::chrono::seconds session_timeout{3600}; ///< without a message
    std::chrono::seconds data_timeout{180};     ///< of one block of data
    std::size_t data_rate = 100;                ///< octets a second, the least over the whole of a message
    std::chrono::milliseconds lane_timeout{300'000};
    std::chrono::milliseconds drain_timeout{30'000};
    bool per_message = false;
    std::vector<TlsPair> tls;     ///< the first is the default; no TLS without
    bool ask_certificate = false; ///< of clients
    int keeper = -1;              ///< of passwords (start_keeper); the front's own from then on; no AUTH without
    std::chrono::milliseconds wrong_password_pause{1000}; ///< and as much more for each further one of that network
    using IsListed = std::function<bool(const std::string& ip)>;
    IsListed may_relay;   ///< whether a client may send to any domain
    IsListed may_xclient; ///< whether it may say whom it stands for (XCLIENT, XFORWARD)
    IsListed is_proxy;    ///< whether its connections begin with a PROXY header
    int connected = -1;   ///< one session on this socket, then the end
    std::string connected_ip;
    Clock clock;
    Random random;
    MakeDoor make_door; ///< without it everything passes
    Log* log = nullptr;
    std::function<void(const Error&)> complain;
    std::function<Result<void>()> confine = [] { return Result<void>{}; }; ///< after set-up
};

/// Serves SMTP and LMTP sessions in one thread, until `control` (see LaneNote) says stop or ends. Lanes and
/// new certificates (as pack_pairs makes them) come over `control`.
Result<Status> run_front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control);

} // namespace mgw::smtp
