#pragma once

#include "lib/state/redis_link.hpp"
#include "lib/state/store.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::state
{

/// A folder of this test's own, removed at the end.
class Folder {
public:
    Folder()
    {
        std::string name = testing::TempDir() + "mgw-state-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/// A redis-server of this test's own behind a Unix socket, ended with it.
class RedisServer {
public:
    RedisServer()
    {
        ::signal(SIGPIPE, SIG_IGN);
        start();
    }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;
    ~RedisServer() { stop(); }

    void start()
    {
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const auto dir = folder_ / "";
            const auto socket = path();
            ::execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket.c_str(), "--dir",
                     dir.c_str(), "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "/dev/null",
                     nullptr);
            ::_exit(127);
        }
        for (int i = 0; i < 200 && !is_up_; ++i) {
            if (std::filesystem::exists(path()) && command({"PING"}))
                is_up_ = true;
            else if (::waitpid(pid_, nullptr, WNOHANG) == pid_)
                pid_ = -1;
            if (pid_ < 0)
                return;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    void stop()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        pid_ = -1;
        is_up_ = false;
        std::filesystem::remove(path());
    }
    bool is_up() const { return is_up_; }
    std::string path() const { return folder_ / "redis.sock"; }
    std::string location() const { return "redis+unix:" + path(); }
    Result<RedisReply> command(const RedisLink::Words& words) const
    {
        RedisLink link(*parse_redis_address(location()), "test", "", {}, std::chrono::seconds(2));
        return link.command(words);
    }

private:
    Folder folder_;
    pid_t pid_ = -1;
    bool is_up_ = false;
};

enum class Backend : char { memory, sqlite, redis };

/// Opens the store that a test is about. The tests' packages have redis-server: without it the test fails.
class AnyStore : public testing::TestWithParam<Backend> {
protected:
    void SetUp() override
    {
        if (GetParam() == Backend::redis) {
            static RedisServer server;
            if (!server.is_up())
                FAIL() << "no redis-server (Debian package redis-server)";
            ASSERT_TRUE(server.command({"FLUSHALL"}));
            location_ = server.location();
        } else if (GetParam() == Backend::sqlite) {
            location_ = folder_ / "state.sqlite";
        }
        store = open();
        ASSERT_NE(store, nullptr);
    }
    std::unique_ptr<Store> open() const
    {
        if (location_.empty())
            return open_memory_store();
        auto out = open_store({.location = location_, .timeout = std::chrono::seconds(5)});
        EXPECT_TRUE(out) << out.error().message;
        return out ? std::move(*out) : nullptr;
    }
    bool is_shared() const { return !location_.empty(); }

    std::unique_ptr<Store> store;
    Time now = Time{} + std::chrono::seconds(1795000000);

private:
    Folder folder_;
    std::string location_;
};

inline std::string backend_name(const testing::TestParamInfo<Backend>& info)
{
    return info.param == Backend::memory ? "memory" : info.param == Backend::sqlite ? "sqlite" : "redis";
}
inline const auto backends = testing::Values(Backend::memory, Backend::sqlite, Backend::redis);

} // namespace mgw::state
