// Clients that stand for others: the PROXY protocol before a session, XCLIENT in one.
#include "lib/smtp/proxy_header.hpp"
#include "lib/smtp/server_front_impl.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace mgw::smtp
{

namespace
{

constexpr std::chrono::seconds proxy_patience{5};

} // namespace

/// Takes the octets of the header and none behind it, for TLS may follow. A proxy that sends none is not served: what a
/// client could write must never be taken for what its proxy says.
asio::awaitable<bool> Front::take_proxy_header(SessionPointer s)
{
    s->deadline = SteadyClock::now() + proxy_patience;
    std::string header; // what was taken of it
    std::array<char, proxy_header_octets> seen;
    for (;;) {
        const auto [failed] = co_await s->socket.async_wait(Socket::wait_read, quiet);
        if (failed || s->timed_out || stopping_)
            co_return false;
        const int fd = s->socket.native_handle();
        const auto n = ::recv(fd, seen.data(), seen.size(), MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            co_return false;
        const auto taken = header.size();
        header.append(seen.data(), static_cast<std::size_t>(n));
        auto read = read_proxy_header(header);
        if (!read) {
            options_.complain(Error{Status::data, "proxy " + s->peer.ip + ": " + read.error().message});
            co_return false;
        }
        // of a header whose end has not come all is taken
        const auto rest = *read ? (*read)->octets - taken : static_cast<std::size_t>(n);
        if (::recv(fd, seen.data(), rest, MSG_DONTWAIT) != static_cast<ssize_t>(rest))
            co_return false;
        if (!*read)
            continue;
        if (!(*read)->has_client)
            co_return true; // a health check of the proxy itself
        auto peer = peer_of((*read)->client_ip);
        if (is_one_too_many(peer)) {
            s->codec.close_with({421, "4.7.0", "Too many connections from your address"});
            if (!s->implicit_tls)
                co_await end(s);
            co_return false;
        }
        set_peer(*s, std::move(peer));
        co_return true;
    }
}

/// XCLIENT: the door is asked about the new client as about any.
asio::awaitable<void> Front::stand_for(SessionPointer s)
{
    const auto whom = s->codec.stands_for();
    if (whom.address)
        set_peer(*s, whom.address->empty() ? PeerAddress{} : peer_of(*whom.address));
    s->name = whom.name.value_or(s->name);
    s->facts.clear();
    co_await pass_door(s, DoorPoint::connect);
}

} // namespace mgw::smtp
