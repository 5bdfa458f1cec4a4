#include "lib/smtp/door_rules.hpp"

#include "lib/core/text.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <stdexcept>

namespace mgw::smtp
{
namespace
{

constexpr std::string_view zone = R"(
7.2.0.192.in-addr.arpa PTR mail.example.net
mail.example.net A 192.0.2.7
8.2.0.192.in-addr.arpa PTR other.example.net
other.example.net A 192.0.2.99
9.2.0.192.in-addr.arpa SERVFAIL
client.example A 192.0.2.7
2.0.0.127.bl.example A 127.0.0.2
7.2.0.192.bl.example A 127.0.0.2
7.2.0.192.bl.example TXT "seen sending"
8.2.0.192.bl.example A 127.255.255.254
2.0.0.127.wl.example A 127.0.0.2
7.2.0.192.wl.example A 127.0.0.2
test.dbl.example A 127.0.1.2
bad.example.dbl.example A 127.0.1.2
)";

class Door : public testing::Test {
protected:
    Door()
    {
        resolver_ = std::move(*dns::parse_zone(zone, "zone"));
        store_ = state::open_memory_store();
        plan.hostname = "mx.example";
        plan.domains = {"example.org"};
        question.session = "S1";
        question.ip = "192.0.2.7";
        question.helo = "client.example";
        question.id = "M1";
        question.from = "a@example.net";
        question.to = "b@example.org";
    }

    std::string file(const std::string& name, const std::string& text)
    {
        const auto path = testing::TempDir() + "door-" + name;
        std::ofstream(path) << text;
        return path;
    }
    DoorAnswer ask(DoorPoint at)
    {
        auto tables = DoorTables::read(plan, health_);
        if (!tables)
            throw std::runtime_error(tables.error().message);
        question.at = at;
        const DoorSources sources{*resolver_, memory, with_store ? store_.get() : nullptr,
                                  [this](const Error& error) { complaints.push_back(error.message); }};
        return decide_door(plan, **tables, sources, question, now);
    }
    /// "554 5.7.1 TEXT" and, in brackets, the record's rule; "pass".
    static std::string shown(const DoorAnswer& answer)
    {
        if (answer.action == DoorAction::pass)
            return "pass";
        return std::string(answer.action == DoorAction::close ? "close " : "") + std::to_string(answer.reply.code) +
               " " + answer.reply.enhanced + " " + answer.reply.text;
    }
    std::string said(DoorPoint at) { return shown(ask(at)); }
    static std::string fact_of(const DoorAnswer& answer, std::string_view key)
    {
        for (const auto& [name, value] : answer.facts)
            if (name == key)
                return value;
        return {};
    }
    void limit(std::string_view text) { plan.rates.push_back(*state::parse_rate_limit(text)); }

    DoorPlan plan;
    DoorQuestion question;
    DoorMemory memory;
    Time now{std::chrono::seconds(1'764'000'000)};
    bool with_store = true;
    std::vector<std::string> complaints;

private:
    std::unique_ptr<dns::Resolver> resolver_;
    std::unique_ptr<state::Store> store_;
    std::shared_ptr<lists::DnsblHealth> health_ = std::make_shared<lists::DnsblHealth>();
};

TEST_F(Door, LetsPassWhatNothingForbidsAndTellsTheName)
{
    const auto answer = ask(DoorPoint::connect);
    EXPECT_EQ(shown(answer), "pass");
    EXPECT_EQ(answer.name, "mail.example.net");
    EXPECT_EQ(fact_of(answer, "iprev"), "pass");
    for (const auto at : {DoorPoint::hello, DoorPoint::auth, DoorPoint::mail, DoorPoint::recipient})
        EXPECT_EQ(said(at), "pass");
}

TEST_F(Door, DeniesNetworksUnlessASmallerOneIsAllowed)
{
    plan.networks = {{file("deny", "192.0.2.0/24 spam house\n"), lists::CidrKind::deny},
                     {file("allow", "192.0.2.8\n"), lists::CidrKind::allow}};
    const auto answer = ask(DoorPoint::connect);
    EXPECT_EQ(shown(answer), "close 554 5.7.1 Mail from 192.0.2.7 is not taken: spam house (rule deny)");
    EXPECT_TRUE(answer.rule.starts_with("deny: 192.0.2.0/24 at ") && answer.rule.ends_with(":1")) << answer.rule;
    question.ip = "192.0.2.8";
    question.session = "S2";
    EXPECT_EQ(fact_of(ask(DoorPoint::connect), "client"), "allowed");
}

TEST_F(Door, ATableThatIsWrongIsAnErrorWithItsLine)
{
    plan.networks = {{file("wrong", "192.0.2.0/24\nnonsense\n"), lists::CidrKind::deny}};
    const auto tables = DoorTables::read(plan, std::make_shared<lists::DnsblHealth>());
    ASSERT_FALSE(tables);
    EXPECT_EQ(tables.error().status, Status::config);
    EXPECT_TRUE(tables.error().message.contains("door-wrong:2")) << tables.error().message;
}

TEST_F(Door, ADryRuleIsToldAndNotDone)
{
    plan.networks = {{file("deny", "192.0.2.0/24 spam house\n"), lists::CidrKind::deny}};
    plan.dry_run = {"deny"};
    const auto answer = ask(DoorPoint::connect);
    EXPECT_EQ(shown(answer), "pass");
    ASSERT_EQ(answer.would_have.size(), 1U);
    EXPECT_TRUE(answer.would_have[0].starts_with("refuse deny: 192.0.2.0/24 at ")) << answer.would_have[0];
}

TEST_F(Door, ListedClientsAreRefusedAtMailWithTheListsWords)
{
    plan.dnsbl = {"bl.example 127.0.0.2=SPAM:reject"};
    ask(DoorPoint::connect);
    const auto answer = ask(DoorPoint::mail);
    EXPECT_EQ(shown(answer), "554 5.7.1 192.0.2.7 is listed as SPAM: seen sending (rule dnsbl:bl.example)");
    EXPECT_EQ(fact_of(answer, "dnsbl"), "bl.example:SPAM");
    question.login = "alice"; // clients of providers stand in such lists
    EXPECT_EQ(said(DoorPoint::mail), "pass");
}

TEST_F(Door, AListThatRefusesToAnswerIsNoListing)
{
    plan.dnsbl = {"bl.example 127.0.0.2=SPAM:reject"};
    question.ip = "192.0.2.8";
    const auto answer = ask(DoorPoint::mail);
    EXPECT_EQ(shown(answer), "pass");
    EXPECT_EQ(fact_of(answer, "dnsbl"), "none");
    EXPECT_TRUE(fact_of(answer, "dnsbl_error").starts_with("bl.example: ")) << fact_of(answer, "dnsbl_error");
}

TEST_F(Door, WeightsAddUpAndAListThatAllowsTakesAway)
{
    plan.dnsbl = {"bl.example 127.0.0.2=SPAM:5"};
    plan.dnsbl_weight = 5;
    EXPECT_EQ(said(DoorPoint::mail), "554 5.7.1 Several lists have 192.0.2.7: bl.example:SPAM (rule dnsbl:weight)");
    plan.dnsbl.push_back("wl.example allow 127.0.0.2=good:1");
    question.session = "S2";
    EXPECT_EQ(said(DoorPoint::mail), "pass");
}

TEST_F(Door, ListsOfDomainsAreAskedAboutTheSender)
{
    plan.dnsbl = {"dbl.example domain 127.0.1.2=SPAM:reject"};
    EXPECT_EQ(said(DoorPoint::mail), "pass");
    question.from = "x@bad.example";
    EXPECT_EQ(said(DoorPoint::mail), "554 5.7.1 bad.example is listed as SPAM (rule dnsbl:dbl.example)");
}

struct HeloCase {
    const char* name;
    const char* helo;
    const char* want;
};
class Helo : public Door, public testing::WithParamInterface<HeloCase> {};
TEST_P(Helo, IsChecked)
{
    plan.helo = {"syntax", "self", "address", "dns"};
    question.helo = GetParam().helo;
    const auto text = said(DoorPoint::mail);
    EXPECT_TRUE(std::string_view(GetParam().want) == "pass" ? text == "pass" : text.ends_with(GetParam().want)) << text;
    question.login = "alice";
    EXPECT_EQ(said(DoorPoint::mail), "pass");
}
INSTANTIATE_TEST_SUITE_P(All, Helo,
                         testing::Values(HeloCase{"good", "client.example", "pass"},
                                         HeloCase{"words", "!!! bad", "(rule helo:syntax)"},
                                         HeloCase{"bare_address", "192.0.2.7", "(rule helo:syntax)"},
                                         HeloCase{"our_name", "MX.example", "(rule helo:self)"},
                                         HeloCase{"our_domain", "example.org", "(rule helo:self)"},
                                         HeloCase{"literal", "[192.0.2.7]", "pass"},
                                         HeloCase{"literal_mapped", "[IPv6:::ffff:192.0.2.7]", "pass"},
                                         HeloCase{"literal_of_others", "[192.0.2.8]", "(rule helo:address)"},
                                         HeloCase{"no_such_name", "nowhere.example", "(rule helo:dns)"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(Door, WantsAReverseNameOrAConfirmedOne)
{
    plan.reverse = ReverseName::confirmed;
    EXPECT_EQ(said(DoorPoint::mail), "pass");
    question.session = "S2";
    question.ip = "192.0.2.8";
    EXPECT_EQ(said(DoorPoint::mail), "550 5.7.25 192.0.2.8 has no name that leads back to it (rule reverse)");
    plan.reverse = ReverseName::named;
    EXPECT_EQ(said(DoorPoint::mail), "pass");
    question.session = "S3";
    question.ip = "192.0.2.9";
    EXPECT_EQ(said(DoorPoint::mail), "451 4.7.25 The name of 192.0.2.9 cannot be looked up now (rule reverse)");
    question.session = "S4";
    question.ip = "192.0.2.10";
    EXPECT_EQ(said(DoorPoint::mail), "550 5.7.25 192.0.2.10 has no name (rule reverse)");
}

TEST_F(Door, ChecksRecipientsButLetsLoginsRelay)
{
    plan.recipients = file("recipients", "b@example.org\n@all.example\n");
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    for (const char* to : {"B@example.ORG", "b+lists@example.org", "any@all.example", "postmaster"}) {
        question.to = to;
        EXPECT_EQ(said(DoorPoint::recipient), "pass") << to;
    }
    for (const char* to : {"c@example.org", "b@elsewhere.example"}) {
        question.to = to;
        EXPECT_EQ(said(DoorPoint::recipient), "550 5.1.1 No such recipient here (rule recipient)") << to;
    }
    question.login = "alice";
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    question.to = "c@example.org";
    EXPECT_EQ(said(DoorPoint::recipient), "550 5.1.1 No such recipient here (rule recipient)");
}

TEST_F(Door, AsksTheServerWithTheMailboxesAndKeepsWhatItSays)
{
    using State = CalloutAnswer::State;
    int asked = 0;
    CalloutAnswer says{State::unknown, "the server did not answer in time"};
    plan.callout = [&](const std::string&) {
        ++asked;
        return says;
    };
    EXPECT_EQ(said(DoorPoint::recipient),
              "451 4.4.1 The recipient cannot be checked now, try again later (rule recipient)");
    says = {State::exists, "250 2.1.5 Ok"};
    EXPECT_EQ(said(DoorPoint::recipient), "pass"); // what is not known is not kept
    EXPECT_EQ(fact_of(ask(DoorPoint::recipient), "callout"), "kept");
    EXPECT_EQ(asked, 2);
    question.to = "C@example.org";
    says = {State::missing, "550 5.1.1 no"};
    EXPECT_EQ(ask(DoorPoint::recipient).rule, "recipient: callout: 550 5.1.1 no");
    question.to = "c@example.org";
    EXPECT_EQ(said(DoorPoint::recipient), "550 5.1.1 No such recipient here (rule recipient)");
    EXPECT_EQ(asked, 3);
    now += std::chrono::hours(2);
    ask(DoorPoint::recipient);
    EXPECT_EQ(asked, 4);
    question.login = "alice";
    question.to = "x@elsewhere.example"; // not ours: nobody is asked
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    question.to = "y@example.org";
    EXPECT_NE(said(DoorPoint::recipient), "pass");
    EXPECT_EQ(asked, 5);
}

TEST_F(Door, RecipientsOfAnotherClassHaveToWait)
{
    plan.classes = file("classes", "b@example.org strict\n@lax.example lax\n");
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    question.to = "x@lax.example";
    EXPECT_EQ(said(DoorPoint::recipient),
              "452 4.5.3 Other rules hold for this recipient: send a message of its own (rule class)");
    question.to = "b@example.org";
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    question.id = "M2"; // the next message
    question.to = "x@lax.example";
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
}

TEST_F(Door, LimitsRates)
{
    limit("flood: connections per client 2/1m");
    limit("brake: recipients per login 1/1h");
    EXPECT_EQ(said(DoorPoint::connect), "pass");
    EXPECT_EQ(said(DoorPoint::connect), "pass");
    EXPECT_EQ(said(DoorPoint::connect), "close 421 4.7.1 Too many connections, try again in 30 s (rule rate:flood)");
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    question.login = "alice";
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    EXPECT_EQ(said(DoorPoint::recipient), "450 4.7.1 Too many recipients, try again in 3600 s (rule rate:brake)");
    now += std::chrono::hours(1);
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
}

TEST_F(Door, CountsFailedLoginsOnly)
{
    limit("guess: failures per client 1/1m");
    EXPECT_EQ(said(DoorPoint::auth), "pass");
    EXPECT_EQ(said(DoorPoint::auth), "pass");
    question.failed = true;
    EXPECT_EQ(said(DoorPoint::auth), "pass");
    EXPECT_EQ(said(DoorPoint::auth), "close 421 4.7.1 Too many failed logins, try again in 60 s (rule rate:guess)");
}

TEST_F(Door, GreylistsStrangersAndGivesTheirRateBack)
{
    plan.greylist.emplace();
    plan.greylist->key = state::GreyKey::domain;
    limit("site: recipients per client 1/1h");
    EXPECT_EQ(said(DoorPoint::recipient), "451 4.7.1 Greylisted, try again in 300 s (rule greylist)");
    EXPECT_EQ(said(DoorPoint::recipient), "451 4.7.1 Greylisted, try again in 300 s (rule greylist)");
    now += std::chrono::seconds(301);
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    plan.rates.clear();
    question.from = "new@example.net";
    EXPECT_NE(said(DoorPoint::recipient), "pass");
    question.login = "alice";
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
}

TEST_F(Door, KnowsASenderByTheDomainWhoseSpfPasses)
{
    plan.greylist.emplace();
    int asked = 0;
    plan.spf = [&asked](const DoorQuestion& question, dns::Resolver&) {
        ++asked;
        return question.from.ends_with("@example.net") ? "example.net" : "";
    };
    EXPECT_NE(said(DoorPoint::recipient), "pass");
    now += std::chrono::seconds(301);
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    EXPECT_EQ(asked, 1);
    question.session = "S2";
    question.ip = "198.51.100.1"; // from elsewhere, for somebody else: the domain is known
    question.from = "z@example.net";
    question.to = "c@example.org";
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
    question.from = "z@example.com";
    EXPECT_NE(said(DoorPoint::recipient), "pass");
}

TEST_F(Door, EarlyTalkersAreSentAwayAndAllowedOnesDoNotWait)
{
    plan.early = std::chrono::milliseconds(200);
    limit("flood: connections per client 1/1m");
    EXPECT_EQ(ask(DoorPoint::connect).pause, plan.early);
    question.early = true;
    EXPECT_EQ(said(DoorPoint::connect), "close 554 5.5.1 You spoke before the greeting (rule early)");
    question.early = false;
    plan.networks = {{file("allow", "192.0.2.7\n"), lists::CidrKind::allow}};
    EXPECT_EQ(ask(DoorPoint::connect).pause.count(), 0);
    question.ip.clear(); // a Unix socket
    EXPECT_EQ(ask(DoorPoint::connect).pause.count(), 0);
}

TEST_F(Door, WhoIsRefusedOftenWaitsLonger)
{
    plan.tarpit = std::chrono::milliseconds(500);
    plan.recipients = file("recipients", "b@example.org\n");
    question.to = "c@example.org";
    EXPECT_EQ(ask(DoorPoint::recipient).pause.count(), 500);
    EXPECT_EQ(ask(DoorPoint::recipient).pause.count(), 1000);
    for (int i = 0; i < 60; ++i)
        ask(DoorPoint::recipient);
    EXPECT_EQ(ask(DoorPoint::recipient).pause.count(), 20'000);
    plan.dry_run = {"tarpit"};
    const auto answer = ask(DoorPoint::recipient);
    EXPECT_EQ(answer.pause.count(), 0);
    EXPECT_EQ(answer.would_have, std::vector<std::string>{"tarpit: wait 20000 ms"});
}

TEST_F(Door, WithoutStateNothingIsCounted)
{
    with_store = false;
    plan.greylist.emplace();
    limit("flood: connections per client 1/1m");
    EXPECT_EQ(said(DoorPoint::connect), "pass");
    EXPECT_EQ(said(DoorPoint::connect), "pass");
    EXPECT_EQ(said(DoorPoint::recipient), "pass");
}

TEST_F(Door, APolicyOfAnotherKindHasItsSay)
{
    plan.policy = [](const DoorQuestion& question) -> std::optional<DoorAnswer> {
        if (question.at != DoorPoint::hello)
            return std::nullopt;
        return DoorAnswer{.action = DoorAction::refuse, .reply = {550, "5.7.1", "No"}, .rule = "hello.sieve:3"};
    };
    EXPECT_EQ(said(DoorPoint::connect), "pass");
    const auto answer = ask(DoorPoint::hello);
    EXPECT_EQ(shown(answer), "550 5.7.1 No (rule policy)");
    EXPECT_EQ(answer.rule, "policy: hello.sieve:3");
}

TEST(DoorMemory, ForgetsTheOldest)
{
    DoorMemory memory(2);
    const auto first = memory.find("a");
    EXPECT_EQ(memory.find("a"), first);
    memory.find("b");
    memory.find("c");
    EXPECT_NE(memory.find("a"), first);
}

} // namespace
} // namespace mgw::smtp
