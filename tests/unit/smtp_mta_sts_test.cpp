#include "lib/smtp/client_tls_plan.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::smtp;
using std::chrono::seconds;

namespace
{

TEST(StsRecord, IsRead)
{
    const std::pair<std::vector<std::string>, const char*> cases[] = {
        {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
        {{"v=STSv1;id=1"}, "1"},
        {{"v=STSv1 ; ext=a=b ; id=abc ;"}, "abc"},
        {{"something else", "v=STSv1; id=1;", "v=STSv2; id=2;"}, "1"},
        {{"v=STSv1; id=1;", "v=STSv1; id=1;"}, "-"},
        {{"v=STSv1; id=;"}, "-"},
        {{"v=STSv1; id=a-b;"}, "-"},
        {{"v=STSv1; id=" + std::string(33, 'a') + ";"}, "-"},
        {{"v=STSv1;"}, "-"},
        {{"v=STSv10; id=1;"}, "-"},
        {{"V=STSv1; id=1;"}, "-"},
        {{"id=1; v=STSv1;"}, "-"},
        {{}, "-"}};
    for (const auto& [records, want] : cases)
        EXPECT_EQ(parse_sts_record(records).value_or("-"), want) << (records.empty() ? "" : records.front());
}

const std::string good = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.net\r\nmx: "
                         "bücher.example\r\nmax_age: 604800\r\n";

TEST(StsPolicy, IsRead)
{
    const auto policy = parse_sts_policy(good);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->mode, StsPolicy::Mode::enforce);
    EXPECT_EQ(policy->max_age, seconds(604800));
    EXPECT_EQ(policy->mx, (std::vector<std::string>{"mail.example.com", "*.example.net", "xn--bcher-kva.example"}));
    EXPECT_TRUE(policy->allows("mail.example.com"));
    EXPECT_TRUE(policy->allows("a.example.net"));
    EXPECT_FALSE(policy->allows("a.b.example.net"));
    EXPECT_FALSE(policy->allows("example.net"));
    EXPECT_FALSE(policy->allows(".example.net"));
    EXPECT_FALSE(policy->allows("x.mail.example.com"));
    EXPECT_FALSE(policy->allows(""));
    const auto again = parse_sts_policy(sts_policy_text(*policy));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->mx, policy->mx);
    EXPECT_EQ(again->max_age, policy->max_age);
}

TEST(StsPolicy, CountsTheFirstOfAKeyAndPassesOverOthers)
{
    const auto policy = parse_sts_policy("mode: testing\nmode: enforce\nnew: x\nnonsense\nversion: STSv1\nmx: a.b\n"
                                         "max_age: 9999999999\nmax_age: 1\n");
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->mode, StsPolicy::Mode::testing);
    EXPECT_EQ(policy->max_age, StsPolicy::longest_age);
    EXPECT_TRUE(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0"));
}

TEST(StsPolicy, IsRefused)
{
    for (const char* bad :
         {"", "version: STSv2\nmode: none\nmax_age: 1\n", "mode: none\nmax_age: 1\n", "version: STSv1\nmax_age: 1\n",
          "version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 1\n", "version: STSv1\nmode: enforce\nmax_age: 1\n",
          "version: STSv1\nmode: enforce\nmx: a.b\n", "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1\n",
          "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 99999999999\n",
          "version: STSv1\nmode: enforce\nmx: *.*.b\nmax_age: 1\n", "version: STSv1\nmode: enforce\nmx:\nmax_age: 1\n"})
        EXPECT_FALSE(parse_sts_policy(bad)) << bad;
    std::string many = "version: STSv1\nmode: enforce\nmax_age: 1\n";
    for (int i = 0; i <= 1000; ++i)
        many += "mx: a.b\n";
    EXPECT_FALSE(parse_sts_policy(many));
}

/// A domain whose record, policy and server change.
struct World {
    std::string record = "v=STSv1; id=1;";
    StsFetched file{good, "", ""};
    int fetches = 0;
    Time now{seconds(1800000000)};
    std::unique_ptr<state::Store> store = state::open_memory_store();

    std::string find()
    {
        auto resolver = dns::parse_zone("_mta-sts.example.com 60 IN TXT \"" + record + "\"\n", "test");
        EXPECT_TRUE(resolver);
        const Clock clock(now);
        const StsFinder finder(*store, clock, [this](const std::string& domain, dns::Resolver&) {
            EXPECT_EQ(domain, "example.com");
            ++fetches;
            return file;
        });
        const auto found = finder.find("example.com", **resolver);
        return (found.policy ? std::string(mode_name(found.policy->mode)) : "nothing") +
               (found.trouble.empty() ? "" : " " + found.trouble);
    }
};

TEST(StsFinder, FetchesAPolicyOnce)
{
    World w;
    EXPECT_EQ(w.find(), "enforce");
    EXPECT_EQ(w.find(), "enforce");
    EXPECT_EQ(w.fetches, 1);
    w.record = "v=STSv1; id=2;";
    w.file.text = "version: STSv1\nmode: testing\nmx: a.b\nmax_age: 86400\n";
    EXPECT_EQ(w.find(), "testing");
    EXPECT_EQ(w.fetches, 2);
}

TEST(StsFinder, KeepsAPolicyWhoseRecordIsGone)
{
    World w;
    EXPECT_EQ(w.find(), "enforce");
    w.record = "gone";
    EXPECT_EQ(w.find(), "enforce");
    w.now += seconds(604801);
    EXPECT_EQ(w.find(), "nothing");
    EXPECT_EQ(w.fetches, 1);
}

TEST(StsFinder, KeepsAPolicyWhoseServerFails)
{
    World w;
    EXPECT_EQ(w.find(), "enforce");
    w.file = {"", "sts-webpki-invalid", "bad certificate"};
    w.now += seconds(90000); // a day: time to look again
    EXPECT_EQ(w.find(), "enforce sts-webpki-invalid");
    EXPECT_EQ(w.find(), "enforce sts-policy-fetch-error"); // no other try for five minutes
    EXPECT_EQ(w.fetches, 2);
    w.now += seconds(301);
    w.file = {good, "", ""};
    EXPECT_EQ(w.find(), "enforce");
    EXPECT_EQ(w.fetches, 3);
}

TEST(StsFinder, HasNothingWithoutAPolicy)
{
    World w;
    w.file.text = "version: 7";
    EXPECT_EQ(w.find(), "nothing sts-policy-invalid");
    EXPECT_EQ(w.find(), "nothing sts-policy-fetch-error");
    EXPECT_EQ(w.fetches, 1);
    w.record = "nothing";
    EXPECT_EQ(w.find(), "nothing");
}

TEST(StsFinder, DecidesTls)
{
    auto resolver = dns::parse_zone("_mta-sts.example.com TXT \"v=STSv1; id=1;\"\nexample.com MX 10 mail.example.com.\n"
                                    "example.com MX 20 other.example.com.\nmail.example.com A 192.0.2.1\n"
                                    "other.example.com A 192.0.2.2\n",
                                    "test");
    ASSERT_TRUE(resolver) << resolver.error().message;
    const auto store = state::open_memory_store();
    const Clock clock(Time(seconds(1800000000)));
    const auto decided = [&](const std::string& mode, TlsLevel standard) {
        const auto text = "version: STSv1\nmode: " + mode + "\nmx: mail.example.com\nmax_age: 0\n";
        const StsFinder finder(*store, clock, [&](auto&&...) { return StsFetched{text, "", ""}; });
        const auto to = *parse_destination("smtp:example.com");
        auto route = find_route(to, **resolver, {"self.example", {}}, 1);
        decide_tls(route, to, {.standard = standard, .table = {}, .sts = &finder}, **resolver);
        std::string out;
        for (const auto& host : route.hosts)
            out += std::string(level_name(host.tls.level)) + " " + host.tls.kind +
                   (host.tls.refusal.code == 0 ? "; " : " refused; ");
        return out;
    };
    EXPECT_EQ(decided("enforce", TlsLevel::none), "verify sts; verify sts refused; ");
    EXPECT_EQ(decided("testing", TlsLevel::may), "may sts; may sts; ");
    EXPECT_EQ(decided("none", TlsLevel::may), "may no-policy-found; may no-policy-found; ");
}

} // namespace
