// A session of the front: octets from the socket into the codec, its events answered, its replies sent.
#include "lib/smtp/server_front_impl.hpp"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <sys/socket.h>

namespace mgw::smtp
{

asio::awaitable<void> Front::serve(SessionPointer s)
{
    if (s->proxied && !co_await take_proxy_header(s))
        co_return;
    if (s->implicit_tls && !co_await start_tls(s))
        co_return;
    bool goes_on = co_await greet(s);
    while (goes_on) {
        if (s->codec.in_data())
            co_await wait_for_room(s);
        ErrorCode error;
        s->reading = true;
        const auto octets = co_await read(s, error);
        s->reading = false;
        if (s->timed_out || s->stopped) {
            s->codec.close_with(
                s->stopped ? shutting_down()
                           : ServerReply{421, "4.4.2", options_.server.hostname + " waited too long, closing"});
            break;
        }
        if (error)
            co_return; // the client went away; a message without its end is nothing
        goes_on = co_await converse(s, {buffer_.data(), octets});
    }
    co_await end(s);
}

/// The door, then the greeting. A client that speaks while it is kept waiting is no mail server's (RFC 5321 section
/// 4.3.1): the door hears of it and decides.
asio::awaitable<bool> Front::greet(SessionPointer s)
{
    if (door_) {
        auto answer = co_await ask_door(s, DoorPoint::connect);
        char octet = 0;
        if (answer.action == DoorAction::pass && answer.pause.count() > 0 && !s->tls &&
            ::recv(s->socket.native_handle(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
            s->early = true;
            answer = co_await ask_door(s, DoorPoint::connect);
        }
        if (answer.action != DoorAction::pass) {
            records_.refused_connection(*s, answer.reply);
            s->codec.close_with(answer.reply);
            co_return false;
        }
    }
    s->codec.greet();
    hear(*s);
    co_return co_await send_replies(s);
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
    std::optional<std::string> rest; // what stands behind an event whose answer is awaited
    const auto keep = [&] {
        if (!rest)
            octets = rest.emplace(octets);
    };
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
        case ServerEvent::hello:
            keep();
            co_await pass_door(s, DoorPoint::hello);
            break;
        case ServerEvent::mail:
            keep();
            co_await pass_door(s, DoorPoint::mail);
            break;
        case ServerEvent::recipient:
            keep();
            co_await pass_door(s, DoorPoint::recipient);
            break;
        case ServerEvent::data:
            allow_data(*s);
            break;
        case ServerEvent::message:
            keep();
            if (!co_await send_replies(s))
                co_return false;
            co_await message(s);
            if (stopping_)
                s->codec.close_with(shutting_down());
            heard_command = true;
            break;
        case ServerEvent::credentials:
            keep();
            co_await authenticate(s);
            break;
        case ServerEvent::xclient:
            keep();
            co_await stand_for(s);
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

/// What the door says to a question about the session, after the pause that it wants.
asio::awaitable<DoorAnswer> Front::ask_door(SessionPointer s, DoorPoint at, bool failed)
{
    DoorQuestion question;
    question.at = at;
    question.session = s->session;
    question.ip = s->peer.ip;
    question.name = s->name;
    question.helo = s->codec.helo();
    question.listener = s->listener;
    question.early = s->early;
    question.tls = s->tls.has_value();
    question.submission = s->submission;
    question.login = at == DoorPoint::auth ? s->codec.question().login : s->codec.login();
    question.failed = failed;
    if (at == DoorPoint::mail || at == DoorPoint::recipient) {
        question.id = s->codec.id();
        question.from = s->codec.envelope().from;
        question.size = s->codec.envelope().declared_octets;
    }
    if (at == DoorPoint::recipient)
        question.to = s->codec.envelope().to.back().path;
    s->door.reset();
    s->deadline = never; // the door's time is its own
    door_->ask(std::move(question), [s](DoorAnswer answer) {
        s->door = std::move(answer);
        s->wake.cancel();
    });
    while (!s->door) {
        s->wake.expires_at(never);
        co_await s->wake.async_wait(quiet);
    }
    auto answer = std::move(*s->door);
    co_await pause(s, answer.pause);
    if (!answer.name.empty())
        s->name = answer.name;
    const bool about_message = at == DoorPoint::mail || at == DoorPoint::recipient;
    add_facts(about_message ? s->message_facts : s->facts, answer.facts);
    s->would_have.insert(s->would_have.end(), answer.would_have.begin(), answer.would_have.end());
    if (answer.action != DoorAction::pass)
        s->rule = answer.rule;
    co_return answer;
}

/// The client waits, but not for longer than the front lives.
asio::awaitable<void> Front::pause(SessionPointer s, std::chrono::milliseconds time)
{
    if (time.count() <= 0 || stopping_)
        co_return;
    s->deadline = never;
    s->pausing = true;
    s->wake.expires_after(time);
    co_await s->wake.async_wait(quiet);
    s->pausing = false;
}

asio::awaitable<void> Front::authenticate(SessionPointer s)
{
    s->credentials.reset();
    s->deadline = never; // the keeper's time is limited by its client
    const bool decides = s->codec.question().kind != CredentialQuestion::Kind::salt;
    keeper_.ask(s->codec.question(), [s](CredentialAnswer answer) {
        s->credentials = std::move(answer);
        s->wake.cancel();
    });
    while (!s->credentials) {
        s->wake.expires_at(never);
        co_await s->wake.async_wait(quiet);
    }
    const auto answer = std::move(*s->credentials);
    if (decides && answer.known) {
        if (!answer.good)
            co_await pause(s, wrong_password(s->peer.network));
        if (door_) {
            const auto said = co_await ask_door(s, DoorPoint::auth, !answer.good);
            if (said.action != DoorAction::pass) {
                s->codec.refuse(said.reply, said.action == DoorAction::close);
                co_return;
            }
        }
    }
    s->codec.answer_credentials(answer);
}

/// How long a client waits after a wrong password: longer after each of its network, so that guessing is slow however
/// many connections it has; but not so long that an owner is kept out by others behind one address.
std::chrono::milliseconds Front::wrong_password(const std::string& network)
{
    constexpr std::size_t most_networks = 10'000;
    constexpr std::chrono::minutes memory{10};
    constexpr unsigned most = 10;
    const auto now = SteadyClock::now();
    if (wrong_passwords_.size() >= most_networks)
        std::erase_if(wrong_passwords_, [&](const auto& one) { return now - one.second.last > memory; });
    if (wrong_passwords_.size() >= most_networks)
        return options_.wrong_password_pause * most;
    auto& wrong = wrong_passwords_[network];
    if (now - wrong.last > memory)
        wrong.count = 0;
    wrong.last = now;
    wrong.count = std::min(wrong.count + 1, most);
    return options_.wrong_password_pause * wrong.count;
}

/// Answers the codec's question with what the door says.
asio::awaitable<void> Front::pass_door(SessionPointer s, DoorPoint at)
{
    if (at == DoorPoint::mail)
        s->message_facts.clear();
    if (door_) {
        const auto answer = co_await ask_door(s, at);
        if (answer.action != DoorAction::pass) {
            s->codec.refuse(answer.reply, answer.action == DoorAction::close);
            co_return;
        }
    }
    if (at == DoorPoint::mail)
        allow_mail(*s);
    else
        s->codec.accept();
}

asio::awaitable<bool> Front::send_replies(SessionPointer s)
{
    records_.refusals(*s);
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
    auto* state = tls_->open();
    if (state == nullptr)
        throw std::bad_alloc();
    s->tls.emplace(s->socket, state);
    const auto [error] = co_await s->tls->async_handshake(asio::ssl::stream_base::server, quiet);
    if (error) {
        s->tls.reset();
        s->codec.close_with({421, "4.7.0", "TLS failed"});
        s->codec.take_replies(); // in the middle of a handshake there is no one to tell
        co_return false;
    }
    s->tls_peer = ServerTls::peer(s->tls->native_handle());
    s->codec.tls_started(s->tls_peer.version);
    hear(*s);
    co_return true;
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

} // namespace mgw::smtp
