#include "lib/smtp/server_front.hpp"

#include "lib/core/text.hpp"
#include "lib/core/ulid.hpp"
#include "lib/smtp/lane_client.hpp"
#include "lib/smtp/lane_supervisor.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
using Descriptor = asio::posix::stream_descriptor;
using SteadyClock = std::chrono::steady_clock;
using Instant = SteadyClock::time_point;
using ErrorCode = boost::system::error_code;

namespace
{

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr Instant never = Instant::max();
constexpr std::size_t read_octets = 128U << 10;
constexpr std::chrono::seconds farewell{5}; ///< for the last reply and the end of TLS

/// A client: its address as text, and the network that counts as one client (an IPv6 host owns a /64).
struct PeerAddress {
    std::string ip;
    std::string network;
};

PeerAddress peer_address(int fd)
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return {};
    if (address.ss_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr, text.data(), text.size());
        return {text.data(), text.data()};
    }
    if (address.ss_family != AF_INET6)
        return {};
    const auto& six = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        ::inet_ntop(AF_INET, six.s6_addr + 12, text.data(), text.size());
        return {text.data(), text.data()};
    }
    ::inet_ntop(AF_INET6, &six, text.data(), text.size());
    return {text.data(), hex({reinterpret_cast<const char*>(six.s6_addr), 8})};
}

/// TLS 1.2 and later (RFC 8996), no renegotiation.
Result<void> load_tls(asio::ssl::context& tls, const std::string& certificate, const std::string& key)
{
    using Context = asio::ssl::context;
    ErrorCode error;
    tls.set_options(Context::default_workarounds | Context::no_sslv3 | Context::no_tlsv1 | Context::no_tlsv1_1 |
                        Context::no_compression | SSL_OP_NO_RENEGOTIATION,
                    error);
    if (!error)
        tls.use_certificate_chain(asio::buffer(certificate), error);
    if (error)
        return fail(Status::config, "--tls-cert: " + error.message());
    tls.use_private_key(asio::buffer(key), Context::pem, error);
    if (error)
        return fail(Status::config, "--tls-key: " + error.message(), "is it the key of that certificate?");
    return {};
}

struct Session {
    Session(asio::io_context& io, int family, int fd, const ServerConfig& config, SpoolBudget& budget)
        : socket(io, asio::generic::stream_protocol(family, 0), fd), wake(io), codec(config, budget)
    {
        socket.non_blocking(true);
    }
    Socket socket;
    std::optional<asio::ssl::stream<Socket&>> tls;
    asio::steady_timer wake; ///< cancelled when the lane has answered
    ServerSession codec;
    PeerAddress peer;
    std::string listener;
    Instant deadline = never;
    Instant begin;                 ///< of the session or of what followed its last message
    Instant data_begin;            ///< of the message's first octets
    Instant block_begin;           ///< of its octets after DATA or BDAT
    std::size_t octets_before = 0; ///< of the message, in earlier chunks
    bool timed_out = false;
    bool stopped = false;
    bool reading = false; ///< between commands: may be told to go
    std::optional<LaneOutcome> outcome;
};
using SessionPointer = std::shared_ptr<Session>;

class Front {
public:
    Front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control);
    Result<Status> run();

private:
    Result<void> set_up_tls();
    asio::awaitable<void> accept(std::size_t listener);
    void take_connections(int fd, const FrontListener& listener);
    void start_session(int fd, int family, const std::string& name, PeerAddress peer, const ServerConfig& config);
    asio::awaitable<void> serve(SessionPointer s);
    asio::awaitable<bool> converse(SessionPointer s, std::string_view octets);
    asio::awaitable<std::size_t> read(SessionPointer s, ErrorCode& error);
    asio::awaitable<bool> send_replies(SessionPointer s);
    asio::awaitable<bool> start_tls(SessionPointer s);
    asio::awaitable<void> message(SessionPointer s);
    asio::awaitable<void> end(SessionPointer s);
    std::vector<ServerReply> replies(const ServerSession& codec, const std::vector<mail::Answer>& answers) const;
    void hear(Session& s) const;
    Record begin_record(const Session& s, const std::string& id) const;
    void record_refusals(Session& s);
    void record(Session& s, const std::vector<ServerReply>& said, Instant begin, std::size_t octets);
    asio::awaitable<void> listen_to_supervisor();
    asio::awaitable<void> watch();
    void stop();
    void tell(LaneNote note, std::uint8_t serial);

    FrontOptions options_;
    std::vector<FrontListener> listeners_;
    asio::io_context io_{1};
    std::optional<asio::ssl::context> tls_;
    std::vector<ServerConfig> configs_;
    ServerConfig connected_config_;
    SpoolBudget budget_;
    Descriptor control_;
    LaneClient lanes_;
    std::set<SessionPointer> sessions_;
    std::map<std::string, std::size_t> per_network_;
    std::array<char, read_octets> buffer_{}; // one for all: nothing in it outlives a read and what is made of it
    bool stopping_ = false;
    Instant stop_by_ = never;
};

Front::Front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control)
    : options_(std::move(options)), listeners_(listeners), budget_{options_.memory_octets, 0},
      control_(io_, control.release()),
      lanes_(
          io_, options_.per_message, [this](std::uint8_t serial) { tell(LaneNote::want, serial); }, options_.complain)
{
    options_.server.make_id = [this] { return make_ulid(options_.clock.now(), options_.random); };
    for (const auto& listener : listeners_) {
        configs_.push_back(options_.server);
        configs_.back().lmtp = listener.lmtp;
        if (listener.lmtp) // each recipient gets an answer of its own there
            configs_.back().recipients = options_.limits.recipients;
    }
    connected_config_ = options_.server;
}

Result<Status> Front::run()
{
    if (!options_.tls_certificate.empty())
        if (auto set_up = set_up_tls(); !set_up)
            return pass(set_up);
    if (auto confined = options_.confine(); !confined)
        return pass(confined);
    // end of initialization
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        asio::co_spawn(io_, accept(i), asio::detached);
    asio::co_spawn(io_, listen_to_supervisor(), asio::detached);
    asio::co_spawn(io_, watch(), asio::detached);
    if (options_.connected >= 0) {
        auto peer = peer_address(options_.connected);
        if (!options_.connected_ip.empty())
            peer.ip = options_.connected_ip;
        start_session(options_.connected, AF_UNIX, "stdio", std::move(peer), connected_config_);
    }
    io_.run();
    return Status::ok;
}

Result<void> Front::set_up_tls()
{
    tls_.emplace(asio::ssl::context::tls_server);
    if (auto loaded = load_tls(*tls_, options_.tls_certificate, options_.tls_key); !loaded)
        return loaded;
    for (auto& config : configs_)
        config.offer_tls = true;
    connected_config_.offer_tls = true;
    return {};
}

asio::awaitable<void> Front::accept(std::size_t listener)
{
    Descriptor socket(io_, ::fcntl(listeners_[listener].fd, F_DUPFD_CLOEXEC, 3));
    while (!stopping_) {
        // the socket is shared with no one, but a client may have gone again before accept
        const auto [error] = co_await socket.async_wait(Descriptor::wait_read, quiet);
        if (stopping_)
            break;
        if (!error)
            take_connections(static_cast<int>(listener), listeners_[listener]);
        if (error || errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            asio::steady_timer pause(io_, std::chrono::milliseconds(200));
            co_await pause.async_wait(quiet);
        }
    }
}

void Front::take_connections(int index, const FrontListener& listener)
{
    for (int n = 0; n < 64; ++n) {
        Fd fd{::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!fd)
            return;
        errno = 0;
        auto peer = peer_address(fd.value());
        const auto refuse = [&](std::string_view text) {
            [[maybe_unused]] const ssize_t sent =
                ::send(fd.value(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        };
        if (sessions_.size() >= options_.connections) {
            refuse("421 4.3.2 Too many connections, try again later\r\n");
            continue;
        }
        if (!peer.network.empty() && per_network_[peer.network] >= options_.connections_per_ip) {
            refuse("421 4.7.0 Too many connections from your address\r\n");
            continue;
        }
        const int on = 1;
        ::setsockopt(fd.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // replies are written whole
        const int family = peer.ip.empty() ? AF_UNIX : peer.ip.contains(':') ? AF_INET6 : AF_INET;
        start_session(fd.release(), family, listener.name, std::move(peer), configs_[static_cast<std::size_t>(index)]);
    }
}

void Front::start_session(int fd, int family, const std::string& name, PeerAddress peer, const ServerConfig& config)
{
    auto s = std::make_shared<Session>(io_, family, fd, config, budget_);
    s->peer = std::move(peer);
    s->listener = name;
    s->begin = SteadyClock::now();
    sessions_.insert(s);
    if (!s->peer.network.empty())
        ++per_network_[s->peer.network];
    asio::co_spawn(io_, serve(s), [this, s](std::exception_ptr failed) {
        // one session's failure (out of memory) is that session's end
        if (failed)
            options_.complain(Error{Status::temp_fail, "a session with " + s->peer.ip + " failed"});
        sessions_.erase(s);
        if (const auto found = per_network_.find(s->peer.network); found != per_network_.end() && --found->second == 0)
            per_network_.erase(found);
        if (options_.connected >= 0)
            stop();
    });
}

asio::awaitable<void> Front::serve(SessionPointer s)
{
    s->codec.greet();
    hear(*s);
    bool goes_on = co_await send_replies(s);
    while (goes_on) {
        ErrorCode error;
        s->reading = true;
        const auto octets = co_await read(s, error);
        s->reading = false;
        if (s->timed_out || s->stopped) {
            s->codec.close_with(
                s->stopped ? ServerReply{421, "4.3.2", options_.server.hostname + " is shutting down"}
                           : ServerReply{421, "4.4.2", options_.server.hostname + " waited too long, closing"});
            break;
        }
        if (error)
            co_return; // the client went away; a message without its end is nothing
        goes_on = co_await converse(s, {buffer_.data(), octets});
    }
    co_await end(s);
}

/// The next octets, into the common buffer.
asio::awaitable<std::size_t> Front::read(SessionPointer s, ErrorCode& error)
{
    if (s->tls) {
        // OpenSSL needs a place to write to while it waits, so not the common one
        std::array<char, 16384> own;
        const auto [failed, n] = co_await s->tls->async_read_some(asio::buffer(own), quiet);
        error = failed;
        std::copy_n(own.begin(), n, buffer_.begin());
        co_return n;
    }
    for (;;) {
        const auto [failed] = co_await s->socket.async_wait(Socket::wait_read, quiet);
        error = failed;
        if (failed)
            co_return 0;
        const auto n = s->socket.read_some(asio::buffer(buffer_), error);
        if (error != asio::error::would_block && error != asio::error::interrupted)
            co_return n;
    }
}

/// All that is to do about some octets; false at the end of the session.
asio::awaitable<bool> Front::converse(SessionPointer s, std::string_view octets)
{
    std::string rest; // what stands behind a message while its answer is awaited
    bool heard_command = false;
    for (;;) {
        switch (s->codec.feed(octets)) {
        case ServerEvent::none:
            if (octets.empty()) {
                heard_command = heard_command || s->codec.has_replies();
                if (heard_command || s->codec.in_data())
                    hear(*s);
                co_return co_await send_replies(s) && !s->codec.is_closed();
            }
            break;
        case ServerEvent::mail: {
            // room for the message as declared, or for a usual one
            const auto wanted = std::max<std::size_t>(s->codec.envelope().declared_octets, 64U << 10);
            if (stopping_)
                s->codec.refuse({421, "4.3.2", options_.server.hostname + " is shutting down"});
            else if (!budget_.has_room(wanted))
                s->codec.refuse({452, "4.3.1", "Out of memory for messages, try again later"});
            else
                s->codec.accept();
            break;
        }
        case ServerEvent::recipient:
            s->codec.accept();
            break;
        case ServerEvent::data:
            if (!budget_.has_room(
                    std::min<std::size_t>(s->codec.announced_octets(), options_.server.data.message_octets))) {
                s->codec.refuse({452, "4.3.1", "Out of memory for messages, try again later"});
                break;
            }
            s->block_begin = SteadyClock::now();
            s->octets_before = s->codec.message_octets();
            if (s->octets_before == 0)
                s->data_begin = s->block_begin;
            s->codec.accept();
            break;
        case ServerEvent::message:
            rest.assign(octets);
            octets = rest;
            if (!co_await send_replies(s))
                co_return false;
            co_await message(s);
            if (stopping_)
                s->codec.close_with({421, "4.3.2", options_.server.hostname + " is shutting down"});
            heard_command = true;
            break;
        case ServerEvent::start_tls:
            if (!co_await send_replies(s))
                co_return false;
            co_return co_await start_tls(s);
        case ServerEvent::close:
            co_return false;
        }
        if (s->codec.is_closed())
            co_return false;
    }
}

asio::awaitable<bool> Front::send_replies(SessionPointer s)
{
    record_refusals(*s);
    if (!s->codec.has_replies())
        co_return true;
    const auto text = s->codec.take_replies();
    if (s->tls) {
        const auto [error, n] = co_await asio::async_write(*s->tls, asio::buffer(text), quiet);
        co_return !error;
    }
    const auto [error, n] = co_await asio::async_write(s->socket, asio::buffer(text), quiet);
    co_return !error;
}

asio::awaitable<bool> Front::start_tls(SessionPointer s)
{
    s->deadline =
        SteadyClock::now() + std::min<std::chrono::seconds>(options_.command_timeout, std::chrono::seconds(60));
    s->tls.emplace(s->socket, *tls_);
    const auto [error] = co_await s->tls->async_handshake(asio::ssl::stream_base::server, quiet);
    if (error) {
        s->tls.reset();
        s->codec.close_with({421, "4.7.0", "TLS failed"});
        s->codec.take_replies(); // in the middle of a handshake there is no one to tell
        co_return false;
    }
    s->codec.tls_started(SSL_get_version(s->tls->native_handle()));
    hear(*s);
    co_return true;
}

/// Gives a message to the lane and its answer to the client.
asio::awaitable<void> Front::message(SessionPointer s)
{
    const auto begin = SteadyClock::now();
    const auto octets = s->codec.message_octets();
    const auto& envelope = s->codec.envelope();
    std::vector<ServerReply> said;
    const auto refuse = [&](const ServerReply& reply) {
        said.assign(s->codec.is_lmtp() ? envelope.to.size() : 1, reply);
    };
    auto spool = std::move(s->codec.message());
    if (s->codec.fault() != DataFault::none)
        refuse(data_refusal(s->codec.fault(), options_.server.data));
    else if (spool.view(); !spool.intact())
        refuse(data_refusal(DataFault::no_memory, options_.server.data));
    else if (received_count(spool.view(), options_.limits) > options_.limits.received)
        refuse({554, "5.4.6", "Too many Received fields: this message goes in circles"});
    if (said.empty()) {
        Arrival arrival;
        arrival.id = s->codec.id();
        arrival.hostname = options_.server.hostname;
        arrival.client.ip = s->peer.ip;
        arrival.client.helo = s->codec.helo();
        arrival.client.proto = s->codec.protocol();
        arrival.client.tls = s->codec.tls();
        arrival.client.listener = s->listener;
        if (s->tls)
            arrival.tls_cipher = SSL_get_cipher_name(s->tls->native_handle());
        arrival.time = options_.clock.now();
        arrival.deadline = boot_seconds() + static_cast<double>(options_.lane_timeout.count()) / 1000.0;
        s->outcome.reset();
        s->deadline = never; // from here on the lane's deadline counts
        s->wake.expires_at(never);
        // a sink may begin to commit just before the deadline: its answer is waited for a little longer
        const auto margin =
            std::max<std::chrono::milliseconds>(options_.lane_timeout / 10, std::chrono::milliseconds(500));
        lanes_.deliver(stamped_frame(arrival, envelope, std::move(spool)), envelope.to.size(),
                       begin + options_.lane_timeout + margin, [s](LaneOutcome outcome) {
                           s->outcome = std::move(outcome);
                           s->wake.cancel();
                       });
        while (!s->outcome)
            co_await s->wake.async_wait(quiet);
        said = replies(s->codec, s->outcome->answers);
    }
    record(*s, said, begin, octets);
    s->codec.finish(said);
    s->begin = SteadyClock::now();
    hear(*s);
}

/// What the lane answered, in words for strangers; the record of the stage that said it has the rest.
std::vector<ServerReply> Front::replies(const ServerSession& codec, const std::vector<mail::Answer>& answers) const
{
    const auto reply = [](const mail::Answer& answer) {
        return ServerReply{answer.code, answer.enhanced, without_local_paths(answer.text)};
    };
    if (!codec.is_lmtp())
        return {reply(mail::one_reply(answers))};
    std::vector<ServerReply> out;
    for (const auto& answer : answers)
        out.push_back(reply(answer));
    return out;
}

/// The client has until then: for a command from now, but not for ever without a message; for data as long as a block
/// may take and the least rate allows.
void Front::hear(Session& s) const
{
    const auto now = SteadyClock::now();
    if (!s.codec.in_data()) {
        s.deadline = std::min(now + options_.command_timeout, s.begin + options_.session_timeout);
        return;
    }
    const auto octets = s.codec.message_octets() - s.octets_before;
    const auto allowed = std::chrono::seconds(octets / std::max<std::size_t>(options_.data_rate, 1));
    s.deadline = std::min(now + options_.data_timeout, s.block_begin + options_.data_timeout + allowed);
}

Record Front::begin_record(const Session& s, const std::string& id) const
{
    Record record;
    record.text("id", id)
        .text("stage", "mgw-recv")
        .text("client", s.peer.ip)
        .text("helo", s.codec.helo())
        .text("proto", s.codec.protocol());
    if (!s.codec.tls().empty())
        record.text("tls", s.codec.tls());
    record.text("listener", s.listener);
    return record;
}

void Front::record(Session& s, const std::vector<ServerReply>& said, Instant begin, std::size_t octets)
{
    if (options_.log == nullptr || !options_.log->is_open())
        return;
    const auto now = SteadyClock::now();
    const auto ms = [&](Instant since) { return std::chrono::duration<double, std::milli>(now - since).count(); };
    auto record = begin_record(s, s.codec.id());
    record.address("from", s.codec.envelope().from);
    std::vector<std::string> to;
    for (const auto& recipient : s.codec.envelope().to)
        to.push_back(recipient.path);
    record.addresses("to", to).number("size", static_cast<std::int64_t>(octets));
    std::vector<std::string> codes;
    for (const auto& reply : said)
        codes.push_back(std::to_string(reply.code));
    record.number("code", said.front().code).text("enhanced", said.front().enhanced).text("text", said.front().text);
    if (codes.size() > 1)
        record.list("codes", codes);
    record.real("ms", ms(begin)).real("data_ms", ms(s.data_begin) - ms(begin));
    options_.log->write(options_.clock.now(), record);
}

/// One record for each MAIL, RCPT, DATA and BDAT that was refused; errors in a session are limited, and so are these.
void Front::record_refusals(Session& s)
{
    for (const auto& refusal : s.codec.take_refusals()) {
        if (options_.log == nullptr || !options_.log->is_open())
            continue;
        auto record = begin_record(s, refusal.id);
        record.text("refused", refusal.command).address("from", refusal.from);
        if (!refusal.to.empty())
            record.addresses("to", {refusal.to});
        record.number("code", refusal.reply.code)
            .text("enhanced", refusal.reply.enhanced)
            .text("text", refusal.reply.text);
        options_.log->write(options_.clock.now(), record);
    }
}

/// The last replies and, under TLS, the sign that nothing was cut off. A client that does not read them is not waited
/// for.
asio::awaitable<void> Front::end(SessionPointer s)
{
    s->deadline = SteadyClock::now() + farewell;
    s->timed_out = false;
    if (co_await send_replies(s) && s->tls)
        co_await s->tls->async_shutdown(quiet);
    ErrorCode ignored;
    s->socket.shutdown(Socket::shutdown_send, ignored);
    // what the client still sends must not turn into a reset that takes the last reply away
    for (std::size_t n = 0; n < (1U << 20);) {
        const auto got = s->socket.read_some(asio::buffer(buffer_), ignored);
        if (ignored || got == 0)
            break;
        n += got;
    }
    s->socket.close(ignored);
}

asio::awaitable<void> Front::listen_to_supervisor()
{
    const int fd = control_.native_handle();
    for (;;) {
        const auto [error] = co_await control_.async_wait(Descriptor::wait_read, quiet);
        auto note = error ? Result<ReceivedFds>(fail(Status::temp_fail, "closed")) : receive_fds(fd);
        if (!note)
            break;
        if (note->octet == static_cast<char>(LaneNote::stop)) {
            stop();
            continue;
        }
        auto serial = receive_fds(fd);
        if (!serial)
            break;
        if (note->octet == static_cast<char>(LaneNote::lane_died))
            lanes_.lane_died(static_cast<std::uint8_t>(serial->octet));
        else if (note->count == 2)
            lanes_.add_lane(std::move(note->fds[0]), std::move(note->fds[1]), static_cast<std::uint8_t>(serial->octet));
    }
    stop(); // without a supervisor there are no new lanes
}

asio::awaitable<void> Front::watch()
{
    asio::steady_timer timer(io_);
    for (;;) {
        timer.expires_after(std::chrono::milliseconds(stopping_ ? 20 : 200));
        co_await timer.async_wait(quiet);
        lanes_.tick();
        const auto now = SteadyClock::now();
        for (const auto& s : sessions_) {
            if (stopping_ && s->reading && !s->codec.in_data() && !s->stopped) {
                s->stopped = true;
                s->socket.cancel();
            } else if (now > s->deadline) {
                ErrorCode ignored;
                if (s->timed_out || s->stopped)
                    s->socket.close(ignored);
                s->timed_out = true;
                s->deadline = now + farewell;
                s->socket.cancel(ignored);
            }
        }
        if (stopping_ && ((sessions_.empty() && lanes_.in_flight() == 0) || now > stop_by_)) {
            tell(LaneNote::ending, 0);
            io_.stop();
            co_return;
        }
    }
}

void Front::stop()
{
    if (stopping_)
        return;
    stopping_ = true;
    stop_by_ = SteadyClock::now() + options_.drain_timeout;
    for (const auto& listener : listeners_)
        ::shutdown(listener.fd, SHUT_RD); // who connects now is refused at once, not left waiting
}

void Front::tell(LaneNote note, std::uint8_t serial)
{
    for (const char octet : {static_cast<char>(note), static_cast<char>(serial)})
        if (auto sent = send_fds(control_.native_handle(), octet, nullptr, 0); !sent)
            return; // the supervisor is gone, and its end of the socket says so to those who read it
}

} // namespace

Result<void> check_tls(const std::string& certificate, const std::string& key)
{
    asio::ssl::context tls(asio::ssl::context::tls_server);
    return load_tls(tls, certificate, key);
}

Result<Status> run_front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control)
{
    const auto front = std::make_unique<Front>(std::move(options), listeners, std::move(control));
    return front->run();
}

} // namespace mgw::smtp
