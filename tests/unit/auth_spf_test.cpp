#include "lib/auth/spf.hpp"
#include "lib/auth/spf_macro.hpp"
#include "lib/auth/spf_record.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace mgw::auth;
namespace dns = mgw::dns;

namespace
{

std::string repeated(std::string_view text, int times)
{
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

SpfResult check(const std::string& zone, SpfQuery query)
{
    auto resolver = dns::parse_zone("$ORIGIN example.net.\n" + zone, "test");
    EXPECT_TRUE(resolver) << resolver.error().message;
    return check_spf(query, **resolver);
}

SpfResult check(const std::string& zone, const std::string& ip = "192.0.2.7")
{
    return check(zone,
                 {.ip = ip, .helo = "mail.example.net", .mail_from = "bob@example.net", .receiver = "mx.example.org"});
}

std::string joined(const SpfResult& result)
{
    std::string out;
    for (const auto& line : result.trace)
        out += line + "\n";
    return out;
}

} // namespace

struct Case {
    const char* why;
    const char* zone;
    const char* ip;
    const char* result;
    const char* mechanism;
};
class Spf : public testing::TestWithParam<Case> {};

TEST_P(Spf, HasResultAndDecidingTerm)
{
    const auto& c = GetParam();
    const auto result = check(c.zone, c.ip);
    EXPECT_EQ(result.result, c.result) << c.why << "\n" << joined(result);
    EXPECT_EQ(result.mechanism, c.mechanism) << c.why << "\n" << joined(result);
    EXPECT_EQ(result.domain, "example.net");
    EXPECT_EQ(result.identity, "mailfrom");
    EXPECT_FALSE(result.trace.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Records, Spf,
    testing::Values(
        Case{"matching network", "@ TXT \"v=spf1 ip4:192.0.2.0/24 -all\"", "192.0.2.7", "pass", "ip4:192.0.2.0/24"},
        Case{"mapped address", "@ TXT \"v=spf1 ip4:192.0.2.0/24 -all\"", "::ffff:192.0.2.7", "pass",
             "ip4:192.0.2.0/24"},
        Case{"long IPv6", "@ TXT \"v=spf1 ip6:2001:db8:1234:5678:9abc:def0:1234:5600/120 -all\"",
             "2001:db8:1234:5678:9abc:def0:1234:5678", "pass", "ip6:2001:db8:1234:5678:9abc:def0:1234:5600/120"},
        Case{"prefix 0 of the other family", "@ TXT \"v=spf1 ip6:::/0 ~all\"", "192.0.2.7", "softfail", "~all"},
        Case{"prefix 0", "@ TXT \"v=spf1 ?ip6:1::/0 ~all\"", "2001:db8::1", "neutral", "?ip6:1::/0"},
        Case{"no term matches", "@ TXT \"v=spf1 ip4:192.0.2.1\"", "192.0.2.7", "neutral", "default"},
        Case{"term that asks", "@ TXT \"v=spf1 a:m.example.net mx -all\"\n@ MX 1 m\nm A 192.0.2.7", "192.0.2.7", "pass",
             "a:m.example.net"},
        Case{"MX host within a prefix", "@ TXT \"v=spf1 mx/25 -all\"\n@ MX 1 m\nm A 192.0.2.100", "192.0.2.7", "pass",
             "mx/25"},
        Case{"IPv6 prefix", "@ TXT \"v=spf1 a//64 -all\"\n@ AAAA 2001:db8::1", "2001:db8::2", "pass", "a//64"},
        Case{"include passes", "@ TXT \"v=spf1 ~include:i.example.net -all\"\ni TXT \"v=spf1 +all\"", "192.0.2.7",
             "softfail", "~include:i.example.net"},
        Case{"include does not", "@ TXT \"v=spf1 include:i.example.net -all\"\ni TXT \"v=spf1 -all\"", "192.0.2.7",
             "fail", "-all"},
        Case{"redirect decides",
             "@ TXT \"v=spf1 redirect=i.example.net a:m.example.net\"\nm A 192.0.2.1\ni TXT \"v=spf1 -all\"",
             "192.0.2.7", "fail", "-all"},
        Case{"loopback has no privilege", "@ TXT \"v=spf1 -all\"", "127.0.0.1", "fail", "-all"},
        Case{"loopback compared", "@ TXT \"v=spf1 ip4:127.0.0.0/8 -all\"", "127.0.0.1", "pass", "ip4:127.0.0.0/8"},
        Case{"loopback of IPv6", "@ TXT \"v=spf1 a -all\"\n@ AAAA ::1", "::1", "pass", "a"},
        Case{"client that looks like a moved loopback", "@ TXT \"v=spf1 ip4:255.0.0.1 -all\"", "255.0.0.1", "pass",
             "ip4:255.0.0.1"},
        Case{"pointer", "@ TXT \"v=spf1 ptr -all\"\n7.2.0.192.in-addr.arpa. PTR m\nm A 192.0.2.7", "192.0.2.7", "pass",
             "ptr"},
        Case{"pointer whose first name fails is skipped",
             "@ TXT \"v=spf1 ptr -all\"\n7.2.0.192.in-addr.arpa. PTR x\n7.2.0.192.in-addr.arpa. PTR m\nx SERVFAIL\nm A "
             "192.0.2.7",
             "192.0.2.7", "pass", "ptr"},
        Case{"failing pointer look-up does not match", "@ TXT \"v=spf1 ptr -all\"\n7.2.0.192.in-addr.arpa. TIMEOUT",
             "192.0.2.7", "fail", "-all"},
        Case{"failing look-up of a host", "@ TXT \"v=spf1 mx -all\"\n@ MX 1 m\nm TIMEOUT", "192.0.2.7", "temperror",
             "mx"},
        Case{"failure inside an include",
             "@ TXT \"v=spf1 include:i.example.net -all\"\ni TXT \"v=spf1 a:m.example.net\"\nm SERVFAIL", "192.0.2.7",
             "temperror", "include:i.example.net"},
        Case{"no more is asked after the match", "@ TXT \"v=spf1 ip4:192.0.2.7 a:m.example.net\"\nm TIMEOUT",
             "192.0.2.7", "pass", "ip4:192.0.2.7"},
        Case{"macro names a failing host",
             "@ TXT \"v=spf1 exists:%{l}.%{i}.x.example.net -all\"\nbob.192.0.2.7.x A 127.0.0.9", "192.0.2.7", "pass",
             "exists:%{l}.%{i}.x.example.net"},
        Case{"no record", "@ A 192.0.2.7", "192.0.2.7", "none", ""},
        Case{"two records", "@ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 +all\"", "192.0.2.7", "permerror", ""},
        Case{"error behind the match", "@ TXT \"v=spf1 ip4:192.0.2.7 foo\"", "192.0.2.7", "permerror", ""},
        Case{"tab between terms", "@ TXT \"v=spf1 ip4:192.0.2.7\\009-all\"", "192.0.2.7", "permerror", ""},
        Case{"void include", "@ TXT \"v=spf1 include:x.example.net -all\"", "192.0.2.7", "permerror",
             "include:x.example.net"},
        Case{"domain fails", "@ SERVFAIL", "192.0.2.7", "temperror", ""}),
    [](const auto& info) { return "n" + std::to_string(info.index); });

// Of a record, libspf2 1.2.10 drops terms beyond 511 compiled octets without a word.
TEST(Spf, LongRecordsAreEvaluatedWhole)
{
    std::string record = "v=spf1";
    for (int i = 0; i < 200; ++i)
        record += " ip4:198.51.100." + std::to_string(i);
    record += " ip6:2001:db8::/32";
    const auto zone = "@ TXT \"" + record + " a:m.example.net mx -all\"\n@ MX 1 m\nm A 192.0.2.7\n";
    EXPECT_EQ(check(zone, "198.51.100.199").mechanism, "ip4:198.51.100.199");
    EXPECT_EQ(check(zone, "2001:db8::7").result, "pass");
    EXPECT_EQ(check(zone, "192.0.2.7").mechanism, "a:m.example.net");
    EXPECT_EQ(check(zone, "192.0.2.8").result, "fail");
}

TEST(Spf, TenTermsMayAskAndElevenMayNot)
{
    const std::string hosts = "m A 192.0.2.1\nm AAAA 2001:db8::1\n";
    const auto ten = repeated(" a:m.example.net/31//127", 10);
    EXPECT_EQ(check("@ TXT \"v=spf1" + ten + " ip6:2001:db8::7/127 -all\"\n" + hosts, "2001:db8::6").mechanism,
              "ip6:2001:db8::7/127");
    EXPECT_EQ(check("@ TXT \"v=spf1" + ten + " -all\"\n" + hosts).lookups, 10U);
    const auto eleven = check("@ TXT \"v=spf1" + ten + " a:m.example.net -all\"\n" + hosts);
    EXPECT_EQ(eleven.result, "permerror");
    EXPECT_EQ(check("@ TXT \"v=spf1" + repeated(" a:m.example.net", 600) + " -all\"\n" + hosts).result, "permerror");
    // Over all includes.
    const auto zone = "@ TXT \"v=spf1" + repeated(" include:i.example.net", 2) + " +all\"\ni TXT \"v=spf1" +
                      repeated(" a:m.example.net", 5) + " -all\"\n" + hosts;
    EXPECT_EQ(check(zone).result, "permerror");
}

TEST(Spf, CirclesEnd)
{
    EXPECT_EQ(check("@ TXT \"v=spf1 include:example.net -all\"").result, "permerror");
    EXPECT_EQ(check("@ TXT \"v=spf1 redirect=example.net\"").result, "permerror");
    EXPECT_EQ(check("@ TXT \"v=spf1 include:x.example.net -all\"\nx CNAME x").result, "temperror");
}

TEST(Spf, TwoVoidLookUpsAreAllowed)
{
    const auto two = check("@ TXT \"v=spf1 a:n1.example.net exists:n2.example.net ?all\"");
    EXPECT_EQ(two.result, "neutral");
    EXPECT_EQ(two.voids, 2U);
    EXPECT_EQ(check("@ TXT \"v=spf1 a:n1.example.net mx:n3.example.net exists:n2.example.net ?all\"").result,
              "permerror");
}

TEST(Spf, MoreThanTenExchangersAreAnErrorAndMorePointersAreNot)
{
    std::string zone = "@ TXT \"v=spf1 mx ptr ~all\"\n";
    for (int i = 0; i < 11; ++i) {
        const auto host = "m" + std::to_string(i);
        zone += host + " A 192.0.2." + std::to_string(i < 10 ? 100 + i : 7) + "\n7.2.0.192.in-addr.arpa. PTR " + host +
                "\n";
    }
    EXPECT_EQ(check(zone).result, "softfail") << "the eleventh name is not looked at";
    for (int i = 0; i < 11; ++i)
        zone += "@ MX 1 m" + std::to_string(i) + "\n";
    EXPECT_EQ(check(zone).result, "permerror");
}

TEST(Spf, HeloIsCheckedForTheNullSender)
{
    const auto result =
        check("mail TXT \"v=spf1 exists:%{s}.x.example.net -all\"\npostmaster\\064mail.example.net.x A 127.0.0.2",
              {.ip = "192.0.2.7", .helo = "mail.example.net", .mail_from = "", .receiver = ""});
    EXPECT_EQ(result.result, "pass") << joined(result);
    EXPECT_EQ(result.identity, "helo");
    EXPECT_EQ(result.domain, "mail.example.net");
}

TEST(Spf, OddInputIsAnswered)
{
    const std::string zone = "@ TXT \"v=spf1 a:%{h} exists:%{l1r-}.%{d} -all\"";
    for (const auto& query :
         std::vector<SpfQuery>{{},
                               {.ip = "192.0.2.7"},
                               {.ip = "x", .helo = "example.net", .mail_from = "a@example.net"},
                               {.ip = "192.0.2.7", .helo = "", .mail_from = "@"},
                               {.ip = "192.0.2.7", .helo = "[192.0.2.7]", .mail_from = ""},
                               {.ip = "192.0.2.7", .helo = std::string(100000, '%'), .mail_from = ""},
                               {.ip = "192.0.2.7", .helo = "h", .mail_from = "a@" + repeated("x.", 5000)}})
        EXPECT_EQ(check(zone, query).result, "none");
    EXPECT_EQ(check(zone, {.ip = "192.0.2.7",
                           .helo = std::string("a\0\r\nb", 5),
                           .mail_from = std::string(100000, '"') + "@example.net"})
                  .result,
              "fail");
}

// Text that crashes libspf2 1.2.10 when it expands explanations (CVE-2023-42118, not fixed in Debian 12).
TEST(Spf, ExplanationsOfManyMacrosAreExpandedByUs)
{
    for (int count = 100; count < 300; ++count) {
        const auto text = repeated("%{d}", count) + "x";
        const auto result = check("@ TXT \"v=spf1 exp=x.example.net -all\"\nx TXT \"" + text + "\"");
        ASSERT_EQ(result.result, "fail");
        EXPECT_TRUE(result.explanation.starts_with("example.netexample.net"));
        EXPECT_LE(result.explanation.size(), 500U);
        EXPECT_EQ(check("@ TXT \"v=spf1 exists:" + text + ".example.net -all\"").result, "fail");
    }
}

TEST(Spf, ExplanationShowsNoControlCharacters)
{
    const auto result = check("@ TXT \"v=spf1 -all exp=x.example.net\"\nx TXT \"%{l} at %{R}\"",
                              {.ip = "192.0.2.7", .helo = "h", .mail_from = "a\r\nb@example.net", .receiver = "a b"});
    EXPECT_EQ(result.explanation, "a??b at a%20b");
}

TEST(Spf, HugeAnswersAreBounded)
{
    const auto too_long = "v=spf1 " + repeated("ip4:192.0.2.1 ", 4000) + "-all";
    EXPECT_EQ(check("@ TXT \"" + too_long + "\"").result, "permerror");
    std::string many = "@ TXT \"v=spf1 a -all\"\n";
    for (int i = 0; i < 4000; ++i)
        many += "@ A 198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n@ TXT \"text " +
                std::to_string(i) + "\"\n";
    const auto result = check(many + "@ A 192.0.2.7");
    EXPECT_EQ(result.result, "pass");
    for (const auto& line : result.trace)
        EXPECT_LT(line.size(), 6000U);
}

TEST(SpfRecord, GrammarOfDomainSpecs)
{
    for (const auto* good :
         {"a.b", "a.b.", "%{d}", "x%{d}", "%{d}.com", "a:b/c.example", "%%.%_.%-", "a.xn--zckzah", "%{l2r-+}.a"})
        EXPECT_TRUE(spf::is_domain_spec(good)) << good;
    for (const auto* bad : {"",  "a",  "a.",   "a.1",   "a.-b",  "a.b-",    "%{d}com", "%{x}",        "%{d0}", "%{d",
                            "%", "%a", "%{c}", "a b.c", "%{d!}", "a.b\x7f", "a.b/24",  "\xc3\xa4.de", ".",     "a..."})
        EXPECT_FALSE(spf::is_domain_spec(bad)) << bad;
}

TEST(SpfRecord, VersionEndsInABlankOrTheEnd)
{
    EXPECT_TRUE(spf::is_spf_record("V=SPF1"));
    EXPECT_TRUE(spf::is_spf_record("v=spf1 x"));
    EXPECT_FALSE(spf::is_spf_record("v=spf10"));
    EXPECT_FALSE(spf::is_spf_record("v=spf1\tall"));
    EXPECT_FALSE(spf::is_spf_record(" v=spf1"));
}

TEST(SpfMacro, Transforms)
{
    const spf::MacroValues values{.local = "first-middle+last",
                                  .sender_domain = "email.example.com",
                                  .domain = "email.example.com",
                                  .dotted_ip = "192.0.2.3",
                                  .readable_ip = "192.0.2.3",
                                  .ip_version = "in-addr",
                                  .helo = "h o",
                                  .receiver = "r",
                                  .time = "1",
                                  .validated_name = [] { return std::string("unknown"); }};
    // RFC 7208 section 7.4, and more.
    for (const auto& [text, want] : std::vector<std::pair<const char*, const char*>>{
             {"%{s}", "first-middle+last@email.example.com"},
             {"%{o}", "email.example.com"},
             {"%{d4}", "email.example.com"},
             {"%{d3}", "email.example.com"},
             {"%{d2}", "example.com"},
             {"%{d1}", "com"},
             {"%{dr}", "com.example.email"},
             {"%{d2r}", "example.email"},
             {"%{l-}", "first.middle+last"},
             {"%{lr-}", "middle+last.first"},
             {"%{l1r-+}", "first"},
             {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
             {"%{H}%%%_%-%{p}", "h%20o% %20unknown"}})
        EXPECT_EQ(spf::expand(text, values), want) << text;
    const auto name = spf::expand_domain(repeated("%{d}.", 40), values);
    EXPECT_EQ(name.size(), 251U);
    EXPECT_TRUE(name.starts_with("email.example.com.") || name.starts_with("example.com."));
}

TEST(ReceivedSpf, IsFoldedAndQuoted)
{
    const SpfQuery query{.ip = "192.0.2.7",
                         .helo = "mail.example.net",
                         .mail_from = "a\"b\\(c@example.net",
                         .receiver = "mx.example.org"};
    const auto field = received_spf(query, check("@ TXT \"v=spf1 ip4:192.0.2.0/24 -all\"", query));
    EXPECT_EQ(field, "Received-SPF: pass (mx.example.org: domain of example.net designates\r\n"
                     " 192.0.2.7 as permitted sender) receiver=mx.example.org; identity=mailfrom;\r\n"
                     " client-ip=192.0.2.7; envelope-from=\"a\\\"b\\\\(c@example.net\";\r\n"
                     " helo=mail.example.net; mechanism=\"ip4:192.0.2.0/24\"\r\n");
}

TEST(ReceivedSpf, SaysWhyThereIsAnError)
{
    const SpfQuery query{.ip = "2001:db8::1", .helo = "h\r\nX: y", .mail_from = "b@example.net", .receiver = ""};
    const auto field = received_spf(query, check("@ TXT \"v=spf1 foo\"", query));
    EXPECT_TRUE(field.starts_with("Received-SPF: permerror (permanent error in the check of domain of")) << field;
    EXPECT_NE(field.find("problem=\"result permerror: record of example.net: syntax error at 'foo'\""),
              std::string::npos)
        << field;
    EXPECT_NE(field.find("client-ip=\"2001:db8::1\""), std::string::npos) << field;
    for (std::size_t at = 0; (at = field.find('\n', at)) != std::string::npos; ++at)
        EXPECT_TRUE(at + 1 == field.size() || field[at + 1] == ' ') << field;
}
