#include "lib/state/store.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/state/grey_step.hpp"
#include "lib/state/open.hpp"

#include <algorithm>
#include <limits>

namespace mgw::state
{

namespace
{

using std::chrono::microseconds;

constexpr std::int64_t longest_time = std::int64_t{100} * 366 * 86400 * 1000000; ///< of a rate or a time to live

std::unexpected<Error> refuse(std::string message)
{
    return fail(Status::data, std::move(message));
}

Result<std::string> checked_key(std::string_view key)
{
    if (key.empty())
        return refuse("a key of the state is empty");
    return bounded_key(key);
}

/// a * b without overflow, at most longest_time.
std::int64_t bounded_product(std::uint64_t a, std::int64_t b)
{
    std::int64_t out = 0;
    if (a > static_cast<std::uint64_t>(longest_time) || __builtin_mul_overflow(static_cast<std::int64_t>(a), b, &out))
        return longest_time;
    return std::min(out, longest_time);
}

std::int64_t bounded_ttl(std::chrono::seconds ttl)
{
    return bounded_product(static_cast<std::uint64_t>(std::max<std::int64_t>(ttl.count(), 0)), 1000000);
}

bool is_rate(const Rate& rate)
{
    return rate.limit > 0 && rate.burst > 0 && rate.period.count() > 0 && rate.period.count() <= longest_time &&
           rate.limit <= static_cast<std::uint64_t>(rate.period.count());
}

} // namespace

std::string_view grey_state_name(Grey::State state)
{
    switch (state) {
    case Grey::State::fresh:
        return "fresh";
    case Grey::State::early:
        return "early";
    case Grey::State::passed:
        return "passed";
    case Grey::State::known:
        return "known";
    }
    return "?";
}

std::string_view item_kind_name(Item::Kind kind)
{
    switch (kind) {
    case Item::Kind::rate:
        return "rate";
    case Item::Kind::grey:
        return "grey";
    case Item::Kind::value:
        return "value";
    case Item::Kind::count:
        return "count";
    }
    return "?";
}

microseconds Rate::interval() const
{
    const auto count = static_cast<std::uint64_t>(period.count());
    return microseconds(static_cast<std::int64_t>(count / limit + (count % limit != 0 ? 1 : 0)));
}

Result<std::vector<Taken>> Store::take(std::span<const Claim> claims, Time now)
{
    if (claims.size() > most_claims)
        return refuse("more than 64 rates at once");
    std::vector<Step> steps;
    for (const auto& claim : claims) {
        auto key = checked_key(claim.key);
        if (!key)
            return pass(key);
        if (!is_rate(claim.rate))
            return refuse("a rate is not between one event in a microsecond and one in a hundred years");
        if (std::ranges::find(steps, *key, &Step::key) != steps.end())
            return refuse("two rates with the key " + shown_key(*key));
        const auto interval = claim.rate.interval().count();
        steps.push_back({.key = std::move(*key),
                         .increment = bounded_product(claim.cost, interval),
                         .tolerance = bounded_product(claim.rate.burst, interval)});
        // what is cut off by the bound must not fit by it
        if (claim.cost > claim.rate.burst)
            steps.back().increment = steps.back().tolerance + 1;
    }
    if (steps.empty())
        return std::vector<Taken>{};
    const auto debts = do_take(steps, to_microseconds(now));
    if (!debts)
        return std::unexpected(debts.error());
    const bool granted = std::ranges::all_of(*debts, &Debt::fits);
    std::vector<Taken> out;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& debt = (*debts)[i];
        const auto after = debt.before + (granted ? steps[i].increment : 0);
        Taken taken{.fits = debt.fits};
        taken.left = static_cast<std::uint64_t>((steps[i].tolerance - after) / claims[i].rate.interval().count());
        if (claims[i].cost > claims[i].rate.burst)
            taken.wait = microseconds::max();
        else if (!debt.fits)
            taken.wait = microseconds(debt.before + steps[i].increment - steps[i].tolerance);
        out.push_back(taken);
    }
    return out;
}

Result<Taken> Store::take(std::string_view key, std::uint64_t cost, const Rate& rate, Time now)
{
    const Claim claim{.key = std::string(key), .rate = rate, .cost = cost};
    auto taken = take(std::span(&claim, 1), now);
    if (!taken)
        return pass(taken);
    return taken->front();
}

Result<void> Store::give_back(std::string_view key, std::uint64_t cost, const Rate& rate, Time now)
{
    auto checked = checked_key(key);
    if (!checked)
        return pass(checked);
    if (!is_rate(rate))
        return refuse("a rate is not between one event in a microsecond and one in a hundred years");
    const auto interval = rate.interval().count();
    auto done = do_take({{.key = std::move(*checked),
                          .increment = -bounded_product(cost, interval),
                          .tolerance = bounded_product(rate.burst, interval)}},
                        to_microseconds(now));
    if (!done)
        return pass(done);
    return {};
}

Result<Grey> Store::grey(std::string_view key, const GreyTimes& times, Time now)
{
    auto checked = checked_key(key);
    if (!checked)
        return pass(checked);
    const auto most = std::chrono::duration_cast<std::chrono::seconds>(microseconds(longest_time));
    if (times.delay.count() < 0 || times.window <= times.delay || times.white.count() <= 0 || times.window > most ||
        times.white > most)
        return refuse("the times of the greylist are not in order");
    return do_grey(*checked, times, to_microseconds(now));
}

Result<std::uint64_t> Store::count(std::string_view key, std::uint64_t by, std::chrono::seconds ttl, Time now)
{
    auto checked = checked_key(key);
    if (!checked)
        return pass(checked);
    if (by > std::numeric_limits<std::uint32_t>::max() || ttl.count() <= 0)
        return refuse("a count grows by at most 4294967295, for at least a second");
    return do_count(*checked, by, bounded_ttl(ttl), to_microseconds(now));
}

Result<std::optional<std::string>> Store::get(std::string_view key, Time now)
{
    auto checked = checked_key(key);
    if (!checked)
        return pass(checked);
    return do_get(*checked, to_microseconds(now));
}

Result<void> Store::put(std::string_view key, std::string_view value, std::chrono::seconds ttl, Time now)
{
    auto checked = checked_key(key);
    if (!checked)
        return pass(checked);
    if (value.size() > longest_value || ttl.count() <= 0)
        return refuse("a value of the state has at most 64 KB, for at least a second");
    return do_put(*checked, value, bounded_ttl(ttl), to_microseconds(now));
}

Result<std::vector<Item>> Store::list(std::string_view prefix, Time now, std::size_t limit)
{
    if (prefix.size() > longest_key)
        return std::vector<Item>{};
    return do_list(std::string(prefix), to_microseconds(now), limit);
}

Result<std::size_t> Store::forget(std::string_view key)
{
    auto checked = checked_key(key);
    if (!checked)
        return pass(checked);
    return do_forget(*checked);
}

Result<std::unique_ptr<Store>> open_store(const StoreOptions& options)
{
    if (options.location.empty())
        return fail(Status::config, "no place is named for the state");
    if (options.location.starts_with("redis:") || options.location.starts_with("redis+unix:"))
        return open_redis_store(options);
    if (options.location.contains("://"))
        return fail(
            Status::config,
            "\"" + printable_ascii(options.location.substr(0, options.location.find("://")), 40) +
                "://\" is not a kind of store",
            "write the path of a file, redis://HOST[:PORT][/DB] or redis+unix:/PATH; TLS to Redis needs a tunnel");
    if (!options.password_file.empty())
        return fail(Status::config, "a password is for a Redis server, not for the file " + options.location);
    return open_sqlite_store(options);
}

std::string make_key(std::initializer_list<std::string_view> parts)
{
    std::string out;
    bool is_first = true;
    for (const auto part : parts) {
        if (!is_first)
            out += ' ';
        is_first = false;
        out += xtext(part);
    }
    return out;
}

std::string bounded_key(std::string_view key)
{
    if (key.size() <= Store::longest_key)
        return std::string(key);
    // 64 octets of hash: what is cut off counts
    return std::string(key.substr(0, Store::longest_key - 65)) + "#" + hex(sha256(key));
}

std::string shown_key(std::string_view key)
{
    std::string out;
    for (const char c : key)
        if (c == '\\' || static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126)
            out += "\\x" + hex(std::string_view(&c, 1));
        else
            out += c;
    return out;
}

std::optional<std::string> from_shown_key(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (static_cast<unsigned char>(text[i]) < 32 || static_cast<unsigned char>(text[i]) > 126)
            return std::nullopt;
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const auto octet = text.substr(i + 1).starts_with('x') ? hex_octet(text.substr(i + 2)) : std::nullopt;
        if (!octet)
            return std::nullopt;
        out += *octet;
        i += 3;
    }
    return out;
}

} // namespace mgw::state
