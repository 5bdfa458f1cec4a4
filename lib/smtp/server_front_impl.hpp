// The front's inside, shared by its sources: set-up and accepting (server_front.cpp), sessions
// (server_conversation.cpp), messages (server_message.cpp), the clock and the supervisor (server_watch.cpp).
#pragma once

#include "lib/smtp/credential_client.hpp"
#include "lib/smtp/lane_client.hpp"
#include "lib/smtp/lane_supervisor.hpp"
#include "lib/smtp/server_front.hpp"
#include "lib/smtp/server_tls.hpp"
#include "lib/smtp/server_visit.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace mgw::smtp
{

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
using Descriptor = asio::posix::stream_descriptor;
using SteadyClock = std::chrono::steady_clock;
using Instant = SteadyClock::time_point;
using ErrorCode = boost::system::error_code;

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr Instant never = Instant::max();
constexpr std::chrono::hours ticket_life{1};
constexpr std::chrono::seconds farewell{5}; ///< for the last reply and the end of TLS

struct Session : ServerVisit {
    Session(asio::io_context& io, int family, int fd, const ServerConfig& config, SpoolBudget& budget)
        : ServerVisit(config, budget), socket(io, asio::generic::stream_protocol(family, 0), fd), wake(io)
    {
        socket.non_blocking(true);
    }
    Socket socket;
    std::optional<asio::ssl::stream<Socket&>> tls;
    bool implicit_tls = false;
    bool submission = false;
    bool proxied = false;    ///< a PROXY header comes first
    asio::steady_timer wake; ///< cancelled when the lane or the door has answered
    Instant deadline = never;
    Instant begin;                 ///< of the session or of what followed its last message
    Instant data_begin;            ///< of the message's first octets
    Instant block_begin;           ///< of its octets after DATA or BDAT
    std::size_t octets_before = 0; ///< of the message, in earlier chunks
    bool timed_out = false;
    bool stopped = false;
    bool reading = false; ///< between commands: may be told to go
    bool pausing = false; ///< kept waiting by the door
    std::optional<LaneOutcome> outcome;
    std::optional<DoorAnswer> door;
    std::optional<CredentialAnswer> credentials;
};
using SessionPointer = std::shared_ptr<Session>;

class Front {
public:
    Front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control);
    Result<Status> run();

private:
    Result<void> set_up_tls();
    asio::awaitable<void> accept(std::size_t listener);
    void take_connections(std::size_t listener);
    void start_session(int fd, int family, const FrontListener& listener, PeerAddress peer, const ServerConfig& config);
    void set_peer(Session& s, PeerAddress peer);
    void forget_peer(const Session& s);
    bool is_one_too_many(const PeerAddress& peer) const;
    asio::awaitable<void> serve(SessionPointer s);
    asio::awaitable<bool> take_proxy_header(SessionPointer s);
    asio::awaitable<void> stand_for(SessionPointer s);
    asio::awaitable<bool> greet(SessionPointer s);
    asio::awaitable<bool> converse(SessionPointer s, std::string_view octets);
    asio::awaitable<std::size_t> read(SessionPointer s, ErrorCode& error);
    asio::awaitable<bool> send_replies(SessionPointer s);
    asio::awaitable<bool> start_tls(SessionPointer s);
    asio::awaitable<void> end(SessionPointer s);
    asio::awaitable<DoorAnswer> ask_door(SessionPointer s, DoorPoint at, bool failed = false);
    asio::awaitable<void> pause(SessionPointer s, std::chrono::milliseconds time);
    asio::awaitable<void> authenticate(SessionPointer s);
    std::chrono::milliseconds wrong_password(const std::string& network);
    asio::awaitable<void> pass_door(SessionPointer s, DoorPoint at);

    void allow_mail(Session& s);
    void allow_data(Session& s);
    asio::awaitable<void> wait_for_room(SessionPointer s);
    bool has_turn(const SessionPointer& s);
    void note_full_disk(const std::vector<mail::Answer>& answers);
    asio::awaitable<void> message(SessionPointer s);
    std::vector<ServerReply> faults(Session& s, Spool& spool) const;
    Arrival arrival(const Session& s) const;
    std::vector<ServerReply> replies(const ServerSession& codec, const std::vector<mail::Answer>& answers) const;

    void hear(Session& s) const;
    asio::awaitable<void> listen_to_supervisor();
    void new_certificates(Fd pairs);
    asio::awaitable<void> watch();
    void stop();
    void tell(LaneNote note, std::uint8_t serial);
    ServerReply shutting_down() const { return {421, "4.3.2", options_.server.hostname + " is shutting down"}; }

    FrontOptions options_;
    std::vector<FrontListener> listeners_;
    asio::io_context io_{1};
    std::optional<ServerTls> tls_;
    std::vector<ServerConfig> configs_;
    ServerConfig connected_config_;
    SpoolBudget budget_;
    std::weak_ptr<Session> turn_;         ///< whose message goes on growing where memory is short
    Instant full_until_ = Instant::min(); ///< the sink has no space
    Descriptor control_;
    LaneClient lanes_;
    std::unique_ptr<DoorClient> door_; ///< none: everything passes
    CredentialClient keeper_;
    struct WrongPasswords {
        unsigned count = 0;
        Instant last;
    };
    std::map<std::string, WrongPasswords> wrong_passwords_; // by network
    ServerRecords records_;
    std::set<SessionPointer> sessions_;
    std::map<std::string, std::size_t> per_network_;
    /// One for all sessions: nothing in it outlives a read and what is made of it. Whoever awaits anything copies first
    /// what is left.
    std::array<char, 128U << 10> buffer_{};
    Instant tickets_renewed_ = SteadyClock::now();
    bool stopping_ = false;
    Instant stop_by_ = never;
};

} // namespace mgw::smtp
