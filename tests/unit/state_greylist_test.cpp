#include "state_backend.hpp"

#include "lib/state/greylist.hpp"

namespace mgw::state
{
namespace
{

using namespace std::chrono_literals;

class Greylisting : public AnyStore {
protected:
    GreyDecision decide(const GreyQuestion& question, std::chrono::seconds after, const GreyPolicy& policy = {})
    {
        auto out = Greylist(*store, policy).decide(question, now + after);
        EXPECT_TRUE(out) << out.error().message;
        return out ? *out : GreyDecision{};
    }
};
INSTANTIATE_TEST_SUITE_P(Stores, Greylisting, backends, backend_name);

const GreyQuestion plain{.ip = "192.0.2.7", .sender = "A@example.net", .recipient = "b@example.org"};

TEST_P(Greylisting, ExplainsEachDecision)
{
    auto decision = decide(plain, 0s);
    EXPECT_FALSE(decision.passes);
    EXPECT_EQ(decision.rule, "first");
    EXPECT_EQ(decision.wait, 300s);
    EXPECT_EQ(decision.key, "grey 192.0.2.0/24 a@example.net b@example.org");
    EXPECT_EQ(decision.text, "seen for the first time: again in 300 s (grey 192.0.2.0/24 a@example.net b@example.org)");
    decision = decide(plain, 100s);
    EXPECT_EQ(decision.rule, "early");
    EXPECT_EQ(decision.wait, 200s);
    decision = decide(plain, 300s);
    EXPECT_TRUE(decision.passes);
    EXPECT_EQ(decision.rule, "passed");
    decision = decide(plain, 301s);
    EXPECT_EQ(decision.rule, "known");
    EXPECT_EQ(decision.text, "passed before, 2 times (grey 192.0.2.0/24 a@example.net b@example.org)");
}

TEST_P(Greylisting, TheNetworkCountsNotTheAddress)
{
    (void)decide(plain, 0s);
    auto neighbour = plain;
    neighbour.ip = "192.0.2.200";
    EXPECT_EQ(decide(neighbour, 300s).rule, "passed");
    auto other = plain;
    other.ip = "192.0.3.7";
    EXPECT_EQ(decide(other, 300s).rule, "first");
    auto six = plain;
    six.ip = "2001:db8::1";
    (void)decide(six, 0s);
    six.ip = "2001:db8::ffff:0:0:1";
    EXPECT_EQ(decide(six, 300s).rule, "passed");
}

TEST_P(Greylisting, AnAuthenticatedDomainRetriesFromElsewhere)
{
    auto question = plain;
    question.domain = "Example.NET.";
    EXPECT_EQ(decide(question, 0s).key, "grey-domain example.net");
    question.ip = "198.51.100.9";
    question.sender = "other@example.net";
    question.recipient = "c@example.org";
    EXPECT_EQ(decide(question, 300s).rule, "passed");
    // the same name without authentication gains nothing
    question.domain = {};
    EXPECT_EQ(decide(question, 301s).rule, "first");
}

TEST_P(Greylisting, KeysAsThePolicyWants)
{
    auto question = plain;
    question.domain = "example.net";
    EXPECT_EQ(decide(question, 0s, {.key = GreyKey::network_domain}).key, "grey-domain example.net 192.0.2.0/24");
    EXPECT_EQ(decide(question, 0s, {.key = GreyKey::triplet}).key, "grey 192.0.2.0/24 a@example.net b@example.org");
    EXPECT_EQ(decide(plain, 0s, {.prefix_v4 = 32}).key, "grey 192.0.2.7/32 a@example.net b@example.org");
    auto null = plain;
    null.sender = {};
    EXPECT_EQ(decide(null, 0s).key, "grey 192.0.2.0/24  b@example.org");
}

TEST_P(Greylisting, AuthenticatedClientsNever)
{
    auto question = plain;
    question.login = "bob";
    EXPECT_EQ(decide(question, 0s).rule, "authenticated");
    EXPECT_TRUE(decide(question, 0s).passes);
    question.login = {};
    question.ip = "unknown";
    EXPECT_EQ(decide(question, 0s).rule, "no-address");
    EXPECT_TRUE(store->list("", now)->empty());
}

TEST_P(Greylisting, ANetworkThatPassesOftenIsKnown)
{
    auto question = plain;
    const GreyPolicy policy{.known_after = 3};
    for (int i = 0; i < 3; ++i) {
        question.sender = "s" + std::to_string(i) + "@example.net";
        EXPECT_EQ(decide(question, 0s, policy).rule, "first");
        EXPECT_EQ(decide(question, 300s, policy).rule, "passed");
        EXPECT_EQ(decide(question, 301s, policy).rule, i < 2 ? "known" : "known-network");
    }
    question.sender = "new@example.net";
    EXPECT_EQ(decide(question, 302s, policy).rule, "known-network");
    EXPECT_EQ(decide(question, 302s, policy).text, "the network 192.0.2.0/24 has passed 3 times");
    question.ip = "192.0.3.7";
    EXPECT_EQ(decide(question, 302s, policy).rule, "first");
    // for 36 days from its last use on
    question.ip = "192.0.2.8";
    EXPECT_EQ(decide(question, 302s + 35 * 24h, policy).rule, "known-network");
    EXPECT_EQ(decide(question, 302s + 70 * 24h, policy).rule, "known-network");
    EXPECT_EQ(decide(question, 302s + 107 * 24h, policy).rule, "first");
    const GreyPolicy never{.known_after = 0};
    question.sender = "s0@example.net";
    EXPECT_EQ(decide(question, 302s + 107 * 24h, never).rule, "first");
}

TEST_P(Greylisting, ASignatureTeachesItsDomain)
{
    ASSERT_TRUE(Greylist(*store, {}).teach("Example.net", "192.0.2.7", now));
    auto question = plain;
    EXPECT_EQ(decide(question, 1s).rule, "first");
    question.domain = "example.net";
    EXPECT_EQ(decide(question, 1s).rule, "known");
    ASSERT_TRUE(Greylist(*store, {}).teach("", "192.0.2.7", now));
    ASSERT_TRUE(Greylist(*store, {.key = GreyKey::triplet}).teach("example.com", "192.0.2.7", now));
    EXPECT_TRUE(store->list("grey-domain example.com", now + 1s)->empty());
}

TEST_P(Greylisting, ForeignOctetsStayApart)
{
    auto one = plain;
    one.sender = "a@x b";
    one.recipient = "c";
    auto two = plain;
    two.sender = "a@x";
    two.recipient = "b c";
    EXPECT_EQ(decide(one, 0s).rule, "first");
    EXPECT_EQ(decide(two, 300s).rule, "first");
    auto hostile = plain;
    hostile.sender = std::string(5000, '\n') + "a";
    EXPECT_EQ(decide(hostile, 0s).rule, "first");
    hostile.sender.back() = 'b';
    EXPECT_EQ(decide(hostile, 300s).rule, "first");
    EXPECT_LT(decide(hostile, 300s).text.size(), 400U);
}

TEST(Greylist, ErrorsOfTheStoreAreSeen)
{
    const auto down = open_store({.location = "redis+unix:/nonexistent/socket"});
    ASSERT_TRUE(down) << down.error().message;
    const auto decision = Greylist(**down, {}).decide(plain, Time{} + 1000h);
    ASSERT_FALSE(decision);
    EXPECT_EQ(decision.error().status, Status::temp_fail);
}

} // namespace
} // namespace mgw::state
