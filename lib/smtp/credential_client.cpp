#include "lib/smtp/credential_client.hpp"

#include "lib/smtp/credential_keeper.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <sys/socket.h>

namespace mgw::smtp
{

namespace
{

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t most_waiting = 500;
constexpr std::chrono::seconds patience{20};

} // namespace

struct CredentialClient::Impl : std::enable_shared_from_this<Impl> {
    struct Waiting {
        Done done;
        SteadyClock::time_point until;
    };
    explicit Impl(asio::io_context& context) : io(context) {}

    void listen();
    void take_answers();
    void finish(std::map<std::uint64_t, Waiting>::iterator waiting, CredentialAnswer answer);
    void give_up_all();

    asio::io_context& io;
    std::optional<Descriptor> socket;
    std::map<std::uint64_t, Waiting> waiting; // by serial number, and so by age
    std::uint64_t serial = 0;
};

CredentialClient::CredentialClient(asio::io_context& io) : impl_(std::make_shared<Impl>(io)) {}
CredentialClient::~CredentialClient() = default;

void CredentialClient::use(Fd keeper)
{
    impl_->socket.reset();
    impl_->give_up_all();
    impl_->socket.emplace(impl_->io, keeper.release());
    impl_->listen();
}

void CredentialClient::ask(const CredentialQuestion& question, Done done)
{
    const auto packet = question_packet(++impl_->serial, question);
    if (!impl_->socket || impl_->waiting.size() >= most_waiting ||
        ::send(impl_->socket->native_handle(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        done({.known = false});
        return;
    }
    impl_->waiting.emplace(impl_->serial, Impl::Waiting{std::move(done), SteadyClock::now() + patience});
}

void CredentialClient::tick()
{
    const auto now = SteadyClock::now();
    while (!impl_->waiting.empty() && impl_->waiting.begin()->second.until < now)
        impl_->finish(impl_->waiting.begin(), {.known = false});
}

void CredentialClient::Impl::finish(std::map<std::uint64_t, Waiting>::iterator one, CredentialAnswer answer)
{
    const auto done = std::move(one->second.done);
    waiting.erase(one);
    done(std::move(answer));
}

void CredentialClient::Impl::give_up_all()
{
    while (!waiting.empty())
        finish(waiting.begin(), {.known = false});
}

void CredentialClient::Impl::listen()
{
    socket->async_wait(Descriptor::wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
        if (const auto self = weak.lock(); self && !error)
            self->take_answers();
    });
}

void CredentialClient::Impl::take_answers()
{
    std::array<char, packet_octets> octets{};
    ssize_t n = 0;
    while ((n = ::recv(socket->native_handle(), octets.data(), octets.size(), MSG_DONTWAIT)) > 0) {
        auto answer = read_answer({octets.data(), static_cast<std::size_t>(n)});
        if (!answer)
            continue;
        if (const auto found = waiting.find(answer->serial); found != waiting.end())
            finish(found, std::move(answer->answer));
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        listen();
        return;
    }
    socket.reset(); // the keeper is gone
    give_up_all();
}

} // namespace mgw::smtp
