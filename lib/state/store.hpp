#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::state
{

/// `limit` events in each `period`, and at most `burst` of them at once.
struct Rate {
    std::uint64_t limit = 1; ///< at most one in a microsecond
    std::chrono::microseconds period{1};
    std::uint64_t burst = 1;

    /// The time that one event costs: period / limit, rounded up to whole microseconds.
    std::chrono::microseconds interval() const;
};

/// `cost` events that one key is to pay for.
struct Claim {
    std::string key;
    Rate rate;
    std::uint64_t cost = 1; ///< 0 only looks
};

/// What became of a claim.
struct Taken {
    bool fits = false;      ///< this claim alone would be granted
    std::uint64_t left = 0; ///< events that could follow at once, after what was granted
    std::chrono::microseconds wait{
        0}; ///< until it would fit, if it does not; microseconds::max() for never (cost > burst)
};

/// The times of greylisting.
struct GreyTimes {
    std::chrono::seconds delay{300};        ///< a retry before this is too early
    std::chrono::seconds window{4 * 3600};  ///< a retry after this begins anew; longer than `delay`
    std::chrono::seconds white{36 * 86400}; ///< after a pass it is known for this long, from each use on
};

/// How a key stands in the greylist.
struct Grey {
    enum class State : char {
        fresh,  ///< seen the first time, or too long ago
        early,  ///< came back before `delay` was over
        passed, ///< came back in time: from now on it is known
        known,  ///< passed before
    };
    State state = State::fresh;
    Time first;                   ///< when it was first seen
    std::uint64_t uses = 0;       ///< how often it has passed, this time included
    std::chrono::seconds wait{0}; ///< until a retry passes, when it is fresh or early; rounded up

    bool passes() const { return state == State::passed || state == State::known; }
};
std::string_view grey_state_name(Grey::State state);

/// An entry as `list` shows it.
struct Item {
    enum class Kind : char { rate, grey, value, count };
    Kind kind = Kind::value;
    std::string key;
    Time until;       ///< after it the entry is as if it did not exist
    std::string text; ///< what it says, printable: "36 s of debt", "passed 3 times, first …", the value, the count
};
std::string_view item_kind_name(Item::Kind kind);

/// Small state that policies at the door need and that may be lost: rates, greylist, cached answers, counts. Entries
/// end by themselves. Four kinds live apart: the same key may stand for a rate, a greylist entry, a value and a count.
///
/// Keys and values are foreign octets of any kind. A key longer than 512 octets is cut and ended by its SHA-256
/// (bounded_key()); an empty key and a value beyond 64 KB are refused (Status::data). Keys made of parts are best made
/// by make_key().
///
/// `now` is the caller's clock, so that runs can be repeated. Gateways that share a store need clocks that agree within
/// a few seconds. Any failure is Status::temp_fail with the store's name and what it said, within the store's time-out;
/// what it means for mail is the caller's choice. A store may be used by several threads; none is carried over fork().
class Store {
public:
    static constexpr std::size_t longest_key = 512;
    static constexpr std::size_t longest_value = 64U << 10;
    static constexpr std::size_t most_claims = 64;

    virtual ~Store() = default;

    /// Takes from rates (GCRA, the generic cell rate algorithm of ITU-T I.371: one time stamp a key): all claims are
    /// granted, or none is charged. One Taken for each claim; granted if each fits(). Two claims of one call must not
    /// have the same key. Status::data for more than 64 claims.
    Result<std::vector<Taken>> take(std::span<const Claim> claims, Time now);
    /// The same of one claim.
    Result<Taken> take(std::string_view key, std::uint64_t cost, const Rate& rate, Time now);
    /// Gives back what take() took (a message that was refused after all); never more than the burst.
    Result<void> give_back(std::string_view key, std::uint64_t cost, const Rate& rate, Time now);

    /// One contact of `key` with the greylist.
    Result<Grey> grey(std::string_view key, const GreyTimes& times, Time now);
    /// Adds `by` to a count and gives the sum. The count begins anew when it was not asked for during `ttl`; to add 0
    /// asks, and makes no entry.
    Result<std::uint64_t> count(std::string_view key, std::uint64_t by, std::chrono::seconds ttl, Time now);

    /// A value that was put and has not ended.
    Result<std::optional<std::string>> get(std::string_view key, Time now);
    /// Keeps a value for `ttl`, in place of another one.
    Result<void> put(std::string_view key, std::string_view value, std::chrono::seconds ttl, Time now);

    /// Entries of all kinds whose key begins with `prefix` (empty: all) and that have not ended, by key; at most
    /// `limit`.
    Result<std::vector<Item>> list(std::string_view prefix, Time now, std::size_t limit = 1000);
    /// Removes the key's entries of all kinds; how many there were.
    Result<std::size_t> forget(std::string_view key);

    /// "memory", "/var/lib/mgw/state.sqlite", "redis://192.0.2.1:6379/0".
    virtual std::string describe() const = 0;

protected:
    /// A claim in microseconds: `increment` is added to the key's time stamp, or to now where it lies in the past, if
    /// it does not come to lie more than `tolerance` in the future.
    struct Step {
        std::string key;
        std::int64_t increment = 0; ///< negative to give back
        std::int64_t tolerance = 0;
    };
    /// What a Step found: how far the time stamp lay in the future before, 0 to tolerance; and whether the step fits.
    struct Debt {
        std::int64_t before = 0;
        bool fits = false;
    };
    virtual Result<std::vector<Debt>> do_take(const std::vector<Step>& steps, std::int64_t now) = 0;
    virtual Result<Grey> do_grey(const std::string& key, const GreyTimes& times, std::int64_t now) = 0;
    virtual Result<std::uint64_t> do_count(const std::string& key, std::uint64_t by, std::int64_t ttl,
                                           std::int64_t now) = 0;
    virtual Result<std::optional<std::string>> do_get(const std::string& key, std::int64_t now) = 0;
    virtual Result<void> do_put(const std::string& key, std::string_view value, std::int64_t ttl, std::int64_t now) = 0;
    virtual Result<std::vector<Item>> do_list(const std::string& prefix, std::int64_t now, std::size_t limit) = 0;
    virtual Result<std::size_t> do_forget(const std::string& key) = 0;
};

struct StoreOptions {
    /// The path of an SQLite file (made with mode 0600 where there is none), or `redis://[USER@]HOST[:PORT][/DB]`, or
    /// `redis+unix:/PATH[?db=DB]`. A password in it is refused.
    std::string location;
    std::string password_file;               ///< Redis only: its first line is the password
    std::chrono::milliseconds timeout{1000}; ///< no call waits longer for a lock or the server
    std::uint64_t limit_octets = 512U << 20; ///< SQLite: beyond it what ends first is dropped early
};

/// Opens a store. Status::config for a location that is none, a password in it, a password file that cannot be read, a
/// file that is not a state file or is of another version (it is not touched), a damaged file (it is not removed).
/// Status::temp_fail where the file cannot be opened or locked. Redis is connected by the first call, again after a
/// failure (at most once in a second), so that a server that is down does not keep mail from being served.
///
/// SQLite: one file for several processes at a time (WAL); each call is one transaction, flushed to disk in batches: a
/// power cut may lose the latest entries, never the file. The folder must be writable (FILE-wal, FILE-shm). A process
/// opens the file once and shares the store among its threads: to close a second one would drop the first one's locks
/// (POSIX record locks).
/// Redis: 6 or newer, one server (no cluster: a script has the keys of several rates); each of take, grey and count is
/// one script, so that several gateways share what they count. Keys begin with "mgw:"; all have a time to live.
Result<std::unique_ptr<Store>> open_store(const StoreOptions& options);

/// A store in memory, for tests and for runs without state; at most `limit` entries, then what ends first is dropped.
std::unique_ptr<Store> open_memory_store(std::size_t limit = 1U << 20);

/// A key of parts: xtext of each (RFC 3461 section 4), one blank between. Different parts never give the same key.
std::string make_key(std::initializer_list<std::string_view> parts);

/// The key itself up to 512 octets, else its beginning and its SHA-256.
std::string bounded_key(std::string_view key);

/// A key as one printable word or line: '\' and octets outside 32 to 126 as \xHH; and back. from_shown_key gives
/// nothing for text of another form.
std::string shown_key(std::string_view key);
std::optional<std::string> from_shown_key(std::string_view text);

} // namespace mgw::state
