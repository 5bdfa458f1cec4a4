// What the front does by the clock, and what it hears from the supervisor.
#include "lib/smtp/server_front_impl.hpp"

#include <algorithm>
#include <sys/socket.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t longest_pairs = 16U << 20;

} // namespace

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
        else if (note->octet == static_cast<char>(LaneNote::certificates) && note->count == 1)
            new_certificates(std::move(note->fds[0]));
        else if (note->octet == static_cast<char>(LaneNote::keeper) && note->count == 1)
            keeper_.use(std::move(note->fds[0]));
        else if (note->count == 2)
            lanes_.add_lane(std::move(note->fds[0]), std::move(note->fds[1]), static_cast<std::uint8_t>(serial->octet));
    }
    stop(); // without a supervisor there are no new lanes
}

/// The supervisor has read and checked them. What has begun goes on with the old ones.
void Front::new_certificates(Fd pairs)
{
    ::lseek(pairs.value(), 0, SEEK_SET);
    auto text = read_all(pairs.value(), longest_pairs);
    auto tls = text ? ServerTls::make(unpack_pairs(*text), options_.ask_certificate) : Result<ServerTls>(pass(text));
    if (!tls) {
        options_.complain(tls.error());
        return;
    }
    tls_ = std::move(*tls);
    tickets_renewed_ = SteadyClock::now();
}

asio::awaitable<void> Front::watch()
{
    asio::steady_timer timer(io_);
    for (;;) {
        timer.expires_after(std::chrono::milliseconds(stopping_ ? 20 : 200));
        co_await timer.async_wait(quiet);
        lanes_.tick();
        keeper_.tick();
        if (door_)
            door_->tick();
        const auto now = SteadyClock::now();
        if (tls_ && now - tickets_renewed_ > ticket_life) {
            tls_->renew_tickets();
            tickets_renewed_ = now;
        }
        for (const auto& s : sessions_) {
            if (stopping_ && s->pausing)
                s->wake.cancel();
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

} // namespace mgw::smtp
