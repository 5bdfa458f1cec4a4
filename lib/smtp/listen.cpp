#include "lib/smtp/listen.hpp"

#include "lib/core/text.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

constexpr int backlog = 1024;

struct Endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;
};

bool parse_endpoint(std::string_view text, Endpoint& into)
{
    const auto colon = text.rfind(':');
    const auto port = colon == std::string_view::npos ? std::nullopt : parse_number(text.substr(colon + 1));
    if (!port || *port > 65535)
        return false;
    std::string host(text.substr(0, colon));
    if (host.starts_with('[') && host.ends_with(']')) {
        auto* six = reinterpret_cast<sockaddr_in6*>(&into.address);
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(static_cast<std::uint16_t>(*port));
        into.size = sizeof *six;
        host = host.substr(1, host.size() - 2);
        return ::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1;
    }
    auto* four = reinterpret_cast<sockaddr_in*>(&into.address);
    four->sin_family = AF_INET;
    four->sin_port = htons(static_cast<std::uint16_t>(*port));
    into.size = sizeof *four;
    return ::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1;
}

std::uint16_t bound_port(int fd)
{
    Endpoint bound;
    bound.size = sizeof bound.address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.address), &bound.size);
    return ntohs(bound.address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound.address)->sin6_port
                                                     : reinterpret_cast<sockaddr_in*>(&bound.address)->sin_port);
}

Result<BoundSocket> bind_unix(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(Status::config, "the path of a Unix socket has 1 to " +
                                        std::to_string(sizeof address.sun_path - 1) + " octets: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    {
        const Fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (::connect(probe.value(), generic, sizeof address) != 0 && errno == ECONNREFUSED)
            ::unlink(path.c_str()); // left behind by a process that is gone
    }
    BoundSocket out{Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}, "unix:" + path, path};
    if (!out.fd || ::bind(out.fd.value(), generic, sizeof address) != 0 || ::listen(out.fd.value(), backlog) != 0)
        return fail_errno(errno, "cannot listen on " + out.shown);
    return out;
}

} // namespace

Result<BoundSocket> bind_listener(std::string_view address)
{
    if (address.starts_with("unix:"))
        return bind_unix(std::string(address.substr(5)));
    Endpoint endpoint;
    if (!parse_endpoint(address, endpoint))
        return fail(Status::config, "no address to listen on: " + printable(address),
                    "write 127.0.0.1:25, [::1]:25 or unix:/run/mgw/lmtp");
    BoundSocket out{Fd{::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}, {}, {}};
    const int on = 1;
    if (out.fd) {
        ::setsockopt(out.fd.value(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (endpoint.address.ss_family == AF_INET6)
            ::setsockopt(out.fd.value(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (!out.fd || ::bind(out.fd.value(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) != 0 ||
        ::listen(out.fd.value(), backlog) != 0)
        return fail_errno(errno, "cannot listen on " + std::string(address));
    out.name = std::to_string(bound_port(out.fd.value()));
    out.shown = std::string(address.substr(0, address.rfind(':') + 1)) + out.name;
    return out;
}

} // namespace mgw::smtp
