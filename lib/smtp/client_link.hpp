#pragma once

#include "lib/smtp/client_route.hpp"
#include "lib/smtp/client_session.hpp"
#include "lib/smtp/client_tls.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// One connection of the client. Private to the client: it brings Boost.Asio with it.
namespace mgw::smtp
{

constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);

struct LinkOptions {
    SessionOptions session;
    std::chrono::seconds connect_timeout{30};
    std::vector<std::string> sources; ///< addresses to connect from, at most one of each family
};

class Link;
using LinkPtr = std::shared_ptr<Link>;

/// A socket, TLS on it, and the session that speaks over it. A deadline closes the socket when it passes.
class Link {
public:
    using Instant = std::chrono::steady_clock::time_point;

    Link(boost::asio::io_context& io, Host host, LinkOptions options, ClientTls& tls);

    /// Connects and speaks until the session is idle; true if it came to that. Otherwise session().failure() or
    /// no_connection() says why not.
    static boost::asio::awaitable<bool> open(LinkPtr link);
    /// Speaks until the session is idle or closed. `may_commit` is asked before the final dot.
    boost::asio::awaitable<void> converse(std::function<bool()> may_commit);
    /// Says QUIT to an idle session.
    static boost::asio::awaitable<void> end(LinkPtr link);
    void close();

    Session& session() { return session_; }
    const Host& host() const { return host_; }
    bool is_closed() const { return closed_; }
    bool is_usable() const { return !closed_ && session_.want() == Session::Want::idle; }
    Instant born() const { return born_; }
    /// Why there is no connection at all; empty once there was one.
    const std::string& no_connection() const { return no_connection_; }
    /// With a text, the hand-shake failed.
    const TlsFailure& tls_failure() const { return tls_failure_; }
    /// RFC 8460 result of a hand-shake that succeeded although the certificate does not fit; empty if it does.
    std::string tls_result();

    unsigned mails = 0; ///< transactions on this connection

private:
    static boost::asio::awaitable<void> guard(LinkPtr link);
    boost::asio::awaitable<void> write(std::string octets);
    boost::asio::awaitable<void> hand_shake();
    void limit(std::chrono::seconds time);
    std::string why(const boost::system::error_code& error) const;
    boost::system::error_code bind_source(bool v6);

    using Socket = boost::asio::generic::stream_protocol::socket;
    Socket socket_;
    boost::asio::steady_timer timer_;
    std::optional<boost::asio::ssl::stream<Socket&>> tls_;
    ClientTls& client_tls_;
    Host host_;
    LinkOptions options_;
    Session session_;
    Instant born_;
    Instant deadline_ = Instant::max();
    std::chrono::seconds last_limit_{0};
    std::string no_connection_;
    TlsFailure tls_failure_;
    bool timed_out_ = false;
    bool closed_ = false;
};

} // namespace mgw::smtp
