#include "lib/smtp/milter_front.hpp"

#include "lib/core/ulid.hpp"
#include "lib/smtp/lane_client.hpp"
#include "lib/smtp/lane_supervisor.hpp"
#include "lib/smtp/milter_session.hpp"
#include "lib/smtp/server_data.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <set>
#include <sys/socket.h>

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
constexpr std::chrono::seconds progress_pause{5}; ///< mail servers wait for minutes, but not for ever
constexpr std::chrono::seconds write_timeout{60};

struct Session {
    Session(asio::io_context& io, int family, int fd, const Limits& limits, SpoolBudget& budget)
        : socket(io, asio::generic::stream_protocol(family, 0), fd), wake(io), codec(limits, budget)
    {
        socket.non_blocking(true);
    }
    Socket socket;
    asio::steady_timer wake; ///< cancelled when the lane has answered
    MilterSession codec;
    std::string listener;
    Instant deadline = never;
    bool reading = false; ///< waits for the mail server
    std::optional<LaneOutcome> outcome;
};
using SessionPointer = std::shared_ptr<Session>;

/// A message while the pipeline has it; its lane may hold on to its octets for longer than the mail server waits.
struct Work {
    MilterMessage message;
    std::string_view octets;
    std::string id;
    mail::Client client;
    Instant begin = SteadyClock::now();
};

class MilterFront {
public:
    MilterFront(MilterFrontOptions options, const std::vector<MilterListener>& listeners, Fd control);
    Result<Status> run();

private:
    asio::awaitable<void> accept(std::size_t listener);
    void take_connections(const MilterListener& listener);
    asio::awaitable<void> serve(SessionPointer s);
    asio::awaitable<bool> converse(SessionPointer s, std::string_view octets);
    asio::awaitable<bool> send(SessionPointer s, std::string octets);
    asio::awaitable<bool> message(SessionPointer s);
    asio::awaitable<bool> wait_for_lane(SessionPointer s);
    MilterDecision decided(const Work& work, Session& s) const;
    LaneFrame frame_of(const std::shared_ptr<Work>& work, const Session& s);
    void record(const Work& work, const Session& s, const MilterDecision& decision);
    void warn_of(const MilterDecision& decision);
    void hear(Session& s) const { s.deadline = SteadyClock::now() + options_.session_timeout; }
    asio::awaitable<void> listen_to_supervisor();
    asio::awaitable<void> watch();
    void stop();
    void tell(LaneNote note, std::uint8_t serial);

    MilterFrontOptions options_;
    std::vector<MilterListener> listeners_;
    asio::io_context io_{1};
    SpoolBudget budget_;
    Descriptor control_;
    LaneClient lanes_;
    std::set<SessionPointer> sessions_;
    std::array<char, read_octets> buffer_{}; // one for all: nothing in it outlives a read and what is made of it
    bool warned_of_unsent_ = false;
    bool warned_of_effects_ = false;
    bool stopping_ = false;
    Instant stop_by_ = never;
};

MilterFront::MilterFront(MilterFrontOptions options, const std::vector<MilterListener>& listeners, Fd control)
    : options_(std::move(options)), listeners_(listeners), budget_{options_.memory_octets, 0},
      control_(io_, control.release()),
      lanes_(
          io_, options_.per_message, [this](std::uint8_t serial) { tell(LaneNote::want, serial); }, options_.complain,
          options_.limits)
{}

Result<Status> MilterFront::run()
{
    if (auto confined = options_.confine(); !confined)
        return pass(confined);
    // end of initialization
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        asio::co_spawn(io_, accept(i), asio::detached);
    asio::co_spawn(io_, listen_to_supervisor(), asio::detached);
    asio::co_spawn(io_, watch(), asio::detached);
    io_.run();
    return Status::ok;
}

asio::awaitable<void> MilterFront::accept(std::size_t listener)
{
    Descriptor socket(io_, ::fcntl(listeners_[listener].fd, F_DUPFD_CLOEXEC, 3));
    while (!stopping_) {
        const auto [error] = co_await socket.async_wait(Descriptor::wait_read, quiet);
        if (stopping_)
            break;
        errno = 0;
        if (!error)
            take_connections(listeners_[listener]);
        if (error || errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            asio::steady_timer pause(io_, std::chrono::milliseconds(200));
            co_await pause.async_wait(quiet);
        }
    }
}

void MilterFront::take_connections(const MilterListener& listener)
{
    for (int n = 0; n < 64; ++n) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        Fd fd{::accept4(listener.fd, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!fd)
            return;
        if (sessions_.size() >= options_.connections)
            continue; // the mail server does what it does without its filter
        const int on = 1;
        if (address.ss_family != AF_UNIX)
            ::setsockopt(fd.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // answers are written whole
        auto s = std::make_shared<Session>(io_, address.ss_family, fd.release(), options_.limits, budget_);
        s->listener = listener.name;
        hear(*s);
        sessions_.insert(s);
        asio::co_spawn(io_, serve(s), [this, s](std::exception_ptr failed) {
            // one connection's failure (out of memory) is that connection's end
            if (failed)
                options_.complain(Error{Status::temp_fail, "a milter connection failed"});
            sessions_.erase(s);
        });
    }
}

asio::awaitable<void> MilterFront::serve(SessionPointer s)
{
    for (bool goes_on = true; goes_on;) {
        s->reading = true;
        ErrorCode error;
        std::size_t octets = 0;
        const auto [failed] = co_await s->socket.async_wait(Socket::wait_read, quiet);
        s->reading = false;
        if (failed)
            break;
        octets = s->socket.read_some(asio::buffer(buffer_), error);
        if (error == asio::error::would_block || error == asio::error::interrupted)
            continue;
        if (error)
            break; // the mail server went away; a message without its end is nothing
        hear(*s);
        goes_on = co_await converse(s, {buffer_.data(), octets});
    }
    if (!s->codec.error().empty())
        options_.complain(Error{Status::temp_fail, "a milter connection ends: " + s->codec.error()});
    ErrorCode ignored;
    s->socket.close(ignored);
}

/// All that is to do about some octets; false at the end of the connection.
asio::awaitable<bool> MilterFront::converse(SessionPointer s, std::string_view octets)
{
    std::string rest; // what stands behind a message while its answer is awaited
    for (;;) {
        const auto event = s->codec.feed(octets);
        if (event == MilterEvent::message) {
            rest = std::string(octets);
            octets = rest;
            if (!co_await message(s))
                co_return false;
            hear(*s);
            if (stopping_)
                co_return false;
            continue;
        }
        if (auto output = s->codec.take_output(); !output.empty())
            if (!co_await send(s, std::move(output)))
                co_return false;
        co_return event != MilterEvent::close;
    }
}

asio::awaitable<bool> MilterFront::send(SessionPointer s, std::string octets)
{
    s->deadline = SteadyClock::now() + write_timeout;
    const auto [error, n] = co_await asio::async_write(s->socket, asio::buffer(octets), quiet);
    hear(*s);
    co_return !error;
}

/// Gives a message to the lane and what was decided to the mail server.
asio::awaitable<bool> MilterFront::message(SessionPointer s)
{
    auto work = std::make_shared<Work>();
    work->client = s->codec.client();
    work->client.listener = s->listener;
    work->message = s->codec.take_message();
    work->id = make_ulid(options_.clock.now(), options_.random);
    work->octets = work->message.octets.view();
    if (!work->message.refusal && !work->message.octets.intact())
        work->message.refusal = data_refusal(DataFault::no_memory, {});
    s->outcome.reset();
    if (!work->message.refusal) {
        // the last filter may end just before the deadline: its frame is waited for a little longer
        const auto margin =
            std::max<std::chrono::milliseconds>(options_.lane_timeout / 10, std::chrono::milliseconds(500));
        s->deadline = never; // from here on the lane's deadline counts
        lanes_.deliver(frame_of(work, *s), work->message.envelope.to.size(),
                       work->begin + options_.lane_timeout + margin, [s](LaneOutcome outcome) {
                           s->outcome = std::move(outcome);
                           s->wake.cancel();
                       });
        if (!co_await wait_for_lane(s))
            co_return false;
    }
    const auto decision = decided(*work, *s);
    s->outcome.reset();
    record(*work, *s, decision);
    warn_of(decision);
    s->codec.finish(decision.packets);
    co_return co_await send(s, s->codec.take_output());
}

/// Tells the mail server from time to time that its message is still at work.
asio::awaitable<bool> MilterFront::wait_for_lane(SessionPointer s)
{
    bool is_there = true;
    while (!s->outcome) {
        s->wake.expires_after(progress_pause);
        co_await s->wake.async_wait(quiet);
        if (!s->outcome && is_there) {
            is_there = co_await send(s, milter_packet(MilterAnswer::progress));
            s->deadline = never;
        }
    }
    co_return is_there;
}

/// What a pipeline that failed made of it is our failure, and never lets the message pass.
MilterDecision MilterFront::decided(const Work& work, Session& s) const
{
    if (work.message.refusal)
        return refusal(*work.message.refusal, work.id);
    if (!s.outcome->frame) {
        const auto answer = mail::one_reply(s.outcome->answers);
        return refusal({answer.code, answer.enhanced, answer.text}, work.id);
    }
    return decide(work.message, work.octets, *s.outcome->frame, s.codec.actions(), options_.rules);
}

/// The message as the server holds it: no trace field, for the server adds its own.
LaneFrame MilterFront::frame_of(const std::shared_ptr<Work>& work, const Session& s)
{
    Arrival arrival;
    arrival.id = work->id;
    arrival.client = work->client;
    arrival.client.listener = s.listener;
    arrival.deadline = boot_seconds() + static_cast<double>(options_.lane_timeout.count()) / 1000.0;
    LaneFrame frame;
    frame.id = work->id;
    frame.keeper = work;
    frame.pieces = without_foreign_fields(work->octets);
    const auto block = stamped_block(arrival, work->message.envelope).text();
    std::size_t octets = 0;
    for (const auto piece : frame.pieces)
        octets += piece.size();
    frame.head =
        "MGW1 " + frame.id + " 1\n" + std::to_string(block.size()) + ' ' + std::to_string(octets) + '\n' + block;
    frame.tail = "END " + frame.id + '\n';
    return frame;
}

void MilterFront::record(const Work& work, const Session& s, const MilterDecision& decision)
{
    if (options_.log == nullptr || !options_.log->is_open())
        return;
    const auto& client = work.client;
    Record record;
    record.text("id", work.id)
        .text("stage", "mgw-recv")
        .text("queue_id", work.message.queue_id)
        .text("client", client.ip)
        .text("helo", client.helo)
        .text("proto", client.proto);
    if (!client.tls.empty())
        record.text("tls", client.tls);
    record.text("listener", s.listener).address("from", work.message.envelope.from);
    std::vector<std::string> to;
    for (const auto& recipient : work.message.envelope.to)
        to.push_back(recipient.path);
    record.addresses("to", to).number("size", static_cast<std::int64_t>(work.message.seen_octets));
    record.text("milter", decision.action).number("edits", static_cast<std::int64_t>(decision.edits));
    if (decision.action == "defer" || decision.action == "reject")
        record.number("code", decision.reply.code).text("enhanced", decision.reply.enhanced);
    if (!decision.reply.text.empty())
        record.text("text", decision.reply.text);
    if (!decision.removed.empty())
        record.addresses("removed", decision.removed);
    if (!decision.added.empty())
        record.addresses("added", decision.added);
    if (decision.unsent > 0)
        record.number("unsent", static_cast<std::int64_t>(decision.unsent));
    if (decision.effects > 0)
        record.number("effects", static_cast<std::int64_t>(decision.effects));
    record.real("ms", std::chrono::duration<double, std::milli>(SteadyClock::now() - work.begin).count());
    options_.log->write(options_.clock.now(), record);
}

void MilterFront::warn_of(const MilterDecision& decision)
{
    if (decision.unsent > 0 && !std::exchange(warned_of_unsent_, true))
        options_.warn(
            "the pipeline made a message that a milter cannot send: it is dropped; records count further ones");
    if (decision.effects > 0 && !std::exchange(warned_of_effects_, true))
        options_.warn("the pipeline asked for a change of state that only a sink makes; records count further ones");
}

asio::awaitable<void> MilterFront::listen_to_supervisor()
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

asio::awaitable<void> MilterFront::watch()
{
    asio::steady_timer timer(io_);
    for (;;) {
        timer.expires_after(std::chrono::milliseconds(stopping_ ? 20 : 200));
        co_await timer.async_wait(quiet);
        lanes_.tick();
        const auto now = SteadyClock::now();
        for (const auto& s : sessions_) {
            ErrorCode ignored;
            if (now > s->deadline || (stopping_ && s->reading && !s->codec.in_message()))
                s->socket.cancel(ignored);
        }
        if (stopping_ && ((sessions_.empty() && lanes_.in_flight() == 0) || now > stop_by_)) {
            tell(LaneNote::ending, 0);
            io_.stop();
            co_return;
        }
    }
}

void MilterFront::stop()
{
    if (stopping_)
        return;
    stopping_ = true;
    stop_by_ = SteadyClock::now() + options_.drain_timeout;
    for (const auto& listener : listeners_)
        ::shutdown(listener.fd, SHUT_RD); // who connects now is refused at once, not left waiting
}

void MilterFront::tell(LaneNote note, std::uint8_t serial)
{
    for (const char octet : {static_cast<char>(note), static_cast<char>(serial)})
        if (auto sent = send_fds(control_.native_handle(), octet, nullptr, 0); !sent)
            return; // the supervisor is gone, and its end of the socket says so to those who read it
}

} // namespace

Result<Status> run_milter_front(MilterFrontOptions options, const std::vector<MilterListener>& listeners, Fd control)
{
    const auto front = std::make_unique<MilterFront>(std::move(options), listeners, std::move(control));
    return front->run();
}

} // namespace mgw::smtp
