#include "lib/state/redis_link.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/time.h>

namespace mgw::state
{

namespace
{

using Clock = std::chrono::steady_clock;
using Reply = Handle<redisReply, freeReplyObject>;

constexpr std::chrono::seconds pause_after_failure{1};
constexpr int most_reads = 8192; ///< of 16 KB: no answer of ours is larger
constexpr int deepest_reply = 4;
constexpr unsigned most_database = 1000000;

std::unexpected<Error> not_an_address(std::string what)
{
    return fail(Status::config, "not the address of a Redis server: " + std::move(what),
                "write redis://[USER@]HOST[:PORT][/DB] or redis+unix:/PATH[?db=DB]; a password stands in a file");
}

std::optional<unsigned> database_number(std::string_view text)
{
    const auto number = parse_number(text);
    return number && *number <= most_database ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

Result<RedisAddress> parse_unix(std::string_view text)
{
    RedisAddress out;
    const auto question = text.find('?');
    out.path = std::string(text.substr(0, question));
    // sun_path has 108 octets
    if (!out.path.starts_with('/') || out.path.size() > 107 || printable(out.path) != out.path)
        return not_an_address("a socket's path begins with / and has at most 107 octets");
    if (question == std::string_view::npos)
        return out;
    const auto query = text.substr(question + 1);
    const auto number = query.starts_with("db=") ? database_number(query.substr(3)) : std::nullopt;
    if (!number)
        return not_an_address("behind ? stands db= and a number");
    out.database = *number;
    return out;
}

/// "HOST", "HOST:PORT", "[IPV6]:PORT".
Result<void> parse_host(RedisAddress& out, std::string_view text)
{
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        out.host = std::string(text.substr(1, end == std::string_view::npos ? end : end - 1));
        if (end == std::string_view::npos || !out.host.contains(':') || !parse_ip(out.host))
            return not_an_address("no IPv6 address is in the brackets");
        port = text.substr(end + 1);
    } else {
        const auto colon = text.find(':');
        out.host = std::string(text.substr(0, colon));
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
        if (out.host.empty() || out.host.size() > 255 || !std::ranges::all_of(out.host, [](char c) {
                return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_';
            }))
            return not_an_address("there is no host name or address in it");
    }
    if (port.empty())
        return {};
    const auto number = port.starts_with(':') ? parse_number(port.substr(1)) : std::nullopt;
    if (!number || *number == 0 || *number > 65535)
        return not_an_address("a port is a number from 1 to 65535");
    out.port = static_cast<int>(*number);
    return {};
}

RedisReply copy_reply(const redisReply& reply, int depth)
{
    RedisReply out;
    switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        out.kind = RedisReply::Kind::text;
        out.text.assign(reply.str, static_cast<std::size_t>(reply.len));
        break;
    case REDIS_REPLY_INTEGER:
        out.kind = RedisReply::Kind::number;
        out.number = reply.integer;
        break;
    case REDIS_REPLY_ARRAY:
        out.kind = RedisReply::Kind::list;
        for (std::size_t i = 0; i < reply.elements && depth < deepest_reply; ++i)
            out.list.push_back(copy_reply(*reply.element[i], depth + 1));
        break;
    default:
        break;
    }
    return out;
}

/// Waits until the socket can be read or written; false at the deadline.
bool wait_for(int fd, short events, Clock::time_point deadline)
{
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0)
            return false;
        pollfd polled{fd, events, 0};
        const int count = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
        if (count > 0)
            return true;
        if (count == 0 || errno != EINTR)
            return false;
    }
}

} // namespace

Result<RedisAddress> parse_redis_address(std::string_view location)
{
    constexpr std::string_view unix_scheme = "redis+unix:";
    constexpr std::string_view scheme = "redis://";
    if (location.starts_with(unix_scheme))
        return parse_unix(location.substr(unix_scheme.size()));
    if (!location.starts_with(scheme))
        return not_an_address("it does not begin with redis:// or redis+unix:");
    RedisAddress out;
    std::string_view rest = location.substr(scheme.size());
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
        out.user = std::string(rest.substr(0, at));
        rest = rest.substr(at + 1);
        if (out.user.contains(':'))
            return not_an_address("a password must not stand in it");
        if (out.user.empty() || printable_ascii(out.user) != out.user || out.user.contains(' '))
            return not_an_address("before @ stands no user");
    }
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos && slash + 1 < rest.size()) {
        const auto number = database_number(rest.substr(slash + 1));
        if (!number)
            return not_an_address("behind / stands the number of a database");
        out.database = *number;
    }
    if (auto host = parse_host(out, rest.substr(0, slash)); !host)
        return pass(host);
    return out;
}

struct RedisLink::Connection {
    Handle<redisContext, redisFree> context;
};

RedisLink::RedisLink(RedisAddress address, std::string name, std::string password, std::vector<std::string> scripts,
                     std::chrono::milliseconds timeout)
    : address_(std::move(address)), name_(std::move(name)), password_(std::move(password)),
      scripts_(std::move(scripts)), timeout_(std::max(timeout, std::chrono::milliseconds(1)))
{}

RedisLink::~RedisLink() = default;

std::unexpected<Error> RedisLink::failed(std::string_view what) const
{
    return fail(Status::temp_fail, name_ + ": " + printable_ascii(what, 200));
}

/// Sends one command and reads its answer, all by the deadline: hiredis's own time-out begins anew with each octet.
Result<RedisReply> RedisLink::exchange(const Words& words, Clock::time_point deadline)
{
    auto* c = connection_->context.get();
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const auto& word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    const auto broken = [&](std::string_view what) {
        const bool has_error = c->err != 0;
        auto out = failed(has_error ? std::string_view(c->errstr) : what);
        connection_.reset();
        return out;
    };
    if (redisAppendCommandArgv(c, static_cast<int>(words.size()), texts.data(), sizes.data()) != REDIS_OK)
        return broken("no memory");
    for (int sent = 0; sent == 0;) {
        if (!wait_for(c->fd, POLLOUT, deadline)) {
            timed_out_ = true;
            return broken("does not take the question within " + std::to_string(timeout_.count()) + " ms");
        }
        if (redisBufferWrite(c, &sent) != REDIS_OK)
            return broken("cannot be written to");
    }
    void* raw = nullptr;
    for (int reads = 0; raw == nullptr; ++reads) {
        if (redisGetReplyFromReader(c, &raw) != REDIS_OK)
            return broken("answers what is not Redis");
        if (raw != nullptr)
            break;
        if (reads == most_reads)
            return broken("answers without end");
        if (!wait_for(c->fd, POLLIN, deadline)) {
            timed_out_ = true;
            return broken("does not answer within " + std::to_string(timeout_.count()) + " ms");
        }
        if (redisBufferRead(c) != REDIS_OK)
            return broken("cannot be read from");
    }
    const Reply reply(static_cast<redisReply*>(raw));
    if (reply->type == REDIS_REPLY_ERROR)
        return failed(std::string_view(reply->str, static_cast<std::size_t>(reply->len)));
    return copy_reply(*reply, 0);
}

Result<void> RedisLink::connect()
{
    if (connection_)
        return {};
    if (Clock::now() < not_before_)
        return failed(last_failure_ + " (not asked again within a second)");
    const auto give_up = [&](std::unexpected<Error> error) {
        connection_.reset();
        last_failure_ = error.error().message.substr(name_.size() + 2);
        not_before_ = Clock::now() + pause_after_failure;
        return error;
    };
    const auto deadline = Clock::now() + timeout_;
    const timeval limit{.tv_sec = timeout_.count() / 1000, .tv_usec = timeout_.count() % 1000 * 1000};
    auto* raw = address_.host.empty() ? redisConnectUnixWithTimeout(address_.path.c_str(), limit)
                                      : redisConnectWithTimeout(address_.host.c_str(), address_.port, limit);
    connection_ = std::make_unique<Connection>(Handle<redisContext, redisFree>(raw));
    if (raw == nullptr || raw->err != 0)
        return give_up(failed(raw == nullptr ? "no memory" : std::string("no connection: ") + raw->errstr));
    // so that no read or write can wait behind poll()
    if (redisSetTimeout(raw, limit) != REDIS_OK)
        return give_up(failed("no time-out can be set"));
    std::vector<Words> greeting;
    if (!password_.empty())
        greeting.push_back(address_.user.empty() ? Words{"AUTH", password_} : Words{"AUTH", address_.user, password_});
    if (address_.database != 0)
        greeting.push_back({"SELECT", std::to_string(address_.database)});
    for (const auto& words : greeting)
        if (auto done = exchange(words, deadline); !done)
            return give_up(pass(done));
    hashes_.clear();
    for (const auto& script : scripts_) {
        auto hash = exchange({"SCRIPT", "LOAD", script}, deadline);
        if (!hash)
            return give_up(pass(hash));
        hashes_.push_back(std::move(hash->text));
    }
    return {};
}

/// Sends what `words` gives; on a connection that had been kept and turns out to be closed, once more on a new one.
Result<RedisReply> RedisLink::once_more(const auto& words)
{
    for (bool is_last = false;; is_last = true) {
        const bool was_kept = connection_ != nullptr;
        if (auto connected = connect(); !connected)
            return pass(connected);
        timed_out_ = false;
        auto reply = exchange(words(), Clock::now() + timeout_);
        if (reply)
            return reply;
        const bool has_lost_scripts = reply.error().message.contains("NOSCRIPT");
        if (has_lost_scripts)
            connection_.reset();
        if (!is_last && !timed_out_ && !connection_ && (was_kept || has_lost_scripts))
            continue;
        if (!connection_) {
            last_failure_ = reply.error().message.substr(name_.size() + 2);
            not_before_ = Clock::now() + pause_after_failure;
        }
        return reply;
    }
}

Result<RedisReply> RedisLink::command(const Words& words)
{
    return once_more([&] { return words; });
}

Result<RedisReply> RedisLink::script(std::size_t number, const Words& keys, const Words& arguments)
{
    return once_more([&] {
        Words words{"EVALSHA", hashes_[number], std::to_string(keys.size())};
        words.insert(words.end(), keys.begin(), keys.end());
        words.insert(words.end(), arguments.begin(), arguments.end());
        return words;
    });
}

} // namespace mgw::state
