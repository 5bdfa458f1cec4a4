#include "lib/lists/dnsbl.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace mgw;
using namespace mgw::lists;
using namespace std::chrono_literals;

namespace
{

struct WrongCase {
    const char* name;
    const char* line;
    const char* message;
};
class WrongList : public testing::TestWithParam<WrongCase> {};
TEST_P(WrongList, IsRefused)
{
    const auto list = parse_dnsbl(GetParam().line);
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().status, Status::config);
    EXPECT_EQ(list.error().message, GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    All, WrongList,
    testing::Values(
        WrongCase{"empty", " ", "the definition of a list is empty"},
        WrongCase{"zone", "zen..example 127.0.0.2", "not the zone of a list: \"zen..example\""},
        WrongCase{"no_zone", "127.0.0.2=SBL", "not the zone of a list: \"127.0.0.2=SBL\""},
        WrongCase{"single_label", "zen 127.0.0.2", "not the zone of a list: \"zen\""},
        WrongCase{"no_codes", "zen.example v6", "the list zen.example has no return codes"},
        WrongCase{"word", "zen.example denny 127.0.0.2", "unknown word \"denny\""},
        WrongCase{"other_net", "zen.example 128.0.0.2", "unknown word \"128.0.0.2\""},
        WrongCase{"three", "zen.example 127.0.2", "not return codes: \"127.0.2\""},
        WrongCase{"five", "zen.example 127.0.0.0.2", "not return codes: \"127.0.0.0.2\""},
        WrongCase{"range", "zen.example 127.0.0.9-2", "not return codes: \"127.0.0.9-2\""},
        WrongCase{"big", "zen.example 127.0.0.256", "not return codes: \"127.0.0.256\""},
        WrongCase{"mask", "zen.example 127.0.0.&0", "not return codes: \"127.0.0.&0\""},
        WrongCase{"empty_item", "zen.example 127.0.0.2,", "not return codes: \"127.0.0.2,\""},
        WrongCase{"refusal", "zen.example 127.255.255.254=x",
                  "no listing, but a list's refusal to answer: \"127.255.255.254\""},
        WrongCase{"action", "zen.example 127.0.0.2=SBL:kill", "not an action: \"kill\""},
        WrongCase{"zero", "zen.example 127.0.0.2:0", "not an action: \"0\""},
        WrongCase{"much", "zen.example 127.0.0.2:1001", "not an action: \"1001\""},
        WrongCase{"accept_of_deny", "zen.example 127.0.0.2:accept", "not an action: \"accept\""},
        WrongCase{"reject_of_allow", "zen.example allow 127.0.0.2:reject", "not an action: \"reject\""},
        WrongCase{"no_meaning", "zen.example 127.0.0.2=:reject", "not a meaning of 1 to 60 characters: \"\""},
        WrongCase{"name", "zen.example name= 127.0.0.2",
                  "not a name of 1 to 60 letters, digits, dots and dashes: \"\""},
        WrongCase{"test", "zen.example domain test=a 127.0.0.2", "not a self-test: \"a\""},
        WrongCase{"same_test", "zen.example domain test=a,A 127.0.0.2", "not a self-test: \"a,A\""},
        WrongCase{"test_of_addresses", "zen.example test=a,b 127.0.0.2",
                  "a list of addresses is tested with 127.0.0.2 and 127.0.0.1, not with domains"},
        WrongCase{"family_of_domains", "zen.example domain v6 127.0.0.2", "a list of domains has no address family"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(DnsblList, BoundsLengthAndNumber)
{
    std::string line = "zen.example";
    for (int i = 0; i < 65; ++i)
        line += " 127.0.0.2";
    EXPECT_FALSE(parse_dnsbl(line));
    EXPECT_FALSE(parse_dnsbl("zen.example 127.0.0.2 " + std::string(5000, ' ')).has_value() &&
                 parse_dnsbl("zen.example 127.0.0.2=" + std::string(5000, 'x')).has_value());
    EXPECT_FALSE(parse_dnsbl(std::string(190, 'a') + ".example 127.0.0.2"));
}

TEST(DnsblList, AFileNamesItsLines)
{
    const auto lists = parse_dnsbl_lists("# ours\n\nzen.example. 127.0.0.2\r\nZEN.example name=other 127.0.0.3\n", "f");
    ASSERT_TRUE(lists) << lists.error().message;
    ASSERT_EQ(lists->size(), 2U);
    EXPECT_EQ((*lists)[1].zone, "zen.example");
    EXPECT_EQ((*lists)[1].name, "other");
    const auto twice = parse_dnsbl_lists("zen.example 127.0.0.2\nzen.example 127.0.0.3\n", "f");
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().message, "f:2: a list named zen.example is there already");
    const auto wrong = parse_dnsbl_lists("zen.example 127.0.0.2\n\nzen.example\n", "f");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message, "f:3: the list zen.example has no return codes");
}

struct CodeCase {
    const char* name;
    const char* codes;
    const char* address;
    bool want;
};
class Codes : public testing::TestWithParam<CodeCase> {};
TEST_P(Codes, AreExact)
{
    const auto list = parse_dnsbl("zen.example " + std::string(GetParam().codes));
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(list->rules[0].has(*parse_ip(GetParam().address)), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Sets, Codes,
                         testing::Values(CodeCase{"one", "127.0.0.2", "127.0.0.2", true},
                                         CodeCase{"other", "127.0.0.2", "127.0.0.3", false},
                                         CodeCase{"other_octet", "127.0.0.2", "127.0.1.2", false},
                                         CodeCase{"range_first", "127.0.0.4-7", "127.0.0.4", true},
                                         CodeCase{"range_last", "127.0.0.4-7", "127.0.0.7", true},
                                         CodeCase{"range_behind", "127.0.0.4-7", "127.0.0.8", false},
                                         CodeCase{"comma", "127.0.0.2,9-11", "127.0.0.10", true},
                                         CodeCase{"comma_no", "127.0.0.2,9-11", "127.0.0.3", false},
                                         CodeCase{"any", "127.0.*.3", "127.0.15.3", true},
                                         CodeCase{"bit", "127.0.0.&8", "127.0.0.12", true},
                                         CodeCase{"no_bit", "127.0.0.&8", "127.0.0.4", false},
                                         CodeCase{"two_bits", "127.0.0.&6", "127.0.0.14", true},
                                         CodeCase{"one_of_two_bits", "127.0.0.&6", "127.0.0.2", false},
                                         CodeCase{"six", "127.*.*.*", "2001:db8::1", false}),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(DnsblList, WritesQueryNames)
{
    const auto both = *parse_dnsbl("zen.example v4+v6 127.0.0.2");
    const auto four = *parse_dnsbl("zen.example 127.0.0.2");
    const auto six = *parse_dnsbl("zen.example v6 127.0.0.2");
    const auto domains = *parse_dnsbl("dbl.example domain 127.0.1.2");
    EXPECT_EQ(both.query_name(*parse_ip("192.0.2.7")), "7.2.0.192.zen.example");
    EXPECT_EQ(both.query_name(*parse_ip("::ffff:192.0.2.7")), "7.2.0.192.zen.example");
    EXPECT_EQ(both.query_name(*parse_ip("2001:db8::1")),
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.example");
    EXPECT_FALSE(four.query_name(*parse_ip("2001:db8::1")));
    EXPECT_FALSE(six.query_name(*parse_ip("192.0.2.7")));
    EXPECT_FALSE(domains.query_name(*parse_ip("192.0.2.7")));
    EXPECT_FALSE(four.query_name("example.net"));
    EXPECT_EQ(domains.query_name("Mail.Example.NET."), "mail.example.net.dbl.example");
    for (const std::string no :
         {"", ".", "a..b", "192.0.2.7", "[192.0.2.7]", "a b", "a\nb.example", "j\xc3\xb6rg.example", "2001:db8::1"})
        EXPECT_FALSE(domains.query_name(no)) << no;
    EXPECT_FALSE(domains.query_name(std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c') +
                                    "." + std::string(60, 'd')));
    EXPECT_EQ(reversed_text(*parse_ip("127.0.0.2"), true),
              "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0");
}

/// A zone file with questions counted.
class Counting final : public dns::Resolver {
public:
    explicit Counting(std::string_view zone)
    {
        auto parsed = dns::parse_zone(zone, "zone");
        EXPECT_TRUE(parsed) << parsed.error().message;
        inner = std::move(*parsed);
    }
    dns::Answer query(std::string_view name, dns::Type type) override
    {
        ++asked[std::string(name)];
        if (!prefetched.contains(std::string(name)))
            late.emplace_back(name);
        return inner->query(name, type);
    }
    void prefetch(std::string_view name, dns::Type /*type*/) override { ++prefetched[std::string(name)]; }
    std::string describe() const override { return "counting"; }

    std::unique_ptr<dns::Resolver> inner;
    std::map<std::string, int> asked;
    std::map<std::string, int> prefetched;
    std::vector<std::string> late; ///< asked without prefetch
};

constexpr const char* zone = R"(
2.0.0.127.zen.example. A 127.0.0.2
2.0.0.127.zen.example. A 127.0.0.4
7.2.0.192.zen.example. A 127.0.0.4
7.2.0.192.zen.example. A 127.0.0.11
7.2.0.192.zen.example. TXT "https://zen.example/?192.0.2.7"
8.2.0.192.zen.example. A 127.0.0.99
9.2.0.192.zen.example. A 127.255.255.254
9.2.0.192.zen.example. A 127.0.0.2
10.2.0.192.zen.example. A 203.0.113.1
11.2.0.192.zen.example. TIMEOUT
12.2.0.192.zen.example. A 127.0.0.10
2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.zen.example. A 127.0.0.2
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.example. A 127.0.0.2
2.0.0.127.white.example. A 127.0.10.0
7.2.0.192.white.example. A 127.0.9.3
12.2.0.192.white.example. A 127.0.9.1
*.all.example. A 127.0.0.2
2.0.0.127.parked.example. A 203.0.113.9
1.0.0.127.parked.example. A 203.0.113.9
2.0.0.127.slow.example. SERVFAIL
2.0.0.127.refuses.example. A 127.255.255.255
test.dbl.example. A 127.0.1.2
bad.example.net.dbl.example. A 127.0.1.4
2.0.0.127.key.dq.example. A 127.0.0.2
7.2.0.192.key.dq.example. A 127.0.0.2
)";
constexpr const char* zen = "zen.example v4+v6 127.0.0.2-3=SBL:reject 127.0.0.4-7=XBL:5 127.0.0.10,11=PBL:2";
constexpr const char* white = "white.example allow 127.0.*.1=low:3 127.0.*.2-3=high:accept";
const Time start = Time{} + 480000h;

Dnsbl lists_of(std::initializer_list<const char*> lines, std::shared_ptr<DnsblHealth> health = nullptr)
{
    std::vector<DnsblList> lists;
    for (const char* line : lines) {
        auto list = parse_dnsbl(line);
        EXPECT_TRUE(list) << list.error().message;
        lists.push_back(std::move(*list));
    }
    return Dnsbl(std::move(lists), health ? health : std::make_shared<DnsblHealth>());
}

TEST(Dnsbl, ExplainsAListing)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({zen});
    const auto result = dnsbl.check_client(resolver, "192.0.2.7", start);
    ASSERT_EQ(result.listings.size(), 1U);
    EXPECT_EQ(result.listings[0].text(), "zen.example has 192.0.2.7: XBL,PBL (127.0.0.4,127.0.0.11), +5");
    EXPECT_EQ(result.weight(), 5);
    EXPECT_EQ(result.decisive(), nullptr);
    EXPECT_TRUE(result.failures.empty());
    ASSERT_EQ(result.trace.size(), 2U);
    EXPECT_EQ(result.trace[0], "dnsbl: A 7.2.0.192.zen.example -> 127.0.0.4,127.0.0.11");
    EXPECT_EQ(result.trace[1], "dnsbl: " + result.listings[0].text());
    EXPECT_EQ(Dnsbl::reason(resolver, result.listings[0]), "https://zen.example/?192.0.2.7");
}

TEST(Dnsbl, AsksForTheReasonOnlyWhenItIsWanted)
{
    Counting resolver(zone);
    const auto result = lists_of({zen}).check_client(resolver, "192.0.2.7", start);
    EXPECT_EQ(resolver.asked["7.2.0.192.zen.example"], 1);
    EXPECT_TRUE(resolver.late.empty());
    (void)Dnsbl::reason(resolver, result.listings[0]);
    EXPECT_EQ(resolver.asked["7.2.0.192.zen.example"], 2);
}

TEST(Dnsbl, CodesOutsideTheDefinitionDoNotCount)
{
    Counting resolver(zone);
    const auto result = lists_of({zen}).check_client(resolver, "192.0.2.8", start);
    EXPECT_TRUE(result.listings.empty());
    EXPECT_TRUE(result.failures.empty());
    EXPECT_EQ(result.trace.back(), "dnsbl: zen.example: the definition does not name 127.0.0.99: it does not count");
}

TEST(Dnsbl, ARefusalIsNeverAListing)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({zen});
    const auto result = dnsbl.check_client(resolver, "192.0.2.9", start);
    EXPECT_TRUE(result.listings.empty());
    ASSERT_EQ(result.failures.size(), 1U);
    EXPECT_EQ(result.failures[0].why, "the list refuses public or unknown resolvers (127.255.255.254)");
    EXPECT_FALSE(result.failures[0].is_temporary);
    // it is left alone for a while
    const auto next = dnsbl.check_client(resolver, "192.0.2.7", start + 599s);
    EXPECT_TRUE(next.listings.empty());
    EXPECT_EQ(next.failures.size(), 1U);
    EXPECT_EQ(resolver.asked["7.2.0.192.zen.example"], 0);
    EXPECT_EQ(dnsbl.check_client(resolver, "192.0.2.7", start + 600s).listings.size(), 1U);
}

TEST(Dnsbl, AnAnswerFromElsewhereIsNeverAListing)
{
    Counting resolver(zone);
    const auto result = lists_of({zen}).check_client(resolver, "192.0.2.10", start);
    EXPECT_TRUE(result.listings.empty());
    ASSERT_EQ(result.failures.size(), 1U);
    EXPECT_EQ(result.failures[0].why, "answers 203.0.113.1, which is not in 127.0.0.0/8");
}

TEST(Dnsbl, ATimeOutIsTemporary)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({zen});
    const auto result = dnsbl.check_client(resolver, "192.0.2.11", start);
    ASSERT_EQ(result.failures.size(), 1U);
    EXPECT_TRUE(result.failures[0].is_temporary);
    EXPECT_EQ(result.failures[0].why, "timeout");
    // one question that failed says nothing about the list
    EXPECT_EQ(dnsbl.check_client(resolver, "192.0.2.7", start).listings.size(), 1U);
}

struct BrokenCase {
    const char* name;
    const char* line;
    const char* why;
    bool is_temporary = false;
};
class BrokenList : public testing::TestWithParam<BrokenCase> {};
TEST_P(BrokenList, IsNotAskedAndNamed)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({GetParam().line});
    const auto result = dnsbl.check_client(resolver, "192.0.2.7", start);
    EXPECT_TRUE(result.listings.empty());
    ASSERT_EQ(result.failures.size(), 1U);
    EXPECT_EQ(result.failures[0].why, GetParam().why);
    EXPECT_EQ(result.failures[0].is_temporary, GetParam().is_temporary);
    EXPECT_EQ(result.trace[0], "dnsbl: " + result.failures[0].list + " does not count: " + GetParam().why);
    const auto tested = dnsbl.test(resolver, start);
    ASSERT_EQ(tested.size(), 1U);
    EXPECT_EQ(tested[0].why, GetParam().why);
}
INSTANTIATE_TEST_SUITE_P(
    All, BrokenList,
    testing::Values(
        BrokenCase{"all", "all.example 127.0.0.2:reject", "self-test: has 127.0.0.1, as if it had everything"},
        BrokenCase{"empty", "gone.example 127.0.0.2:reject",
                   "self-test: does not have 127.0.0.2, as if it were empty or gone"},
        BrokenCase{"parked", "parked.example 127.0.0.2", "self-test: answers 203.0.113.9, which is not in 127.0.0.0/8"},
        BrokenCase{"slow", "slow.example 127.0.0.2", "self-test: server failure", true},
        BrokenCase{"refuses", "refuses.example 127.0.0.2",
                   "self-test: the list says that it is asked too often (127.255.255.255)"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(Dnsbl, TheSelfTestHoldsForItsTime)
{
    Counting resolver(zone);
    const auto health = std::make_shared<DnsblHealth>();
    const auto dnsbl = lists_of({zen, "gone.example 127.0.0.2"}, health);
    const auto other = lists_of({zen}, health); // another thread's
    (void)dnsbl.check_client(resolver, "192.0.2.7", start);
    (void)other.check_client(resolver, "192.0.2.7", start + 3599s);
    EXPECT_EQ(resolver.asked["2.0.0.127.zen.example"], 1);
    (void)dnsbl.check_client(resolver, "192.0.2.7", start + 599s);
    EXPECT_EQ(resolver.asked["2.0.0.127.gone.example"], 1);
    (void)dnsbl.check_client(resolver, "192.0.2.7", start + 600s);
    EXPECT_EQ(resolver.asked["2.0.0.127.gone.example"], 2);
    EXPECT_EQ(resolver.asked["2.0.0.127.zen.example"], 1);
    (void)dnsbl.check_client(resolver, "192.0.2.7", start + 3600s);
    EXPECT_EQ(resolver.asked["2.0.0.127.zen.example"], 2);
    EXPECT_EQ(resolver.asked["7.2.0.192.gone.example"], 0);
}

TEST(Dnsbl, IPv6HasItsOwnTest)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({zen, "white.example v6 allow 127.0.0.2:accept", "all.example 127.0.0.2"});
    const auto result = dnsbl.check_client(resolver, "2001:db8::1", start);
    ASSERT_EQ(result.listings.size(), 1U);
    EXPECT_EQ(result.listings[0].meaning, "SBL");
    ASSERT_NE(result.decisive(), nullptr);
    EXPECT_EQ(result.decisive()->action, DnsblAction::reject);
    ASSERT_EQ(result.failures.size(), 1U); // white.example has no IPv6 test point; all.example has no IPv6
    EXPECT_EQ(result.failures[0].why, "self-test: does not have ::ffff:7f00:2, as if it were empty or gone");
    EXPECT_EQ(resolver.asked["2.0.0.127.zen.example"], 0);
    // an IPv4 client through an IPv6 socket is asked as IPv4
    EXPECT_EQ(dnsbl.check_client(resolver, "::ffff:192.0.2.7", start).listings.at(0).subject, "192.0.2.7");
}

TEST(Dnsbl, AListThatAllowsDecidesFirst)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({"zen.example 127.0.0.4:reject 127.0.0.10:4", white});
    const auto result = dnsbl.check_client(resolver, "192.0.2.7", start);
    ASSERT_EQ(result.listings.size(), 2U);
    ASSERT_NE(result.decisive(), nullptr);
    EXPECT_EQ(result.decisive()->list, "white.example");
    EXPECT_EQ(result.decisive()->text(), "white.example has 192.0.2.7: high (127.0.9.3), accept");
    const auto weighed = dnsbl.check_client(resolver, "192.0.2.12", start);
    EXPECT_EQ(weighed.decisive(), nullptr);
    EXPECT_EQ(weighed.weight(), 4 - 3);
}

TEST(Dnsbl, DomainsAreAskedWhereListsHaveDomains)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({zen, "dbl.example domain 127.0.1.2=spam:reject 127.0.1.4=phish:defer"});
    const auto result = dnsbl.check_domain(resolver, "BAD.example.net", start);
    ASSERT_EQ(result.listings.size(), 1U);
    EXPECT_EQ(result.listings[0].text(), "dbl.example has bad.example.net: phish (127.0.1.4), defer");
    EXPECT_EQ(resolver.asked["test.dbl.example"], 1);
    EXPECT_EQ(resolver.asked["invalid.dbl.example"], 1);
    EXPECT_EQ(resolver.asked["2.0.0.127.zen.example"], 0);
    const auto literal = dnsbl.check_domain(resolver, "[192.0.2.7]", start);
    EXPECT_TRUE(literal.listings.empty());
    EXPECT_EQ(literal.trace.at(0), "dnsbl: dbl.example cannot be asked about [192.0.2.7]");
    const auto hostile = dnsbl.check_domain(resolver, std::string("a\r\nb\0.x", 7), start);
    EXPECT_EQ(hostile.trace.at(0), "dnsbl: dbl.example cannot be asked about a??b?.x");
}

TEST(Dnsbl, StartsAllQuestionsOfAConnectionAtOnce)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({zen, white, "dbl.example domain 127.0.1.2=spam", "slow.example 127.0.0.2"});
    const std::vector<std::string> domains{"bad.example.net", "[192.0.2.7]"};
    dnsbl.prefetch(resolver, "192.0.2.7", domains, start);
    EXPECT_EQ(resolver.prefetched.size(), 3U * 3 + 3);
    EXPECT_TRUE(resolver.asked.empty());
    (void)dnsbl.check_client(resolver, "192.0.2.7", start);
    (void)dnsbl.check_domain(resolver, "bad.example.net", start);
    EXPECT_TRUE(resolver.late.empty());
}

TEST(Dnsbl, AKeyInTheZoneIsNotShown)
{
    Counting resolver(zone);
    const auto dnsbl = lists_of({"key.dq.example name=zen 127.0.0.2:reject"});
    const auto result = dnsbl.check_client(resolver, "192.0.2.7", start);
    ASSERT_EQ(result.listings.size(), 1U);
    EXPECT_EQ(result.trace[0], "dnsbl: A 7.2.0.192.zen -> 127.0.0.2");
    for (const auto& line : result.trace)
        EXPECT_FALSE(line.contains("key.dq")) << line;
    EXPECT_FALSE(result.listings[0].text().contains("key.dq"));
}

TEST(Dnsbl, WithoutATestTheListIsAsked)
{
    Counting resolver(zone);
    const auto result = lists_of({"all.example test=none 127.0.0.2:reject"}).check_client(resolver, "192.0.2.7", start);
    EXPECT_EQ(result.listings.size(), 1U);
    EXPECT_EQ(resolver.asked.size(), 1U);
}

TEST(Dnsbl, WhatIsNoAddressIsNotAsked)
{
    Counting resolver(zone);
    const auto result = lists_of({zen}).check_client(resolver, "unix:/x", start);
    EXPECT_TRUE(result.listings.empty());
    EXPECT_TRUE(resolver.asked.empty());
    EXPECT_EQ(result.trace.at(0), "dnsbl: not an address: unix:/x");
}

} // namespace
