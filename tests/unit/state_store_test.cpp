#include "state_backend.hpp"

#include <algorithm>
#include <atomic>
#include <random>

namespace mgw::state
{
namespace
{

using namespace std::chrono_literals;
using std::chrono::microseconds;

const Rate hundred{.limit = 100, .period = 1h, .burst = 20};

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, backends, backend_name);

TEST_P(AnyStore, RatesAllowTheBurstAndThenTheRate)
{
    for (std::uint64_t i = 0; i < 20; ++i) {
        const auto taken = store->take("k", 1, hundred, now);
        ASSERT_TRUE(taken) << taken.error().message;
        EXPECT_TRUE(taken->fits);
        EXPECT_EQ(taken->left, 19 - i);
        EXPECT_EQ(taken->wait, 0us);
    }
    EXPECT_FALSE(store->take("k", 1, hundred, now)->fits);
    EXPECT_EQ(store->take("k", 1, hundred, now)->wait, 36s);
    EXPECT_EQ(store->take("k", 5, hundred, now)->wait, 180s);
    EXPECT_FALSE(store->take("k", 1, hundred, now + 36s - 1us)->fits);
    EXPECT_TRUE(store->take("k", 1, hundred, now + 36s)->fits);
    EXPECT_FALSE(store->take("k", 1, hundred, now + 36s)->fits);
    EXPECT_TRUE(store->take("other", 1, hundred, now)->fits);
    // full again, not fuller
    EXPECT_EQ(store->take("k", 1, hundred, now + 24h)->left, 19U);
}

TEST_P(AnyStore, ARefusalCostsNothing)
{
    EXPECT_TRUE(store->take("k", 18, hundred, now)->fits);
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(store->take("k", 3, hundred, now)->fits);
    EXPECT_TRUE(store->take("k", 2, hundred, now)->fits);
}

TEST_P(AnyStore, MoreThanTheBurstNeverFits)
{
    const auto taken = store->take("k", 21, hundred, now);
    ASSERT_TRUE(taken);
    EXPECT_FALSE(taken->fits);
    EXPECT_EQ(taken->wait, microseconds::max());
    EXPECT_EQ(taken->left, 20U);
    EXPECT_FALSE(store->take("k", UINT64_MAX, hundred, now)->fits);
    EXPECT_TRUE(store->take("k", 20, hundred, now)->fits);
}

TEST_P(AnyStore, ToTakeNothingIsToLook)
{
    EXPECT_EQ(store->take("k", 0, hundred, now)->left, 20U);
    EXPECT_TRUE(store->list("", now)->empty());
    (void)store->take("k", 20, hundred, now);
    const auto looked = store->take("k", 0, hundred, now);
    EXPECT_TRUE(looked->fits);
    EXPECT_EQ(looked->left, 0U);
}

TEST_P(AnyStore, AllClaimsAreGrantedOrNone)
{
    const Rate small{.limit = 2, .period = 1min, .burst = 2};
    const std::vector<Claim> claims{{"a", hundred}, {"b", small, 2}, {"c", hundred, 3}};
    auto taken = store->take(claims, now);
    ASSERT_TRUE(taken) << taken.error().message;
    ASSERT_EQ(taken->size(), 3U);
    EXPECT_TRUE((*taken)[0].fits && (*taken)[1].fits && (*taken)[2].fits);
    EXPECT_EQ((*taken)[2].left, 17U);
    taken = store->take(claims, now);
    EXPECT_TRUE((*taken)[0].fits);
    EXPECT_EQ((*taken)[0].left, 19U);
    EXPECT_FALSE((*taken)[1].fits);
    EXPECT_EQ((*taken)[1].wait, 60s);
    EXPECT_EQ(store->take("a", 0, hundred, now)->left, 19U);
    EXPECT_EQ(store->take("c", 0, hundred, now)->left, 17U);
    EXPECT_TRUE(store->take(std::vector<Claim>{}, now)->empty());
    EXPECT_FALSE(store->take(std::vector<Claim>{{"a", hundred}, {"a", hundred}}, now));
    EXPECT_FALSE(store->take(std::vector<Claim>(65, Claim{"a", hundred}), now));
}

TEST_P(AnyStore, WhatWasTakenIsGivenBack)
{
    (void)store->take("k", 20, hundred, now);
    ASSERT_TRUE(store->give_back("k", 5, hundred, now));
    EXPECT_EQ(store->take("k", 0, hundred, now)->left, 5U);
    ASSERT_TRUE(store->give_back("k", 1000, hundred, now));
    EXPECT_EQ(store->take("k", 0, hundred, now)->left, 20U);
    EXPECT_TRUE(store->list("", now)->empty());
    ASSERT_TRUE(store->give_back("none", 1, hundred, now));
    EXPECT_EQ(store->take("none", 0, hundred, now)->left, 20U);
}

TEST_P(AnyStore, AStampFromAClockAheadIsBounded)
{
    (void)store->take("k", 20, hundred, now + 240h);
    // not ten days, but the burst's time
    EXPECT_EQ(store->take("k", 1, hundred, now)->wait, 36s);
    // a limit that was made smaller
    (void)store->take("l", 20, hundred, now);
    EXPECT_EQ(store->take("l", 1, {.limit = 100, .period = 1h, .burst = 2}, now)->wait, 36s);
}

TEST_P(AnyStore, OddRatesAllowTheirBurst)
{
    const Rate odd{.limit = 7, .period = 1s, .burst = 7};
    EXPECT_TRUE(store->take("k", 7, odd, now)->fits);
    EXPECT_FALSE(store->take("k", 1, odd, now)->fits);
    const Rate fast{.limit = 1000000, .period = 1s, .burst = 1000000};
    EXPECT_TRUE(store->take("f", 1000000, fast, now)->fits);
    EXPECT_FALSE(store->take("f", 1, fast, now)->fits);
    const Rate slow{.limit = 1, .period = 876000h, .burst = 1000000000};
    EXPECT_TRUE(store->take("s", 1, slow, now)->fits);
    for (const Rate& wrong : {Rate{0, 1s, 1}, Rate{1, 0s, 1}, Rate{1, 1s, 0}, Rate{2, 1us, 1}, Rate{1, -1s, 1}})
        EXPECT_FALSE(store->take("w", 1, wrong, now));
}

TEST_P(AnyStore, GreylistsByTheClock)
{
    struct Contact {
        std::chrono::seconds after;
        Grey::State state;
        std::uint64_t uses;
        std::chrono::seconds wait;
    };
    const GreyTimes times;
    for (const auto& [after, state, uses, wait] : {
             Contact{0s, Grey::State::fresh, 0, 300s},
             Contact{10s, Grey::State::early, 0, 290s},
             Contact{299s, Grey::State::early, 0, 1s},
             Contact{4h, Grey::State::fresh, 0, 300s}, // too late: it begins anew
             Contact{4h + 300s, Grey::State::passed, 1, 0s},
             Contact{4h + 301s, Grey::State::known, 2, 0s},
             Contact{4h + 301s + 36 * 24h - 1s, Grey::State::known, 3, 0s}, // each use makes it longer
             Contact{4h + 301s + 72 * 24h - 1s, Grey::State::fresh, 0, 300s},
         }) {
        const auto grey = store->grey("k", times, now + after);
        ASSERT_TRUE(grey) << grey.error().message;
        EXPECT_EQ(grey->state, state) << after.count();
        EXPECT_EQ(grey->uses, uses) << after.count();
        EXPECT_EQ(grey->wait, wait) << after.count();
        EXPECT_EQ(grey->passes(), wait == 0s);
    }
    EXPECT_EQ(store->grey("k", times, now + 4h + 301s + 72 * 24h + 100s)->first, now + 4h + 301s + 72 * 24h - 1s);
    auto none = times;
    none.delay = 0s;
    EXPECT_EQ(store->grey("z", none, now)->state, Grey::State::passed);
    for (const GreyTimes& wrong : {GreyTimes{300s, 300s, 1h}, GreyTimes{-1s, 1h, 1h}, GreyTimes{1s, 1h, 0s}})
        EXPECT_FALSE(store->grey("k", wrong, now));
}

TEST_P(AnyStore, CountsUntilNobodyAsks)
{
    EXPECT_EQ(*store->count("k", 0, 10s, now), 0U);
    EXPECT_TRUE(store->list("", now)->empty());
    EXPECT_EQ(*store->count("k", 2, 10s, now), 2U);
    EXPECT_EQ(*store->count("k", 1, 10s, now + 9s), 3U);
    EXPECT_EQ(*store->count("k", 0, 10s, now + 18s), 3U);
    EXPECT_EQ(*store->count("k", 4294967295, 10s, now + 27s), 4294967298U);
    EXPECT_EQ(*store->count("k", 1, 10s, now + 37s), 1U);
    EXPECT_FALSE(store->count("k", 4294967296, 10s, now));
    EXPECT_FALSE(store->count("k", 1, 0s, now));
}

TEST_P(AnyStore, KeepsValuesForTheirTime)
{
    EXPECT_FALSE(store->get("k", now)->has_value());
    const std::string octets("a\0\n\xff\r ", 6);
    ASSERT_TRUE(store->put("k", octets, 10s, now));
    EXPECT_EQ(store->get("k", now + 9s)->value(), octets);
    EXPECT_FALSE(store->get("k", now + 10s)->has_value());
    ASSERT_TRUE(store->put("k", "", 10s, now));
    EXPECT_EQ(store->get("k", now)->value(), "");
    ASSERT_TRUE(store->put("k", std::string(65536, 'x'), 36500 * 24h, now));
    EXPECT_EQ(store->get("k", now + 36499 * 24h)->value().size(), 65536U);
    ASSERT_TRUE(store->put("f", "for ever", std::chrono::seconds(INT64_MAX), now));
    EXPECT_TRUE(store->get("f", now + 36500 * 24h)->has_value());
    const auto large = store->put("k", std::string(65537, 'x'), 10s, now);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().status, Status::data);
    EXPECT_FALSE(store->put("k", "x", 0s, now));
}

TEST_P(AnyStore, KeysAreAnyOctets)
{
    std::vector<std::string> keys;
    for (int c = 0; c < 256; ++c)
        keys.push_back(std::string(1, static_cast<char>(c)) + "k");
    for (const char* text : {"*", "?", "[a-z]", "\\", "^", "mgw:v:x", "' OR 1=1 --", "a\r\nFLUSHALL\r\n", "$1\r\n"})
        keys.emplace_back(text);
    const std::string stem(600, 'a');
    for (const char* end : {"", "b", "c"})
        keys.push_back(stem + end);
    for (std::size_t i = 0; i < keys.size(); ++i)
        ASSERT_TRUE(store->put(keys[i], std::to_string(i), 1h, now)) << i;
    for (std::size_t i = 0; i < keys.size(); ++i)
        EXPECT_EQ(store->get(keys[i], now)->value_or("none"), std::to_string(i)) << shown_key(keys[i]);
    const auto all = store->list("", now);
    ASSERT_TRUE(all) << all.error().message;
    ASSERT_EQ(all->size(), keys.size());
    for (std::size_t i = 1; i < all->size(); ++i)
        EXPECT_LT((*all)[i - 1].key, (*all)[i].key);
    for (const auto& item : *all) {
        EXPECT_LE(item.key.size(), Store::longest_key);
        const auto shown = shown_key(item.key);
        EXPECT_TRUE(std::ranges::all_of(shown, [](char c) { return c >= 32 && c < 127; }));
        EXPECT_EQ(from_shown_key(shown), item.key);
    }
    EXPECT_EQ(store->list("*", now)->size(), 2U);
    EXPECT_EQ(store->list("[", now)->size(), 2U);
    EXPECT_EQ(store->list("\xff", now)->size(), 1U);
    EXPECT_EQ(store->list(std::string(1, '\0'), now)->size(), 1U);
    EXPECT_EQ(store->list(std::string(513, 'a'), now)->size(), 0U);
    EXPECT_FALSE(store->put("", "x", 1h, now));
    EXPECT_FALSE(store->take("", 1, hundred, now));
    EXPECT_FALSE(store->get("", now));
    EXPECT_FALSE(store->forget(""));
}

TEST_P(AnyStore, ListsAndForgets)
{
    (void)store->take("rate flood 192.0.2.7/32", 3, hundred, now);
    (void)store->grey("grey a", {}, now);
    (void)store->grey("grey b", {}, now);
    (void)store->grey("grey b", {}, now + 300s);
    (void)store->count("grey b", 7, 1h, now);
    (void)store->put("grey b", "v\x01\xff", 1h, now);
    (void)store->put("gone", "x", 1s, now);
    const auto items = store->list("grey ", now + 301s);
    ASSERT_TRUE(items) << items.error().message;
    std::vector<std::string> texts;
    for (const auto& item : *items)
        texts.push_back(item.key + "|" + std::string(item_kind_name(item.kind)) + "|" + item.text + "|" +
                        rfc3339(item.until));
    EXPECT_EQ(texts,
              (std::vector<std::string>{
                  "grey a|grey|waits since 2026-11-18T11:06:40.000000Z|2026-11-18T15:06:40.000000Z",
                  "grey b|grey|passed 1 time, last 2026-11-18T11:11:40.000000Z|2026-12-24T11:11:40.000000Z",
                  "grey b|value|v??|2026-11-18T12:06:40.000000Z", "grey b|count|7|2026-11-18T12:06:40.000000Z"}));
    const auto all = store->list("", now + 2s);
    ASSERT_EQ(all->size(), 5U);
    EXPECT_EQ(all->back().text, "full again in 106 s");
    EXPECT_EQ(store->list("", now + 2s, 2)->size(), 2U);
    EXPECT_EQ(store->list("", now + 2s, 2)->front().key, "grey a");
    EXPECT_EQ(*store->forget("grey b"), 3U);
    EXPECT_EQ(*store->forget("grey b"), 0U);
    EXPECT_EQ(store->list("grey ", now + 2s)->size(), 1U);
    EXPECT_EQ(store->grey("grey b", {}, now + 301s)->state, Grey::State::fresh);
}

/// The same questions get the same answers from every store.
TEST_P(AnyStore, AnswersAsMemoryDoes)
{
    const auto memory = open_memory_store();
    std::mt19937 random(11); // NOLINT a fixed sequence
    auto at = now;
    const auto text = [](const auto& result, const auto& show) {
        return result ? show(*result) : "error " + result.error().message;
    };
    for (int i = 0; i < 3000; ++i) {
        at += microseconds(random() % 3 == 0 ? random() % 200000000 : 0);
        const std::string key = "k" + std::to_string(random() % 5);
        const Rate rate{
            .limit = 1 + random() % 9, .period = std::chrono::seconds(60 + random() % 60), .burst = 1 + random() % 9};
        const auto cost = random() % 4;
        const auto act = [&](Store& s) -> std::string {
            switch (i % 6) {
            case 0:
            case 1: {
                const std::vector<Claim> claims{{key, rate, cost}, {"x" + key, hundred, 1}};
                return text(s.take(claims, at), [](const std::vector<Taken>& all) {
                    std::string out;
                    for (const auto& t : all)
                        out += std::to_string(t.fits) + "/" + std::to_string(t.left) + "/" +
                               std::to_string(t.wait.count()) + " ";
                    return out;
                });
            }
            case 2:
                return text(s.grey(key, {20s, 200s, 500s}, at), [](const Grey& g) {
                    return std::string(grey_state_name(g.state)) + std::to_string(g.uses) + "/" +
                           std::to_string(g.wait.count()) + rfc3339(g.first);
                });
            case 3:
                return text(s.count(key, cost, 100s, at), [](std::uint64_t n) { return std::to_string(n); });
            case 4:
                if (cost == 0)
                    return s.put(key, std::to_string(i), 100s, at) ? "put" : "error";
                return text(s.get(key, at), [](const auto& v) { return v.value_or("none"); });
            default:
                if (cost == 0)
                    return text(s.forget(key), [](std::size_t) { return std::string("forgotten"); });
                if (cost == 1)
                    return s.give_back(key, 1, rate, at) ? "given" : "error";
                return text(s.list("", at), [](const std::vector<Item>& items) {
                    std::string out;
                    for (const auto& item : items)
                        out += item.key + "|" + std::string(item_kind_name(item.kind)) + "|" + item.text + "|" +
                               rfc3339(item.until) + "\n";
                    return out;
                });
            }
        };
        ASSERT_EQ(act(*store), act(*memory)) << "step " << i;
    }
}

TEST_P(AnyStore, ThreadsShareIt)
{
    std::atomic<int> granted = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i)
                if (const auto taken = store->take("k", 1, hundred, now); taken && taken->fits)
                    ++granted;
        });
    threads.clear();
    EXPECT_EQ(granted, 20);
}

TEST_P(AnyStore, ProcessesShareIt)
{
    if (!is_shared())
        return;
    const Rate fifty{.limit = 50, .period = 1h, .burst = 50};
    std::vector<pid_t> children;
    for (int c = 0; c < 4; ++c) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            int granted = 0;
            const auto own = open();
            for (int i = 0; own && i < 50; ++i) {
                const auto taken = own->take("k", 1, fifty, now);
                if (!taken)
                    ::_exit(200);
                granted += taken->fits ? 1 : 0;
                if (const auto counted = own->count("n", 1, 1h, now); !counted)
                    ::_exit(201);
            }
            ::_exit(own ? granted : 202);
        }
        children.push_back(pid);
    }
    int granted = 0;
    for (const pid_t pid : children) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        ASSERT_TRUE(WIFEXITED(status));
        ASSERT_LE(WEXITSTATUS(status), 50);
        granted += WEXITSTATUS(status);
    }
    EXPECT_EQ(granted, 50);
    EXPECT_EQ(*store->count("n", 0, 1h, now), 200U);
}

TEST(Keys, PartsNeverRunTogether)
{
    EXPECT_EQ(make_key({"grey", "192.0.2.0/24", "a b@x", "c+d@y"}), "grey 192.0.2.0/24 a+20b@x c+2Bd@y");
    EXPECT_NE(make_key({"a", "b c"}), make_key({"a b", "c"}));
    EXPECT_NE(make_key({"a", "", "b"}), make_key({"a", "b", ""}));
    EXPECT_EQ(bounded_key(std::string(512, 'a')), std::string(512, 'a'));
    EXPECT_EQ(bounded_key(std::string(513, 'a')).size(), 512U);
    EXPECT_EQ(shown_key(std::string("a\\\0\xff b", 6)), "a\\x5c\\x00\\xff b");
    for (const char* wrong : {"\\", "\\x", "\\x0", "\\xZZ", "\\n", "a\tb", "\\X00"})
        EXPECT_FALSE(from_shown_key(wrong)) << wrong;
}

TEST(MemoryStore, DropsWhatEndsFirst)
{
    const auto store = open_memory_store(100);
    const Time now = Time{} + 1000h;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(store->put("k" + std::to_string(i), "x", std::chrono::seconds(1000 + i), now));
    EXPECT_LE(store->list("", now, 10000)->size(), 100U);
    EXPECT_TRUE(store->get("k999", now)->has_value());
    EXPECT_FALSE(store->get("k0", now)->has_value());
}

} // namespace
} // namespace mgw::state
