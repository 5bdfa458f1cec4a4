// Callouts to servers that say what they are told to, or nothing.
#include "lib/smtp/door_callout.hpp"

#include "lib/core/fd.hpp"

#include <arpa/inet.h>
#include <array>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

namespace mgw::smtp
{
namespace
{

using State = CalloutAnswer::State;

/// Takes one connection: says the first reply, then the next one behind each line that it gets.
class Server {
public:
    explicit Server(std::vector<std::string> replies) : replies_(std::move(replies))
    {
        listener_.reset(::socket(AF_INET, SOCK_STREAM, 0));
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(listener_.value(), reinterpret_cast<sockaddr*>(&address_), sizeof address_);
        ::listen(listener_.value(), 4);
        socklen_t size = sizeof address_;
        ::getsockname(listener_.value(), reinterpret_cast<sockaddr*>(&address_), &size);
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() { heard(); }
    /// All that came, once the client has gone.
    std::string heard()
    {
        if (thread_.joinable())
            thread_.join();
        return heard_;
    }
    Destination destination() const
    {
        return *parse_destination("smtp:[127.0.0.1]:" + std::to_string(ntohs(address_.sin_port)));
    }

private:
    void serve()
    {
        const Fd client{::accept(listener_.value(), nullptr, nullptr)};
        std::size_t at = 0;
        const auto say = [&] {
            if (at < replies_.size())
                ::send(client.value(), replies_[at].data(), replies_[at].size(), MSG_NOSIGNAL);
            ++at;
        };
        say();
        char octet = 0;
        while (::recv(client.value(), &octet, 1, 0) == 1) {
            heard_ += octet;
            if (octet == '\n')
                say();
        }
    }

    std::vector<std::string> replies_;
    Fd listener_;
    sockaddr_in address_{};
    std::string heard_;
    std::thread thread_;
};

CalloutAnswer ask(const Server& server, const std::string& recipient = "b@example.org", int ms = 2000)
{
    return call_out(server.destination(), "mx.example", recipient, std::chrono::milliseconds(ms));
}

TEST(DoorCallout, ARecipientExistsIfRcptIsTaken)
{
    Server server({"220 hi\r\n", "250-one\r\n250 two\r\n", "250 ok\r\n", "250 2.1.5 fine\r\n", "221 bye\r\n"});
    const auto answer = ask(server);
    EXPECT_EQ(answer.state, State::exists);
    EXPECT_EQ(answer.text, "250 2.1.5 fine");
    EXPECT_EQ(server.heard(), "EHLO mx.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nQUIT\r\n");
}

TEST(DoorCallout, ItIsMissingOnlyIfRcptIsRefusedForGood)
{
    Server refuses({"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "550 5.1.1 nobody\r\n"});
    EXPECT_EQ(ask(refuses).state, State::missing);
    Server busy({"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "452 4.3.1 full\r\n"});
    EXPECT_EQ(ask(busy).state, State::unknown);
    Server no_null_sender({"220 hi\r\n", "250 hi\r\n", "550 no bounces\r\n"});
    EXPECT_EQ(ask(no_null_sender).state, State::unknown);
    Server unfriendly({"554 go away\r\n"});
    EXPECT_EQ(ask(unfriendly).state, State::unknown);
}

TEST(DoorCallout, SpeaksHeloWhereEhloIsNotKnown)
{
    Server server({"220 hi\r\n", "500 what\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n"});
    EXPECT_EQ(ask(server).state, State::exists);
    EXPECT_TRUE(server.heard().starts_with("EHLO mx.example\r\nHELO mx.example\r\nMAIL FROM:<>\r\n"));
}

TEST(DoorCallout, WaitsNoLongerThanItMay)
{
    Server silent({"220 hi\r\n", "250-"});
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = ask(silent, "b@example.org", 200);
    EXPECT_EQ(answer.state, State::unknown);
    EXPECT_EQ(answer.text, "the server did not answer in time");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    Destination nobody = *parse_destination("smtp:[127.0.0.1]:1");
    EXPECT_EQ(call_out(nobody, "mx.example", "b@example.org", std::chrono::milliseconds(500)).state, State::unknown);
}

TEST(DoorCallout, SendsNoAddressThatCouldBeACommand)
{
    EXPECT_EQ(call_out(*parse_destination("smtp:[127.0.0.1]:1"), "mx.example", "b>\r\nDATA\r\n",
                       std::chrono::milliseconds(500))
                  .text,
              "such an address cannot be asked for");
}

TEST(DoorCallout, WantsAnAddressNotAName)
{
    EXPECT_TRUE(check_callout(*parse_destination("smtp:[192.0.2.1]:25")));
    EXPECT_TRUE(check_callout(*parse_destination("lmtp:unix:/run/lmtp")));
    EXPECT_FALSE(check_callout(*parse_destination("smtp:mail.example")));
    EXPECT_FALSE(check_callout(*parse_destination("maildir:/tmp/x")));
    EXPECT_FALSE(check_callout(*parse_destination("lmtp:unix:/" + std::string(200, 'x'))));
}

} // namespace
} // namespace mgw::smtp
