#include "lib/smtp/client_link.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

namespace mgw::smtp
{

namespace asio = boost::asio;
using Code = boost::system::error_code;

namespace
{

constexpr std::chrono::hours longest_mail{1}; // a server that takes a large message drop by drop

Link::Instant now()
{
    return std::chrono::steady_clock::now();
}

} // namespace

Link::Link(asio::io_context& io, Host host, LinkOptions options, ClientTls& tls)
    : socket_(io), timer_(io), client_tls_(tls), host_(std::move(host)), options_(std::move(options)),
      session_(options_.session), born_(now())
{}

void Link::limit(std::chrono::seconds time)
{
    last_limit_ = time;
    deadline_ = now() + time;
}

void Link::close()
{
    closed_ = true;
    Code ignored;
    socket_.close(ignored);
    timer_.cancel();
}

std::string Link::why(const Code& error) const
{
    return timed_out_                  ? "no answer within " + std::to_string(last_limit_.count()) + " seconds"
           : error == asio::error::eof ? "connection lost"
                                       : error.message();
}

/// Closes the link when its deadline passes. One timer for the life of a connection instead of one for each read.
asio::awaitable<void> Link::guard(LinkPtr link)
{
    while (!link->closed_) {
        const Instant wake = std::min(link->deadline_, now() + std::chrono::seconds(1));
        link->timer_.expires_at(wake);
        co_await link->timer_.async_wait(token);
        if (!link->closed_ && now() >= link->deadline_) {
            link->timed_out_ = true;
            Code ignored;
            link->socket_.close(ignored);
            link->deadline_ = Instant::max();
        }
    }
}

asio::awaitable<void> Link::write(std::string octets)
{
    limit(session_.timeout());
    const auto [error, n] = tls_ ? co_await asio::async_write(*tls_, asio::buffer(octets), token)
                                 : co_await asio::async_write(socket_, asio::buffer(octets), token);
    if (error)
        session_.lost(why(error));
}

asio::awaitable<void> Link::hand_shake()
{
    auto connection = client_tls_.open(host_);
    if (!connection) {
        session_.lost(connection.error().message);
        co_return;
    }
    tls_.emplace(socket_, *connection);
    limit(session_.timeout());
    const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, token);
    if (!error) {
        session_.tls_started();
        co_return;
    }
    tls_failure_ = ClientTls::failure(tls_->native_handle(), why(error));
    session_.lost("TLS failed: " + tls_failure_.text);
}

asio::awaitable<void> Link::converse(std::function<bool()> may_commit)
{
    std::array<char, 4096> buffer{};
    const Instant last = now() + longest_mail;
    std::size_t replies = session_.replies();
    limit(session_.timeout());
    while (true) {
        for (auto out = session_.output(); !out.empty() && !timed_out_; out = session_.output())
            co_await write(std::move(out));
        switch (session_.want()) {
        case Session::Want::idle:
            deadline_ = Instant::max();
            co_return;
        case Session::Want::closed:
            co_return;
        case Session::Want::start_tls:
            co_await hand_shake();
            continue;
        case Session::Want::commit:
            if (!may_commit()) {
                close(); // without the final dot: the server forgets the message
                co_return;
            }
            session_.commit();
            continue;
        case Session::Want::read:
            break;
        }
        const auto [error, n] = tls_ ? co_await tls_->async_read_some(asio::buffer(buffer), token)
                                     : co_await socket_.async_read_some(asio::buffer(buffer), token);
        if (error || now() > last) {
            session_.lost(error ? why(error) : "the conversation took more than an hour");
            co_return;
        }
        session_.receive(std::string_view(buffer.data(), n));
        if (replies != session_.replies()) {
            replies = session_.replies();
            limit(session_.timeout());
        }
    }
}

Code Link::bind_source(bool v6)
{
    Code error;
    for (const auto& source : options_.sources) {
        const auto address = asio::ip::make_address(source, error);
        if (!error && address.is_v6() == v6)
            socket_.bind(asio::ip::tcp::endpoint(address, 0), error);
    }
    return error;
}

asio::awaitable<bool> Link::open(LinkPtr link)
{
    asio::co_spawn(link->socket_.get_executor(), guard(link), asio::detached);
    const Host& host = link->host_;
    asio::generic::stream_protocol::endpoint endpoint;
    Code error;
    bool v6 = false;
    if (host.is_unix) {
        endpoint = asio::local::stream_protocol::endpoint(host.address);
    } else {
        const auto address = asio::ip::make_address(host.address, error);
        v6 = address.is_v6();
        if (!error)
            endpoint = asio::ip::tcp::endpoint(address, host.port);
    }
    link->limit(link->options_.connect_timeout);
    if (!error)
        link->socket_.open(endpoint.protocol(), error);
    if (!error && !host.is_unix)
        error = link->bind_source(v6);
    if (!error)
        std::tie(error) = co_await link->socket_.async_connect(endpoint, token);
    if (error) {
        link->no_connection_ = "cannot connect: " + link->why(error);
        link->close();
        co_return false;
    }
    if (!host.is_unix)
        link->socket_.set_option(asio::ip::tcp::no_delay(true), error);
    co_await link->converse([] { return false; });
    co_return link->is_usable();
}

asio::awaitable<void> Link::end(LinkPtr link)
{
    if (!link || link->closed_)
        co_return;
    auto& session = link->session_;
    session.quit();
    link->limit(std::chrono::seconds(2));
    for (auto out = session.output(); !out.empty(); out = session.output()) {
        if (link->tls_)
            co_await asio::async_write(*link->tls_, asio::buffer(out), token);
        else
            co_await asio::async_write(link->socket_, asio::buffer(out), token);
    }
    std::array<char, 512> buffer{};
    while (session.want() == Session::Want::read) {
        const auto [error, n] = link->tls_ ? co_await link->tls_->async_read_some(asio::buffer(buffer), token)
                                           : co_await link->socket_.async_read_some(asio::buffer(buffer), token);
        if (error)
            break;
        session.receive(std::string_view(buffer.data(), n));
    }
    if (link->tls_ && !link->timed_out_)
        co_await link->tls_->async_shutdown(token);
    link->close();
}

std::string Link::tls_result()
{
    return tls_ ? ClientTls::result(tls_->native_handle()) : std::string{};
}

} // namespace mgw::smtp
