#include "lib/smtp/door_callout.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"
#include "lib/smtp/client_reply.hpp"
#include "lib/smtp/client_session.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace mgw::smtp
{

namespace
{

using SteadyClock = std::chrono::steady_clock;

struct Address {
    sockaddr_storage octets{};
    socklen_t size = 0;
};

Address address_of(const Destination& server)
{
    Address out;
    if (!server.path.empty()) {
        auto* unix_address = reinterpret_cast<sockaddr_un*>(&out.octets);
        unix_address->sun_family = AF_UNIX;
        std::memcpy(unix_address->sun_path, server.path.data(), server.path.size()); // check_callout saw its length
        out.size = sizeof *unix_address;
        return out;
    }
    if (server.host.contains(':')) {
        auto* six = reinterpret_cast<sockaddr_in6*>(&out.octets);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(server.port);
        ::inet_pton(AF_INET6, server.host.c_str(), &six->sin6_addr);
        out.size = sizeof *six;
        return out;
    }
    auto* four = reinterpret_cast<sockaddr_in*>(&out.octets);
    four->sin_family = AF_INET;
    four->sin_port = htons(server.port);
    ::inet_pton(AF_INET, server.host.c_str(), &four->sin_addr);
    out.size = sizeof *four;
    return out;
}

/// One connection with one deadline for all.
class Caller {
public:
    explicit Caller(std::chrono::milliseconds timeout) : end_(SteadyClock::now() + timeout) {}

    Result<void> connect(const Destination& server)
    {
        const auto address = address_of(server);
        socket_.reset(::socket(address.octets.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket_)
            return fail_errno(errno, "no socket");
        if (::connect(socket_.value(), reinterpret_cast<const sockaddr*>(&address.octets), address.size) == 0)
            return {};
        if (errno != EINPROGRESS)
            return fail_errno(errno, "cannot connect");
        if (auto ready = wait(POLLOUT); !ready)
            return ready;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket_.value(), SOL_SOCKET, SO_ERROR, &error, &size);
        return error == 0 ? Result<void>{} : Result<void>(fail_errno(error, "cannot connect"));
    }

    Result<void> say(std::string_view command)
    {
        std::string line(command);
        line += "\r\n";
        for (std::string_view left = line; !left.empty();) {
            const ssize_t n = ::send(socket_.value(), left.data(), left.size(), MSG_NOSIGNAL);
            if (n > 0)
                left.remove_prefix(static_cast<std::size_t>(n));
            else if (errno != EAGAIN && errno != EINTR)
                return fail_errno(errno, "cannot send");
            else if (auto ready = wait(POLLOUT); !ready)
                return ready;
        }
        return {};
    }

    Result<Reply> hear()
    {
        for (;;) {
            auto reply = parser_.next();
            if (!reply)
                return pass(reply);
            if (*reply)
                return std::move(**reply);
            if (auto ready = wait(POLLIN); !ready)
                return pass(ready);
            std::array<char, 4096> octets{};
            const ssize_t n = ::recv(socket_.value(), octets.data(), octets.size(), 0);
            if (n > 0)
                parser_.feed({octets.data(), static_cast<std::size_t>(n)});
            else if (n == 0)
                return fail(Status::temp_fail, "the server closed the connection");
            else if (errno != EAGAIN && errno != EINTR)
                return fail_errno(errno, "cannot receive");
        }
    }

    Result<Reply> ask(std::string_view command)
    {
        if (auto said = say(command); !said)
            return pass(said);
        return hear();
    }

private:
    Result<void> wait(short events)
    {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - SteadyClock::now()).count();
        pollfd polled{socket_.value(), events, 0};
        if (left <= 0 || ::poll(&polled, 1, static_cast<int>(left)) == 0)
            return fail(Status::temp_fail, "the server did not answer in time");
        return {};
    }

    SteadyClock::time_point end_;
    Fd socket_;
    ReplyParser parser_;
};

std::string said(const Reply& reply)
{
    return std::to_string(reply.code) + " " + reply.enhanced + (reply.enhanced.empty() ? "" : " ") + reply.text(200);
}

/// The reply to RCPT, or to what was refused before it.
Result<CalloutAnswer> converse(Caller& caller, const Destination& server, const std::string& helo,
                               const std::string& recipient)
{
    using State = CalloutAnswer::State;
    if (auto connected = caller.connect(server); !connected)
        return pass(connected);
    const bool is_lmtp = server.kind == Destination::Kind::lmtp;
    auto reply = caller.hear();
    if (reply && reply->positive()) {
        reply = caller.ask((is_lmtp ? "LHLO " : "EHLO ") + helo);
        if (reply && reply->permanent() && !is_lmtp)
            reply = caller.ask("HELO " + helo);
    }
    if (reply && reply->positive())
        reply = caller.ask("MAIL FROM:<>");
    if (!reply)
        return pass(reply);
    if (!reply->positive())
        return CalloutAnswer{State::unknown, said(*reply)};
    reply = caller.ask("RCPT TO:<" + recipient + ">");
    if (!reply)
        return pass(reply);
    const auto state = reply->positive() ? State::exists : reply->permanent() ? State::missing : State::unknown;
    [[maybe_unused]] const auto bye = caller.say("QUIT"); // the answer is there already
    return CalloutAnswer{state, said(*reply)};
}

} // namespace

Result<void> check_callout(const Destination& server)
{
    const bool is_mail = server.kind == Destination::Kind::smtp || server.kind == Destination::Kind::lmtp;
    if (!is_mail || (server.path.empty() && !parse_ip(server.host)))
        return fail(Status::usage, "a callout needs an address", "write smtp:[192.0.2.1]:25 or lmtp:unix:/PATH");
    if (server.path.size() >= sizeof(sockaddr_un::sun_path))
        return fail(Status::usage, "the path of a Unix socket is shorter: " + printable(server.path));
    return {};
}

CalloutAnswer call_out(const Destination& server, const std::string& helo, const std::string& recipient,
                       std::chrono::milliseconds timeout)
{
    if (!is_safe_path(recipient))
        return {CalloutAnswer::State::unknown, "such an address cannot be asked for"};
    Caller caller(timeout);
    auto answer = converse(caller, server, helo, recipient);
    if (!answer)
        return {CalloutAnswer::State::unknown, printable_ascii(answer.error().message, 200)};
    return std::move(*answer);
}

} // namespace mgw::smtp
