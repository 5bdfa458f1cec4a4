#include "lib/dns/resolver.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mgw::dns;
using namespace std::string_literals;
using namespace std::chrono_literals;

namespace
{

/// A DNS server on the loopback interface, UDP and TCP on one port. What it says depends on the first label asked for.
class Server {
public:
    Server()
    {
        // a port that is free for UDP may be in use for TCP
        for (int i = 0; i < 50 && tcp_ < 0; ++i) {
            if (udp_ >= 0)
                close(udp_);
            udp_ = bound(SOCK_DGRAM, 0);
            port_ = port_of(udp_);
            tcp_ = bound(SOCK_STREAM, port_);
        }
        EXPECT_EQ(listen(tcp_, 8), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~Server()
    {
        stop_ = true;
        thread_.join();
        close(udp_);
        close(tcp_);
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    int questions() const { return questions_; }

private:
    static int bound(int kind, std::uint16_t port)
    {
        const int fd = socket(AF_INET, kind, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
            return fd;
        close(fd);
        return -1;
    }
    static std::uint16_t port_of(int fd)
    {
        sockaddr_in address{};
        socklen_t length = sizeof(address);
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
        return ntohs(address.sin_port);
    }

    static std::string record(const std::string& name, char type, const std::string& data)
    {
        return name + "\0"s + type + "\0\1\0\0\0\x3c"s + static_cast<char>(data.size() >> 8) +
               static_cast<char>(data.size() & 0xff) + data;
    }

    /// The whole reply, or nothing for silence.
    static std::string reply(const std::string& query, bool by_tcp)
    {
        const std::string label = query.substr(13, static_cast<unsigned char>(query[12]));
        const auto end = query.find('\0', 12) + 5;
        const std::string question = query.substr(12, end - 12);
        std::string flags = "\x81\x80"s;
        std::vector<std::string> answers;
        const std::string self = "\xc0\x0c";
        if (label == "silent")
            return {};
        if (label == "refused")
            flags = "\x81\x85"s;
        else if (label == "broken")
            flags = "\x81\x82"s;
        else if (label == "nix")
            flags = "\x81\x83"s;
        else if (label == "secure") {
            flags = "\x81\xa0"s;
            answers = {record(self, 1, "\x01\x02\x03\x04")};
        } else if (label == "circle")
            answers.assign(200, record(self, 5, self));
        else if (label == "huge") {
            if (!by_tcp)
                flags = "\x83\x80"s; // cut: ask again by TCP
            else
                for (int i = 0; i < 200; ++i)
                    answers.push_back(record(self, 16, "\xff" + std::string(255, 'x')));
        } else if (label == "garbage") {
            return query.substr(0, 2) + "\x81\x80\0\1\xff\xff\0\0\0\0"s + question + "\xc0";
        } else if (label != "empty")
            answers = {record(self, 1, "\xc0\0\2\1"s), record(self, 1, "\xc0\0\2\2"s)};
        std::string out = query.substr(0, 2) + flags + "\0\1"s + static_cast<char>(answers.size() >> 8) +
                          static_cast<char>(answers.size() & 0xff) + "\0\0\0\0"s + question;
        for (const auto& answer : answers)
            out += answer;
        return out;
    }

    void serve()
    {
        while (!stop_) {
            std::array<pollfd, 2> polled{{{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}}};
            if (poll(polled.data(), polled.size(), 10) <= 0)
                continue;
            std::array<char, 1024> buffer{};
            if (polled[0].revents != 0) {
                sockaddr_in from{};
                socklen_t length = sizeof(from);
                const auto count =
                    recvfrom(udp_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
                ++questions_;
                const auto text = reply({buffer.data(), static_cast<std::size_t>(count)}, false);
                if (!text.empty())
                    sendto(udp_, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
            }
            if (polled[1].revents != 0) {
                const int client = accept(tcp_, nullptr, nullptr);
                std::string query;
                while (query.size() < 14 || query.size() < 2U + static_cast<unsigned char>(query[1])) {
                    const auto count = read(client, buffer.data(), buffer.size());
                    if (count <= 0)
                        break;
                    query.append(buffer.data(), static_cast<std::size_t>(count));
                }
                const auto text = reply(query.substr(2), true);
                const auto framed =
                    std::string{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xff)} + text;
                EXPECT_EQ(write(client, framed.data(), framed.size()), static_cast<ssize_t>(framed.size()));
                close(client);
            }
        }
    }

    int udp_ = -1;
    int tcp_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<int> questions_ = 0;
    std::thread thread_;
};

class Live : public testing::Test {
protected:
    std::unique_ptr<Resolver> open(std::chrono::milliseconds timeout = 3000ms)
    {
        auto opened = open_live(server_.address(), timeout);
        EXPECT_TRUE(opened);
        return std::move(*opened);
    }
    Server server_;
};

int open_descriptors()
{
    int count = 0;
    for (int fd = 0; fd < 256; ++fd)
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
}

} // namespace

TEST_F(Live, AsksOnceAndRemembers)
{
    const auto resolver = open();
    const auto answer = resolver->query("Two.example.", Type::a);
    EXPECT_EQ(answer.code, Code::ok);
    ASSERT_EQ(answer.records.size(), 2U);
    EXPECT_EQ(answer.records[0].data, "192.0.2.1");
    EXPECT_EQ(answer.ttl_seconds, 60U);
    EXPECT_FALSE(answer.secure);
    EXPECT_EQ(resolver->query("two.example", Type::a).records.size(), 2U);
    EXPECT_EQ(server_.questions(), 1);
    EXPECT_EQ(resolver->describe(), "live " + server_.address());
}

TEST_F(Live, TellsTheOutcomesApart)
{
    const auto resolver = open();
    EXPECT_EQ(resolver->query("nix.example", Type::a).code, Code::no_name);
    EXPECT_EQ(resolver->query("empty.example", Type::a).code, Code::no_data);
    EXPECT_EQ(resolver->query("broken.example", Type::a).code, Code::servfail);
    EXPECT_EQ(resolver->query("refused.example", Type::a).code, Code::servfail);
    EXPECT_EQ(resolver->query("circle.example", Type::a).code, Code::servfail);
    EXPECT_EQ(resolver->query("garbage.example", Type::a).code, Code::servfail);
    EXPECT_EQ(resolver->query("a..example", Type::a).code, Code::malformed);
    EXPECT_TRUE(resolver->query("secure.example", Type::a).secure);
}

TEST_F(Live, TakesLongAnswersByTcp)
{
    const auto answer = open()->query("huge.example", Type::txt);
    EXPECT_EQ(answer.code, Code::ok);
    ASSERT_EQ(answer.records.size(), 200U);
    EXPECT_EQ(answer.records[199].data, std::string(255, 'x'));
}

TEST_F(Live, SilenceCostsOneTimeout)
{
    const auto resolver = open(300ms);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(resolver->query("silent.example", Type::a).code, Code::timeout);
    EXPECT_EQ(resolver->query("silent.example", Type::a).code, Code::timeout);
    const auto taken = std::chrono::steady_clock::now() - start;
    EXPECT_GE(taken, 250ms);
    EXPECT_LT(taken, 3000ms);
}

TEST_F(Live, PrefetchedQuestionsWaitTogether)
{
    const auto resolver = open(300ms);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i)
        resolver->prefetch("silent.n" + std::to_string(i), Type::a);
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(resolver->query("silent.n" + std::to_string(i), Type::a).code, Code::timeout);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 3000ms) << "one after the other would take 6 seconds";
}

TEST_F(Live, OpensNothingBeforeTheFirstQuestionAndWorksInAChild)
{
    const auto before = open_descriptors();
    const auto resolver = open();
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(resolver->query("one.example", Type::a).code, Code::ok);
    const pid_t child = fork();
    if (child == 0)
        _exit(resolver->query("two.example", Type::a).code == Code::ok ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(resolver->query("three.example", Type::a).code, Code::ok) << "and the parent still does";
}

TEST(LiveSet, ServersAreChecked)
{
    for (const auto* good : {"127.0.0.1", "192.0.2.1:53,[2001:db8::1]:5353", "::1"})
        EXPECT_TRUE(open_live(good, 1000ms)) << good;
    for (const auto* bad : {"dns.example.net", "127.0.0.1:0", "127.0.0.1:99999", "[::1", "127.0.0.1,", "[::1]x"}) {
        const auto opened = open_live(bad, 1000ms);
        ASSERT_FALSE(opened) << bad;
        EXPECT_EQ(opened.error().status, mgw::Status::config);
    }
}

TEST(OpenResolver, ChoosesByItsOptions)
{
    EXPECT_TRUE((*open_resolver({.servers = "192.0.2.53"}))->describe().starts_with("live 192.0.2.53"));
    EXPECT_TRUE((*open_resolver({}))->describe().starts_with("live "));
    EXPECT_FALSE(open_resolver({.zone = "/nonexistent"}));
}
