#include "lib/dns/resolver.hpp"
#include "lib/dns/zone_text.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include <unistd.h>

using namespace mgw::dns;

namespace
{

std::unique_ptr<Resolver> zone(std::string_view text)
{
    auto opened = parse_zone(text, "test.zone");
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
}

std::string show(const Answer& answer)
{
    std::string out(code_name(answer.code));
    for (const auto& record : answer.records)
        out += " [" + (record.preference != 0 ? std::to_string(record.preference) + " " : "") + record.data + "]";
    return out + (answer.secure ? " secure" : "");
}

constexpr std::string_view sample = R"zone($ORIGIN example.net.
$TTL 1h
@            SOA ns.example.net. postmaster ( 1 ; serial
                 2 3 4 5 )
             IN MX 10 mail
             MX 20 mail.example.org.
             TXT "v=spf1 " "mx -all"
             600 TXT "a \"quoted\" \\ \195\188;(x)"
mail  30 IN  A 192.0.2.1
      A 192.0.2.2
      A 192.0.2.1
      AAAA 2001:DB8::0:1
www          CNAME mail
far          CNAME elsewhere.example.org.
loop1        CNAME loop2
loop2        CNAME loop1
_25._tcp.mail TLSA 3 1 1 11FF ab12
_25._tcp.mail SECURE
nomail       MX 0 .
broken       SERVFAIL
slow         TIMEOUT TXT MX
slow         A 192.0.2.9
empty        NODATA
*.wild       A 192.0.2.77
here.wild    TXT "x"
a\032b\046c  A 192.0.2.3
srv          SRV 0 0 25 mail
1.2.0.192.in-addr.arpa. PTR MAIL.example.net.
ns.deep.under A 192.0.2.5
)zone";

} // namespace

struct Question {
    const char* why;
    const char* name;
    Type type;
    const char* want;
};
class Zone : public testing::TestWithParam<Question> {};

TEST_P(Zone, Answers)
{
    const auto& q = GetParam();
    EXPECT_EQ(show(zone(sample)->query(q.name, q.type)), q.want) << q.why;
}

INSTANTIATE_TEST_SUITE_P(
    Sample, Zone,
    testing::Values(Question{"relative and absolute names", "example.net", Type::mx,
                             "ok [10 mail.example.net] [20 mail.example.org]"},
                    Question{"strings joined, escapes undone", "example.net", Type::txt,
                             "ok [v=spf1 mx -all] [a \"quoted\" \\ \xc3\xbc;(x)]"},
                    Question{"case and a final dot do not matter", "MAIL.Example.NET.", Type::a,
                             "ok [192.0.2.1] [192.0.2.2]"},
                    Question{"addresses in one form", "mail.example.net", Type::aaaa, "ok [2001:db8::1]"},
                    Question{"other type", "mail.example.net", Type::txt, "no data"},
                    Question{"no such name", "nix.example.net", Type::a, "no such name"},
                    Question{"alias", "www.example.net", Type::a, "ok [192.0.2.1] [192.0.2.2]"},
                    Question{"the alias itself", "www.example.net", Type::cname, "ok [mail.example.net]"},
                    Question{"alias to nothing", "far.example.net", Type::a, "no such name"},
                    Question{"circle of aliases", "loop1.example.net", Type::a, "server failure"},
                    Question{"validated answer", "_25._tcp.mail.example.net", Type::tlsa,
                             "ok [\x03\x01\x01\x11\xff\xab\x12] secure"},
                    Question{"null MX", "nomail.example.net", Type::mx, "ok []"},
                    Question{"every type fails", "broken.example.net", Type::aaaa, "server failure"},
                    Question{"one type times out", "slow.example.net", Type::mx, "timeout"},
                    Question{"another type does not", "slow.example.net", Type::a, "ok [192.0.2.9]"},
                    Question{"a name without records", "empty.example.net", Type::a, "no data"},
                    Question{"wildcard", "any.thing.wild.example.net", Type::a, "ok [192.0.2.77]"},
                    Question{"wildcard yields to a name", "here.wild.example.net", Type::a, "no data"},
                    Question{"octets of a label", "a b.c.example.net", Type::a, "ok [192.0.2.3]"},
                    Question{"types that are not asked for", "srv.example.net", Type::a, "no data"},
                    Question{"reverse", "1.2.0.192.in-addr.arpa", Type::ptr, "ok [MAIL.example.net]"},
                    Question{"a name with names below it", "under.example.net", Type::a, "no data"},
                    Question{"empty label", "a..example.net", Type::a, "malformed name"},
                    Question{"empty name", "", Type::a, "malformed name"},
                    Question{"long label", "a123456789012345678901234567890123456789012345678901234567890123.net",
                             Type::a, "malformed name"}),
    [](const auto& info) { return "n" + std::to_string(info.index); });

TEST(ZoneAnswer, HasTheSmallestTtlOfItsChain)
{
    EXPECT_EQ(zone(sample)->query("www.example.net", Type::a).ttl_seconds, 30U);
    EXPECT_EQ(zone(sample)->query("example.net", Type::txt).ttl_seconds, 600U);
}

struct Malformed {
    const char* text;
    const char* want;
};
class BadZone : public testing::TestWithParam<Malformed> {};

TEST_P(BadZone, IsRefusedWithItsLine)
{
    const auto opened = parse_zone(GetParam().text, "dir/bad.zone");
    ASSERT_FALSE(opened) << GetParam().text;
    EXPECT_EQ(opened.error().status, mgw::Status::config);
    EXPECT_EQ(opened.error().message, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Errors, BadZone,
    testing::Values(Malformed{"\n\nx A 1.2.3\n", "dir/bad.zone:3: A needs one address"},
                    Malformed{"x A\n", "dir/bad.zone:1: A needs one address"},
                    Malformed{"x B 1.2.3.4\n", "dir/bad.zone:1: 'B' is not a record type"},
                    Malformed{"x 300\n", "dir/bad.zone:1: no record type"},
                    Malformed{"  A 192.0.2.1\n", "dir/bad.zone:1: the first entry has no name"},
                    Malformed{"x MX mail\n", "dir/bad.zone:1: MX needs a number up to 65535 and a name"},
                    Malformed{"x MX 70000 m\n", "dir/bad.zone:1: MX needs a number up to 65535 and a name"},
                    Malformed{"x TXT \"abc\n", "dir/bad.zone:1: a quoted string is never closed"},
                    Malformed{"x TXT ( \"abc\"\n\n", "dir/bad.zone:1: '(' is never closed"},
                    Malformed{"x TXT a)\n", "dir/bad.zone:1: ')' without '('"},
                    Malformed{"x TXT\n", "dir/bad.zone:1: TXT has no string"},
                    Malformed{"a..b A 192.0.2.1\n", "dir/bad.zone:1: 'a..b' is not a domain name"},
                    Malformed{"x CNAME a b\n", "dir/bad.zone:1: CNAME needs one name"},
                    Malformed{"x TIMEOUT FOO\n", "dir/bad.zone:1: 'FOO' is not a record type"},
                    Malformed{"$INCLUDE y\n",
                              "dir/bad.zone:1: '$INCLUDE' is not understood: $ORIGIN NAME and $TTL SECONDS are"},
                    Malformed{"x TLSA 3 1 1 zz\n", "dir/bad.zone:1: TLSA needs three numbers up to 255 and hexadecimal "
                                                   "digits (RFC 6698 section 2.2)"}),
    [](const auto& info) { return "n" + std::to_string(info.index); });

TEST(ZoneFile, IsDescribedByNameAndHash)
{
    const auto opened = parse_zone("", "some/dir/x.zone");
    ASSERT_TRUE(opened);
    EXPECT_EQ((*opened)->describe(),
              "zone x.zone sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(ZoneFile, ThatIsMissingIsAConfigurationError)
{
    const auto opened = open_zone("/nonexistent/zone");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().status, mgw::Status::config);
}

TEST(ReverseName, OfBothFamilies)
{
    EXPECT_EQ(reverse_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
    EXPECT_EQ(reverse_name("::ffff:192.0.2.1"), "1.2.0.192.in-addr.arpa");
    EXPECT_EQ(reverse_name("2001:db8::ab"), "b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    EXPECT_EQ(reverse_name("mail.example.net"), "");
    EXPECT_EQ(reverse_name(""), "");
}

TEST(Recorder, MakesAZoneThatAnswersAlike)
{
    const std::string path = testing::TempDir() + "dns_recorder_" + std::to_string(::getpid());
    std::remove(path.c_str());
    const struct {
        const char* name;
        Type type;
    } questions[] = {{"example.net", Type::mx},        {"example.net", Type::txt},
                     {"mail.example.net", Type::a},    {"mail.example.net", Type::txt},
                     {"nix.example.net", Type::a},     {"www.example.net", Type::a},
                     {"broken.example.net", Type::a},  {"slow.example.net", Type::mx},
                     {"nomail.example.net", Type::mx}, {"_25._tcp.mail.example.net", Type::tlsa},
                     {"a b.c.example.net", Type::a},   {"1.2.0.192.in-addr.arpa", Type::ptr},
                     {"under.example.net", Type::a},   {"a..b", Type::a},
                     {"example.net", Type::soa}};
    std::vector<std::string> first;
    {
        auto recorder = open_recorder(zone(sample), path);
        ASSERT_TRUE(recorder);
        for (const auto& q : questions)
            first.push_back(show((*recorder)->query(q.name, q.type)));
        for (const auto& q : questions)
            (*recorder)->query(q.name, q.type);
    }
    const auto replay = open_zone(path);
    ASSERT_TRUE(replay) << replay.error().message;
    for (std::size_t i = 0; i < first.size(); ++i)
        EXPECT_EQ(show((*replay)->query(questions[i].name, questions[i].type)), first[i]) << questions[i].name;
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text.find("example.net. 3600 MX 10 "), text.rfind("example.net. 3600 MX 10 ")) << "each answer once";
    std::remove(path.c_str());
}

TEST(Recorder, NeedsAFileThatCanBeWritten)
{
    const auto recorder = open_recorder(zone(""), "/nonexistent/dir/file");
    ASSERT_FALSE(recorder);
    EXPECT_EQ(recorder.error().status, mgw::Status::config);
}
