#include "state_backend.hpp"

#include "lib/core/fd.hpp"

#include <fstream>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace mgw::state
{
namespace
{

using namespace std::chrono_literals;

const Time now = Time{} + std::chrono::seconds(1795000000);
const Rate two{.limit = 2, .period = 1h, .burst = 2};

struct AddressCase {
    const char* name;
    const char* location;
    const char* want; ///< "host port path user database"; nullptr where it is refused
};
class RedisText : public testing::TestWithParam<AddressCase> {};
TEST_P(RedisText, IsRead)
{
    const auto address = parse_redis_address(GetParam().location);
    ASSERT_EQ(address.has_value(), GetParam().want != nullptr) << GetParam().location;
    if (!address) {
        EXPECT_EQ(address.error().status, Status::config);
        EXPECT_FALSE(address.error().message.contains("secret"));
        EXPECT_FALSE(address.error().hint.contains("secret"));
        return;
    }
    EXPECT_EQ(address->host + " " + std::to_string(address->port) + " " + address->path + " " + address->user + " " +
                  std::to_string(address->database),
              GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, RedisText,
    testing::Values(
        AddressCase{"host", "redis://db.example", "db.example 6379   0"},
        AddressCase{"slash", "redis://db.example/", "db.example 6379   0"},
        AddressCase{"all", "redis://mgw@192.0.2.1:6380/3", "192.0.2.1 6380  mgw 3"},
        AddressCase{"six", "redis://[2001:db8::1]:6380", "2001:db8::1 6380   0"},
        AddressCase{"six_alone", "redis://[::1]", "::1 6379   0"},
        AddressCase{"unix", "redis+unix:/run/redis.sock", " 6379 /run/redis.sock  0"},
        AddressCase{"unix_db", "redis+unix:/run/redis.sock?db=2", " 6379 /run/redis.sock  2"},
        AddressCase{"password", "redis://mgw:secret@db.example", nullptr},
        AddressCase{"password_alone", "redis://:secret@db.example", nullptr},
        AddressCase{"no_user", "redis://@db.example", nullptr}, AddressCase{"no_host", "redis://", nullptr},
        AddressCase{"no_port", "redis://h:", nullptr}, AddressCase{"port_zero", "redis://h:0", nullptr},
        AddressCase{"port", "redis://h:65536", nullptr}, AddressCase{"database", "redis://h/x", nullptr},
        AddressCase{"path", "redis://h/0/1", nullptr}, AddressCase{"bare_six", "redis://2001:db8::1", nullptr},
        AddressCase{"open_bracket", "redis://[::1", nullptr}, AddressCase{"bracket_name", "redis://[host]", nullptr},
        AddressCase{"behind_bracket", "redis://[::1]x", nullptr}, AddressCase{"blank", "redis://a b", nullptr},
        AddressCase{"query", "redis://h?password=secret", nullptr},
        AddressCase{"unix_relative", "redis+unix:run/redis.sock", nullptr},
        AddressCase{"unix_query", "redis+unix:/run/redis.sock?password=secret", nullptr},
        AddressCase{"other", "rediss://h", nullptr}),
    [](const auto& i) { return std::string(i.param.name); });

/// A server that answers in its own way.
class FakeServer {
public:
    explicit FakeServer(std::string_view answer, std::chrono::milliseconds pause = 0ms) : answer_(answer), pause_(pause)
    {
        listening_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listening_.value(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listening_.value(), 8), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(listening_.value(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        if (answer_.empty())
            return; // the kernel accepts, nobody reads
        thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }
    ~FakeServer()
    {
        thread_.request_stop();
        ::shutdown(listening_.value(), SHUT_RDWR);
    }
    std::string location() const { return "redis://127.0.0.1:" + std::to_string(port_); }

private:
    void serve(const std::stop_token& stop)
    {
        while (!stop.stop_requested()) {
            const Fd client(::accept(listening_.value(), nullptr, nullptr));
            if (!client)
                return;
            std::string all = answer_;
            while (!stop.stop_requested() && !all.empty()) {
                const std::size_t part = pause_ == 0ms ? all.size() : 1;
                if (::send(client.value(), all.data(), part, MSG_NOSIGNAL) <= 0)
                    break;
                all.erase(0, part);
                std::this_thread::sleep_for(pause_);
            }
        }
    }

    std::string answer_;
    std::chrono::milliseconds pause_;
    Fd listening_;
    int port_ = 0;
    std::jthread thread_;
};

struct BadServer {
    const char* name;
    std::string answer;
    std::chrono::milliseconds pause;
    const char* message;
};
class BadRedis : public testing::TestWithParam<BadServer> {};
TEST_P(BadRedis, IsAnErrorInTime)
{
    const FakeServer server(GetParam().answer, GetParam().pause);
    const auto store = open_store({.location = server.location(), .timeout = 200ms});
    ASSERT_TRUE(store) << store.error().message;
    const auto begin = std::chrono::steady_clock::now();
    const auto taken = (*store)->take("k", 1, two, now);
    const auto took = std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().status, Status::temp_fail);
    EXPECT_EQ(taken.error().message.substr(0, server.location().size() + 2 + std::string(GetParam().message).size()),
              server.location() + ": " + GetParam().message);
    EXPECT_LT(took, 1s);
    // the next ones do not wait again
    const auto second = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i)
        EXPECT_FALSE((*store)->get("k", now));
    EXPECT_LT(std::chrono::steady_clock::now() - second, 150ms);
}
INSTANTIATE_TEST_SUITE_P(
    All, BadRedis,
    testing::Values(BadServer{"silent", "", 0ms, "does not answer within 200 ms"},
                    BadServer{"dripping", "$100\r\n" + std::string(102, 'x'), 50ms, "does not answer within 200 ms"},
                    BadServer{"http", "HTTP/1.1 400 Bad Request\r\n\r\n", 0ms, "Protocol error"},
                    BadServer{"error", "-LOADING Redis is loading\r\n", 0ms, "LOADING Redis is loading"},
                    BadServer{"control", "-a\x1b[31m\r\n", 0ms, "a?[31m"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(NoRedis, IsAnErrorAtOnce)
{
    const auto store = open_store({.location = "redis+unix:/nonexistent/redis.sock"});
    ASSERT_TRUE(store) << store.error().message;
    const auto taken = (*store)->take("k", 1, two, now);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().status, Status::temp_fail);
    EXPECT_EQ(taken.error().message, "redis+unix:/nonexistent/redis.sock: no connection: No such file or directory");
    EXPECT_EQ((*store)->take("k", 1, two, now).error().message,
              "redis+unix:/nonexistent/redis.sock: no connection: No such file or directory (not asked again within a "
              "second)");
}

class Redis : public testing::Test {
protected:
    void SetUp() override
    {
        if (!server.is_up())
            FAIL() << "no redis-server (Debian package redis-server)";
    }
    std::unique_ptr<Store> open(const std::string& password_file = {}) const
    {
        auto out = open_store({.location = server.location(), .password_file = password_file, .timeout = 2s});
        EXPECT_TRUE(out) << out.error().message;
        return out ? std::move(*out) : nullptr;
    }
    RedisServer server;
    Folder folder;
};

TEST_F(Redis, AServerThatWasRestartedIsUsedAgain)
{
    const auto store = open();
    EXPECT_TRUE(store->take("k", 2, two, now)->fits);
    server.stop();
    EXPECT_FALSE(store->take("k", 1, two, now));
    server.start();
    ASSERT_TRUE(server.is_up());
    std::this_thread::sleep_for(1100ms);
    const auto taken = store->take("k", 1, two, now);
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_TRUE(taken->fits);
}

TEST_F(Redis, ClosedConnectionsAndLostScriptsAreMendedAtOnce)
{
    const auto store = open();
    EXPECT_TRUE(store->take("k", 1, two, now)->fits);
    ASSERT_TRUE(server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
    EXPECT_TRUE(store->take("k", 1, two, now)->fits);
    ASSERT_TRUE(server.command({"SCRIPT", "FLUSH"}));
    const auto third = store->take("k", 1, two, now);
    ASSERT_TRUE(third) << third.error().message;
    EXPECT_FALSE(third->fits);
}

TEST_F(Redis, ThePasswordComesFromItsFile)
{
    std::ofstream(folder / "good") << "open sesame\n";
    std::ofstream(folder / "bad") << "wrong";
    std::ofstream(folder / "empty") << "\n";
    ASSERT_TRUE(server.command({"CONFIG", "SET", "requirepass", "open sesame"}));
    EXPECT_TRUE(open(folder / "good")->put("k", "v", 1h, now));
    const auto bad = open(folder / "bad")->put("k", "v", 1h, now);
    ASSERT_FALSE(bad);
    EXPECT_TRUE(bad.error().message.contains("WRONGPASS")) << bad.error().message;
    EXPECT_FALSE(bad.error().message.contains("wrong "));
    EXPECT_TRUE(open()->put("k", "v", 1h, now).error().message.contains("NOAUTH"));
    EXPECT_EQ(open_store({.location = server.location(), .password_file = folder / "empty"}).error().status,
              Status::config);
    EXPECT_EQ(open_store({.location = server.location(), .password_file = folder / "none"}).error().status,
              Status::config);
    EXPECT_EQ(open_store({.location = "redis://mgw@h"}).error().message, "a user of Redis needs a password file");
}

TEST_F(Redis, DatabasesAreApartAndOtherKeysAreLeftAlone)
{
    ASSERT_TRUE(server.command({"SET", "mgw:x:k", "foreign"}));
    ASSERT_TRUE(server.command({"SET", "mgw:v:other", "no number"}));
    ASSERT_TRUE(server.command({"RPUSH", "mgw:v:list", "x"}));
    const auto store = open();
    const auto second = open_store({.location = server.location() + "?db=2"});
    ASSERT_TRUE(store->put("k", "v", 1h, now));
    EXPECT_FALSE((*second)->get("k", now)->has_value());
    EXPECT_EQ(store->list("", now)->size(), 1U);
    EXPECT_FALSE(store->get("other", now));
    const auto list = store->get("list", now);
    ASSERT_FALSE(list);
    EXPECT_TRUE(list.error().message.contains("WRONGTYPE")) << list.error().message;
    // everything of ours ends by itself
    (void)store->take("k", 1, two, now);
    (void)store->grey("k", {}, now);
    (void)store->count("k", 1, 1h, now);
    for (const char* key : {"mgw:r:k", "mgw:g:k", "mgw:v:k", "mgw:c:k"})
        EXPECT_GT(server.command({"PTTL", key})->number, 0) << key;
}

} // namespace
} // namespace mgw::state
