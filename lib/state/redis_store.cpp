#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"
#include "lib/state/grey_step.hpp"
#include "lib/state/open.hpp"
#include "lib/state/redis_link.hpp"
#include "lib/state/redis_script.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace mgw::state
{

namespace
{

using Kind = RedisReply::Kind;
using Place = std::pair<std::string, Item::Kind>;

constexpr std::string_view kinds = "rgvc"; ///< in the order of Item::Kind
constexpr std::string_view name_space = "mgw:";
constexpr std::size_t key_begins = 6; ///< behind "mgw:r:"
constexpr std::size_t keys_at_once = 500;
enum Script : std::size_t { take_number, grey_number, count_number };

std::string redis_key(Item::Kind kind, std::string_view key)
{
    return std::string(name_space) + kinds[static_cast<std::size_t>(kind)] + ":" + std::string(key);
}

/// A pattern that stands for itself (Redis KEYS).
std::string glob_escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (std::string_view("*?[]\\^").contains(c))
            out += '\\';
        out += c;
    }
    return out;
}

/// Numbers with blanks between; nothing for other text.
std::optional<std::vector<std::int64_t>> numbers(std::string_view text)
{
    std::vector<std::int64_t> out;
    for (const auto word : split(text, ' ')) {
        const auto number = parse_number(word);
        if (!number || *number > INT64_MAX)
            return std::nullopt;
        out.push_back(static_cast<std::int64_t>(*number));
    }
    return out;
}

/// An entry as list shows it; nothing if it has ended or is not one of ours.
std::optional<Item> item_of(const Place& place, std::string_view value, std::int64_t now)
{
    Item out{.kind = place.second, .key = place.first, .until = {}, .text = {}};
    std::int64_t until = 0;
    if (place.second == Item::Kind::value) {
        const auto end = value.find('\n');
        const auto number = parse_number(value.substr(0, end));
        if (!number || end == std::string_view::npos || *number > INT64_MAX)
            return std::nullopt;
        until = static_cast<std::int64_t>(*number);
        out.text = value_text(value.substr(end + 1));
    } else {
        const auto all = numbers(value);
        const std::size_t wanted = place.second == Item::Kind::rate ? 1 : place.second == Item::Kind::grey ? 4 : 2;
        if (!all || all->size() != wanted)
            return std::nullopt;
        until = all->back();
        if (place.second == Item::Kind::rate)
            out.text = rate_text(until, now);
        else if (place.second == Item::Kind::grey)
            out.text = grey_text({(*all)[0], (*all)[1], static_cast<std::uint64_t>((*all)[2])});
        else
            out.text = std::to_string((*all)[0]);
    }
    if (until <= now)
        return std::nullopt;
    out.until = from_microseconds(until);
    return out;
}

class RedisStore final : public Store {
public:
    RedisStore(RedisAddress address, std::string name, std::string password, std::chrono::milliseconds timeout)
        : name_(name), link_(std::move(address), std::move(name), std::move(password),
                             {take_script, grey_script, count_script}, timeout)
    {}

    std::string describe() const override { return name_; }

protected:
    Result<std::vector<Debt>> do_take(const std::vector<Step>& steps, std::int64_t now) override
    {
        RedisLink::Words keys;
        RedisLink::Words arguments{std::to_string(now)};
        for (const auto& step : steps) {
            keys.push_back(redis_key(Item::Kind::rate, step.key));
            arguments.push_back(std::to_string(step.increment));
            arguments.push_back(std::to_string(step.tolerance));
        }
        const std::scoped_lock lock(mutex_);
        auto reply = link_.script(take_number, keys, arguments);
        if (!reply)
            return pass(reply);
        if (reply->list.size() != 2 * steps.size())
            return strange();
        std::vector<Debt> out;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const auto& before = reply->list[2 * i];
            if (before.kind != Kind::number || before.number < 0 || before.number > steps[i].tolerance)
                return strange();
            out.push_back({before.number, reply->list[2 * i + 1].number == 1});
        }
        return out;
    }

    Result<Grey> do_grey(const std::string& key, const GreyTimes& times, std::int64_t now) override
    {
        const auto micro = [](std::chrono::seconds time) {
            return std::to_string(std::chrono::microseconds(time).count());
        };
        const std::scoped_lock lock(mutex_);
        auto reply = link_.script(grey_number, {redis_key(Item::Kind::grey, key)},
                                  {std::to_string(now), micro(times.delay), micro(times.window), micro(times.white)});
        if (!reply)
            return pass(reply);
        if (reply->list.size() != 4 || reply->list[0].number < 0 || reply->list[0].number > 3)
            return strange();
        const GreyRecord record{reply->list[1].number, reply->list[2].number,
                                static_cast<std::uint64_t>(reply->list[3].number)};
        return grey_result(static_cast<Grey::State>(reply->list[0].number), record, times, now);
    }

    Result<std::uint64_t> do_count(const std::string& key, std::uint64_t by, std::int64_t ttl,
                                   std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        auto reply = link_.script(count_number, {redis_key(Item::Kind::count, key)},
                                  {std::to_string(now), std::to_string(by), std::to_string(ttl)});
        if (!reply)
            return pass(reply);
        if (reply->kind != Kind::number || reply->number < 0)
            return strange();
        return static_cast<std::uint64_t>(reply->number);
    }

    Result<std::optional<std::string>> do_get(const std::string& key, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        auto reply = link_.command({"GET", redis_key(Item::Kind::value, key)});
        if (!reply)
            return pass(reply);
        if (reply->kind == Kind::nothing)
            return std::nullopt;
        const auto end = reply->text.find('\n');
        const auto until = parse_number(std::string_view(reply->text).substr(0, end));
        if (end == std::string::npos || !until)
            return strange();
        return *until > static_cast<std::uint64_t>(now) ? std::optional(reply->text.substr(end + 1)) : std::nullopt;
    }

    Result<void> do_put(const std::string& key, std::string_view value, std::int64_t ttl, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        auto reply = link_.command({"SET", redis_key(Item::Kind::value, key),
                                    std::to_string(add_time(now, ttl)) + "\n" + std::string(value), "PX",
                                    std::to_string((ttl + 999) / 1000)});
        if (!reply)
            return pass(reply);
        return {};
    }

    Result<std::vector<Item>> do_list(const std::string& prefix, std::int64_t now, std::size_t limit) override
    {
        const std::scoped_lock lock(mutex_);
        // the first in order of all: SCAN gives them in none, some twice, and those that have ended by our clock
        std::map<Place, Item> first;
        std::string cursor = "0";
        do {
            auto reply =
                link_.command({"SCAN", cursor, "MATCH", std::string(name_space) + "?:" + glob_escaped(prefix) + "*",
                               "COUNT", std::to_string(keys_at_once)});
            if (!reply)
                return pass(reply);
            if (reply->list.size() != 2)
                return strange();
            cursor = reply->list[0].text;
            if (auto added = add_items(reply->list[1].list, now, limit, first); !added)
                return pass(added);
        } while (cursor != "0");
        std::vector<Item> out;
        for (auto& [place, item] : first)
            out.push_back(std::move(item));
        return out;
    }

    Result<std::size_t> do_forget(const std::string& key) override
    {
        RedisLink::Words words{"DEL"};
        for (std::size_t kind = 0; kind < kinds.size(); ++kind)
            words.push_back(redis_key(static_cast<Item::Kind>(kind), key));
        const std::scoped_lock lock(mutex_);
        auto reply = link_.command(words);
        if (!reply)
            return pass(reply);
        return static_cast<std::size_t>(std::max<std::int64_t>(reply->number, 0));
    }

private:
    std::unexpected<Error> strange() const { return link_.failed("answers what it should not"); }

    /// Adds the entries of these keys to the first `limit` of all.
    Result<void> add_items(const std::vector<RedisReply>& keys, std::int64_t now, std::size_t limit,
                           std::map<Place, Item>& first)
    {
        RedisLink::Words words{"MGET"};
        std::vector<Place> places;
        for (const auto& key : keys) {
            const auto kind = key.text.size() > key_begins ? kinds.find(key.text[4]) : std::string_view::npos;
            if (kind == std::string_view::npos)
                continue;
            places.emplace_back(key.text.substr(key_begins), static_cast<Item::Kind>(kind));
            words.push_back(key.text);
        }
        if (places.empty())
            return {};
        auto reply = link_.command(words);
        if (!reply)
            return pass(reply);
        if (reply->list.size() != places.size())
            return strange();
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (auto item = item_of(places[i], reply->list[i].text, now))
                first.emplace(places[i], std::move(*item));
            if (first.size() > limit)
                first.erase(std::prev(first.end()));
        }
        return {};
    }

    std::string name_;
    std::mutex mutex_;
    RedisLink link_;
};

} // namespace

Result<std::unique_ptr<Store>> open_redis_store(const StoreOptions& options)
{
    auto address = parse_redis_address(options.location);
    if (!address)
        return pass(address);
    std::string password;
    if (!options.password_file.empty()) {
        auto text = read_file(options.password_file, 4096);
        if (!text)
            return pass(text);
        password = text->substr(0, text->find_first_of("\r\n"));
        if (password.empty())
            return fail(Status::config, "the password file " + options.password_file + " begins with an empty line");
    } else if (!address->user.empty()) {
        return fail(Status::config, "a user of Redis needs a password file");
    }
    return std::make_unique<RedisStore>(std::move(*address), options.location, std::move(password), options.timeout);
}

} // namespace mgw::state
