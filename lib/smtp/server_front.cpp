#include "lib/smtp/server_front.hpp"

#include "lib/core/ulid.hpp"
#include "lib/smtp/server_front_impl.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace mgw::smtp
{

Front::Front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control)
    : options_(std::move(options)), listeners_(listeners), budget_{options_.memory_octets, 0},
      control_(io_, control.release()),
      lanes_(
          io_, options_.per_message, [this](std::uint8_t serial) { tell(LaneNote::want, serial); }, options_.complain),
      keeper_(io_), records_(options_.log, options_.clock)
{
    if (options_.make_door)
        door_ = options_.make_door(io_);
    if (options_.keeper >= 0)
        keeper_.use(Fd{options_.keeper});
    options_.server.make_nonce = [this] { return options_.random.word(24); };
    options_.server.make_id = [this] { return make_ulid(options_.clock.now(), options_.random); };
    for (const auto& listener : listeners_) {
        configs_.push_back(options_.server);
        configs_.back().lmtp = listener.lmtp;
        configs_.back().submission = listener.submission;
        configs_.back().offer_auth = listener.submission;
        if (listener.lmtp) // each recipient gets an answer of its own there
            configs_.back().recipients = options_.limits.recipients;
    }
    connected_config_ = options_.server;
}

Result<Status> Front::run()
{
    if (!options_.tls.empty())
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
        start_session(options_.connected, AF_UNIX, {.name = "stdio"}, std::move(peer), connected_config_);
    }
    io_.run();
    return Status::ok;
}

Result<void> Front::set_up_tls()
{
    auto tls = ServerTls::make(options_.tls, options_.ask_certificate);
    if (!tls)
        return pass(tls);
    tls_ = std::move(*tls);
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
            take_connections(listener);
        if (error || errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            asio::steady_timer pause(io_, std::chrono::milliseconds(200));
            co_await pause.async_wait(quiet);
        }
    }
}

void Front::take_connections(std::size_t index)
{
    const auto& listener = listeners_[index];
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
        const bool is_proxy = options_.is_proxy && options_.is_proxy(peer.ip);
        if (!is_proxy && is_one_too_many(peer)) {
            refuse("421 4.7.0 Too many connections from your address\r\n");
            continue;
        }
        const int on = 1;
        ::setsockopt(fd.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // replies are written whole
        const int family = peer.ip.empty() ? AF_UNIX : peer.ip.contains(':') ? AF_INET6 : AF_INET;
        start_session(fd.release(), family, listener, std::move(peer), configs_[index]);
    }
}

void Front::start_session(int fd, int family, const FrontListener& listener, PeerAddress peer,
                          const ServerConfig& config)
{
    auto s = std::make_shared<Session>(io_, family, fd, config, budget_);
    s->listener = listener.name;
    s->implicit_tls = listener.tls;
    s->submission = listener.submission;
    s->proxied = options_.is_proxy && options_.is_proxy(peer.ip);
    if (options_.may_xclient && options_.may_xclient(peer.ip) && !s->proxied)
        s->codec.allow_xclient();
    if (s->proxied)
        s->peer.ip = peer.ip; // no client of its own: it does not count
    else
        set_peer(*s, std::move(peer));
    s->begin = SteadyClock::now();
    if (door_)
        s->session = options_.server.make_id();
    sessions_.insert(s);
    asio::co_spawn(io_, serve(s), [this, s](std::exception_ptr failed) {
        // one session's failure (out of memory) is that session's end
        if (failed)
            options_.complain(Error{Status::temp_fail, "a session with " + s->peer.ip + " failed"});
        sessions_.erase(s);
        forget_peer(*s);
        if (options_.connected >= 0)
            stop();
    });
}

bool Front::is_one_too_many(const PeerAddress& peer) const
{
    const auto found = per_network_.find(peer.network);
    return found != per_network_.end() && found->second >= options_.connections_per_ip;
}

/// Whom the session is with, and what that one may do.
void Front::set_peer(Session& s, PeerAddress peer)
{
    forget_peer(s);
    s.peer = std::move(peer);
    s.codec.allow_relay(options_.may_relay && options_.may_relay(s.peer.ip));
    if (!s.peer.network.empty())
        ++per_network_[s.peer.network];
}

void Front::forget_peer(const Session& s)
{
    if (const auto found = per_network_.find(s.peer.network); found != per_network_.end() && --found->second == 0)
        per_network_.erase(found);
}

Result<Status> run_front(FrontOptions options, const std::vector<FrontListener>& listeners, Fd control)
{
    const auto front = std::make_unique<Front>(std::move(options), listeners, std::move(control));
    return front->run();
}

} // namespace mgw::smtp
