#include "state_backend.hpp"

#include "lib/state/rate.hpp"

namespace mgw::state
{
namespace
{

using namespace std::chrono_literals;

struct RateCase {
    const char* name;
    const char* text;
    std::uint64_t limit; ///< 0 where it is refused
    std::chrono::seconds period;
    std::uint64_t burst;
};
class RateText : public testing::TestWithParam<RateCase> {};
TEST_P(RateText, IsRead)
{
    const auto rate = parse_rate(GetParam().text);
    ASSERT_EQ(rate.has_value(), GetParam().limit != 0) << GetParam().text;
    if (!rate) {
        EXPECT_EQ(rate.error().status, Status::config);
        return;
    }
    EXPECT_EQ(rate->limit, GetParam().limit);
    EXPECT_EQ(rate->period, GetParam().period);
    EXPECT_EQ(rate->burst, GetParam().burst);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, RateText,
    testing::Values(RateCase{"burst", "100/1h burst 20", 100, 1h, 20}, RateCase{"no_burst", "100/1h", 100, 1h, 100},
                    RateCase{"no_number", "5/s", 5, 1s, 5}, RateCase{"minutes", "60/10m", 60, 10min, 60},
                    RateCase{"days", " 1/7d ", 1, 168h, 1}, RateCase{"seconds", "9/30", 9, 30s, 9},
                    RateCase{"fastest", "1000000/s", 1000000, 1s, 1000000}, RateCase{"too_fast", "1000001/s", 0, 0s, 0},
                    RateCase{"none", "", 0, 0s, 0}, RateCase{"zero", "0/1h", 0, 0s, 0},
                    RateCase{"no_period", "5/", 0, 0s, 0}, RateCase{"zero_period", "5/0s", 0, 0s, 0},
                    RateCase{"no_slash", "100", 0, 0s, 0}, RateCase{"two_slashes", "1/1/h", 0, 0s, 0},
                    RateCase{"negative", "-1/h", 0, 0s, 0}, RateCase{"word", "100/1h bursts 20", 0, 0s, 0},
                    RateCase{"no_value", "100/1h burst", 0, 0s, 0}, RateCase{"zero_burst", "100/1h burst 0", 0, 0s, 0},
                    RateCase{"unit", "100/1w", 0, 0s, 0}, RateCase{"huge", "99999999999999999999/1h", 0, 0s, 0},
                    RateCase{"long", "100/99999999999d", 0, 0s, 0}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(RateLimit, HasNameEventScopeAndRate)
{
    const auto brake = parse_rate_limit("brake: recipients per login 200/1h burst 50");
    ASSERT_TRUE(brake) << brake.error().message;
    EXPECT_EQ(brake->name, "brake");
    EXPECT_EQ(brake->event, RateEvent::recipients);
    EXPECT_EQ(brake->scope, RateScope::login);
    EXPECT_EQ(brake->text, "200/1h burst 50");
    const auto site = parse_rate_limit("site: messages per network/20/56 1000/d");
    ASSERT_TRUE(site) << site.error().message;
    EXPECT_EQ(site->prefix_v4, 20U);
    EXPECT_EQ(site->prefix_v6, 56U);
    EXPECT_EQ(parse_rate_limit("a: connections per client 1/s")->prefix_v4, 32U);
    EXPECT_EQ(parse_rate_limit("a: failures per network 1/s")->prefix_v4, 24U);
    for (const char* wrong :
         {"", "brake", ": messages per login 1/s", "a b: messages per login 1/s", "a: mails per login 1/s",
          "a: messages for login 1/s", "a: messages per user 1/s", "a: messages per login", "a: messages per login 1",
          "a: messages per login/24/64 1/s", "a: messages per network/24 1/s", "a: messages per network/0/64 1/s",
          "a: messages per network/33/64 1/s", "a: messages per network/24/129 1/s", "a: messages per network// 1/s"}) {
        const auto limit = parse_rate_limit(wrong);
        ASSERT_FALSE(limit) << wrong;
        EXPECT_EQ(limit.error().status, Status::config);
    }
    EXPECT_FALSE(parse_rate_limit(std::string(41, 'a') + ": messages per login 1/s"));
    EXPECT_TRUE(check_names({*brake, *site}));
    EXPECT_EQ(check_names({*brake, *brake}).error().message, "two limits have the name brake");
}

std::vector<RateLimit> limits_of(std::initializer_list<const char*> texts)
{
    std::vector<RateLimit> out;
    for (const char* text : texts)
        out.push_back(*parse_rate_limit(text));
    return out;
}

class Rates : public AnyStore {};
INSTANTIATE_TEST_SUITE_P(Stores, Rates, backends, backend_name);

TEST_P(Rates, EachScopeHasItsOwnSubjects)
{
    const auto limits =
        limits_of({"c: messages per client 2/h", "n: messages per network 3/h", "s: messages per sender 4/h",
                   "l: messages per login 5/h", "r: recipients per recipient 1/h"});
    const auto take = [&](const RateSubject& subject) {
        return *take_rates(*store, limits, RateEvent::messages, 1, subject, now);
    };
    const RateSubject a{.ip = "192.0.2.7", .sender = "A@example.net", .recipient = "r@example.org", .login = ""};
    EXPECT_TRUE(take(a).fits);
    EXPECT_TRUE(take({.ip = "::ffff:192.0.2.7"}).fits); // the same client
    const auto refused = take(a);
    EXPECT_FALSE(refused.fits);
    EXPECT_EQ(refused.limit->name, "c");
    EXPECT_EQ(refused.text(), "c (2/h messages per client) for 192.0.2.7/32 is used up: again in 1800 s");
    EXPECT_EQ(refused.trace,
              (std::vector<std::string>{"rate: c (2/h messages per client) for 192.0.2.7/32: again in 1800 s",
                                        "rate: n (3/h messages per network) for 192.0.2.0/24: 1 left",
                                        "rate: s (4/h messages per sender) for a@example.net: 3 left"}));
    EXPECT_TRUE(take({.ip = "192.0.2.8"}).fits);
    EXPECT_EQ(take({.ip = "192.0.2.9"}).limit->name, "n");
    EXPECT_TRUE(take({.ip = "2001:db8::1"}).fits);
    EXPECT_TRUE(take({.ip = "2001:db8::2"}).fits);
    EXPECT_EQ(take({.ip = "2001:db8::ffff:1"}).limit->name, "c"); // one customer's /64
    EXPECT_TRUE(take({.ip = "no address"}).trace.empty());
    EXPECT_TRUE(take({}).fits);
}

TEST_P(Rates, AStolenAccountIsBraked)
{
    const auto limits = limits_of({"brake: recipients per login 200/1h burst 50"});
    const RateSubject bob{.ip = "192.0.2.7", .sender = {}, .recipient = {}, .login = "bob"};
    EXPECT_TRUE(take_rates(*store, limits, RateEvent::recipients, 50, bob, now)->fits);
    const auto next = *take_rates(*store, limits, RateEvent::recipients, 1, bob, now);
    EXPECT_EQ(next.text(), "brake (200/1h burst 50 recipients per login) for bob is used up: again in 18 s");
    EXPECT_TRUE(take_rates(*store, limits, RateEvent::recipients, 1, {.login = "carol"}, now)->fits);
    EXPECT_TRUE(take_rates(*store, limits, RateEvent::messages, 1, bob, now)->fits);
    ASSERT_TRUE(give_back_rates(*store, limits, RateEvent::recipients, 50, bob, now));
    EXPECT_TRUE(take_rates(*store, limits, RateEvent::recipients, 50, bob, now)->fits);
    const auto never = *take_rates(*store, limits, RateEvent::recipients, 51, bob, now);
    EXPECT_EQ(never.wait, std::chrono::microseconds::max());
    EXPECT_TRUE(never.text().ends_with("is used up: more than its burst at once")) << never.text();
}

TEST_P(Rates, SubjectsAreForeignOctets)
{
    const auto limits = limits_of({"s: messages per sender 1/h"});
    for (const std::string sender : {"a b@x", "a+20b@x", "a\r\nb@x", "a\xff@x", "*@x"})
        EXPECT_TRUE(take_rates(*store, limits, RateEvent::messages, 1, {.sender = sender}, now)->fits)
            << shown_key(sender);
    EXPECT_EQ(store->list("rate s ", now)->size(), 5U);
    const auto twice = *take_rates(*store, limits, RateEvent::messages, 1, {.sender = "a\r\nb@x"}, now);
    EXPECT_TRUE(twice.text().contains("for a??b@x is used up")) << twice.text();
}

} // namespace
} // namespace mgw::state
