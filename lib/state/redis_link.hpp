#pragma once

#include "lib/core/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::state
{

/// Where a Redis server is.
struct RedisAddress {
    std::string host; ///< empty: a Unix socket
    int port = 6379;
    std::string path;
    std::string user;
    unsigned database = 0;
};

/// Reads `redis://[USER@]HOST[:PORT][/DB]` (an IPv6 address in brackets) or `redis+unix:/PATH[?db=DB]`. Status::config
/// for other text and for a password in it; such text is not repeated.
Result<RedisAddress> parse_redis_address(std::string_view location);

/// A server's answer.
struct RedisReply {
    enum class Kind : char { nothing, text, number, list };
    Kind kind = Kind::nothing;
    std::string text;
    std::int64_t number = 0;
    std::vector<RedisReply> list;
};

/// One connection to a Redis server, made when it is first needed and again when it broke: after a failure not before a
/// second has passed, so that a dead server costs each caller little. Scripts are loaded with each connection. SIGPIPE
/// must be ignored, as in all tools.
class RedisLink {
public:
    using Words = std::vector<std::string>;

    RedisLink(RedisAddress address, std::string name, std::string password, std::vector<std::string> scripts,
              std::chrono::milliseconds timeout);
    ~RedisLink();
    RedisLink(const RedisLink&) = delete;
    RedisLink& operator=(const RedisLink&) = delete;

    /// One command and its answer, connecting included in at most twice the time-out (a host name's look-up comes on
    /// top of it). Status::temp_fail for no connection, no answer in time, an error that the server sent.
    Result<RedisReply> command(const Words& words);
    /// Runs one of the scripts, by its number.
    Result<RedisReply> script(std::size_t number, const Words& keys, const Words& arguments);

    /// Status::temp_fail "NAME: what".
    std::unexpected<Error> failed(std::string_view what) const;

private:
    struct Connection;
    Result<RedisReply> exchange(const Words& words, std::chrono::steady_clock::time_point deadline);
    Result<void> connect();
    Result<RedisReply> once_more(const auto& words);

    RedisAddress address_;
    std::string name_;
    std::string password_;
    std::vector<std::string> scripts_;
    std::vector<std::string> hashes_;
    std::chrono::milliseconds timeout_;
    std::unique_ptr<Connection> connection_;
    std::chrono::steady_clock::time_point not_before_;
    std::string last_failure_;
    bool timed_out_ = false;
};

} // namespace mgw::state
