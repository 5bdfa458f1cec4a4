#include "lib/route/aliases.hpp"
#include "lib/route/destination.hpp"
#include "lib/lists/map_file.hpp"
#include "lib/route/srs.hpp"
#include "lib/route/transport.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::lists;
using namespace mgw::route;

namespace
{

struct WrongCase {
    const char* name;
    const char* text;
    const char* message;
};
class WrongMap : public testing::TestWithParam<WrongCase> {};
TEST_P(WrongMap, IsRefusedWithItsLine)
{
    auto map = parse_map(GetParam().text, "t", MapForm::aliases);
    Aliases aliases;
    const auto added = map ? aliases.add(*map) : Result<void>(pass(map));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().status, Status::config);
    EXPECT_TRUE(added.error().message.starts_with(GetParam().message)) << added.error().message;
}
INSTANTIATE_TEST_SUITE_P(All, WrongMap,
                         testing::Values(WrongCase{"no_value", "a: b@x\nbob\n", "t:2: \"bob\" has no value"},
                                         WrongCase{"continues_nothing", "\n  a@x b@x\n", "t:2: the first line begins"},
                                         WrongCase{"control", "a: b@x\nb: \x01\n", "t:2: a control character"},
                                         WrongCase{"quote", "\"bob: a@x\n", "t:1: a quote is not closed"},
                                         WrongCase{"no_key", ": a@x\n", "t:1: the entry has no key"},
                                         WrongCase{"command", "bob: \"|/bin/sh\"\n",
                                                   "t:1: \"\"|/bin/sh\"\" is a command"},
                                         WrongCase{"file", "bob: /var/mail/bob\n", "t:1: \"/var/mail/bob\" is a file"},
                                         WrongCase{"address", "bob: a@b@c,d@-\n", "t:1: \"a@b@c\" is not an address"},
                                         WrongCase{"nothing", "bob: ,\n", "t:1: the alias stands for no address"},
                                         WrongCase{"include", "bob: :include:x\n", "t:1: an included file needs"}),
                         [](const auto& i) { return std::string(i.param.name); });

Aliases aliases_of(std::string_view text)
{
    Aliases aliases;
    auto map = parse_map(text, "t", MapForm::aliases);
    EXPECT_TRUE(map && aliases.add(*map));
    return aliases;
}

TEST(Aliases, AreFoundInTheOrderOfVirtual)
{
    const auto aliases = aliases_of("@x c1@y\nbob@x c2@y\nbob+l@x c3@y\nbob c4@y\nbob+m c5@y\n");
    const auto found = [&](const char* address, bool local) -> std::string {
        const auto match = aliases.find(address_key(address, "+"), local);
        return match.alias == nullptr ? "" : match.alias->targets[0].address + match.extension;
    };
    EXPECT_EQ(found("BOB+l@X", true), "c3@y");
    EXPECT_EQ(found("bob+z@x", true), "c2@y+z");
    EXPECT_EQ(found("carol@x", true), "c1@y");
    EXPECT_EQ(found("bob+m@z", true), "c5@y");
    EXPECT_EQ(found("bob@z", true), "c4@y");
    EXPECT_EQ(found("bob@z", false), "");
    EXPECT_EQ(found("bob@x.evil", false), "");
}

TEST(Aliases, TheFirstOfEqualKeysCounts)
{
    const auto aliases = aliases_of("bob@x a@y\nBOB@x b@y\n");
    EXPECT_EQ(aliases.find(address_key("bob@x", "+"), false).alias->targets[0].address, "a@y");
    ASSERT_EQ(aliases.duplicates().size(), 1U);
    EXPECT_EQ(aliases.duplicates()[0], "t:2: bob@x is already at t:1, which counts");
}

struct HopCase {
    const char* name;
    const char* text;
    const char* hop; ///< for bob+x@example.org; nullptr where the text is refused
};
class Hop : public testing::TestWithParam<HopCase> {};
TEST_P(Hop, IsWritten)
{
    const auto destination = parse_destination(GetParam().text);
    ASSERT_EQ(destination.has_value(), GetParam().hop != nullptr) << GetParam().text;
    if (!destination) {
        EXPECT_EQ(destination.error().status, Status::config);
        return;
    }
    const auto hop = hop_for(*destination, "Bob+x@example.org", "+");
    ASSERT_TRUE(hop) << hop.error().message;
    EXPECT_EQ(*hop, GetParam().hop);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, Hop,
    testing::Values(
        HopCase{"host_port", "smtp:[mx.Example.net]:2525", "smtp:[mx.example.net]:2525"},
        HopCase{"domain", "smtp:example.net", "smtp:example.net"}, HopCase{"own", "smtp:", "smtp:example.org"},
        HopCase{"relay", "relay:[192.0.2.1]", "smtp:[192.0.2.1]"},
        HopCase{"no_transport", ":[192.0.2.1]:26", "smtp:[192.0.2.1]:26"},
        HopCase{"bare_address", "smtp:192.0.2.1:26", "smtp:[192.0.2.1]:26"},
        HopCase{"ipv6", "smtp:[IPv6:2001:DB8::1]:25", "smtp:[2001:db8::1]:25"},
        HopCase{"service", "smtp:[h.example]:submission", "smtp:[h.example]:587"},
        HopCase{"lmtp_unix", "lmtp:unix:/run/Dovecot/lmtp", "lmtp:unix:/run/Dovecot/lmtp"},
        HopCase{"lmtp_inet", "lmtp:inet:h.example:24", "lmtp:[h.example]:24"},
        HopCase{"lmtp_host", "lmtp:[h.example]:24", "lmtp:[h.example]:24"},
        HopCase{"maildir", "maildir:/var/mail/%d/%u", "maildir:/var/mail/example.org/bob"},
        HopCase{"maildir_n", "maildir:/m/%n/", "maildir:/m/bob+x/"}, HopCase{"pipe", "pipe:list-1", "pipe:list-1"},
        HopCase{"unknown", "uucp:host", nullptr}, HopCase{"no_colon", "host", nullptr},
        HopCase{"bad_port", "smtp:[h]:0", nullptr}, HopCase{"big_port", "smtp:h:65536", nullptr},
        HopCase{"behind_bracket", "smtp:[h]x", nullptr}, HopCase{"open_bracket", "smtp:[h", nullptr},
        HopCase{"bare_ipv6", "smtp:2001:db8::1", nullptr}, HopCase{"blank", "smtp:[h] x", nullptr},
        HopCase{"lmtp_relative", "lmtp:unix:private/lmtp", nullptr}, HopCase{"lmtp_none", "lmtp:", nullptr},
        HopCase{"maildir_relative", "maildir:mail", nullptr}, HopCase{"maildir_percent", "maildir:/m/%x", nullptr},
        HopCase{"pipe_path", "pipe:/bin/sh", nullptr}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(Hop, NoNameLeavesItsFolder)
{
    const auto destination = parse_destination("maildir:/m/%d/%u");
    ASSERT_TRUE(destination);
    for (const char* address :
         {"../x@example.org", "\"a/b\"@example.org", ".hidden@example.org", "\"a b\"@example.org", "x"})
        EXPECT_FALSE(hop_for(*destination, address, "+")) << address;
}

TEST(Transports, AreFoundInTheOrderOfTransport)
{
    Transports transports;
    auto map = parse_map("* smtp:[any]\n.b.example smtp:[sub]\nb.example smtp:[dom]\nbob@b.example smtp:[bob]\n", "t",
                         MapForm::transport);
    ASSERT_TRUE(map && transports.add(*map));
    const auto at = [&](const char* address) { return transports.find(address_key(address, "+"))->at; };
    EXPECT_EQ(at("x@c.example"), "t:1");
    EXPECT_EQ(at("x@a.b.example"), "t:2");
    EXPECT_EQ(at("x@z.a.b.example"), "t:2");
    EXPECT_EQ(at("x@B.example"), "t:3");
    EXPECT_EQ(at("bob+l@b.example"), "t:4");
    EXPECT_EQ(at("x@ab.example"), "t:1");
}

Time day(int days)
{
    return Time{} + std::chrono::days(days);
}
constexpr int oracle_day = 20781; // 2026-11-24

TEST(Srs, WritesWhatPostsrsdWrites)
{
    const Srs srs({"tESTsecret"}, "fwd.example");
    const auto first = srs.forward("alice@example.org", day(oracle_day));
    ASSERT_TRUE(first);
    EXPECT_EQ(*first, "SRS0=gIgX=JN=example.org=alice@fwd.example");
    const auto second = srs.forward("SRS0=XXXX=AA=example.org=bob@other.example", day(oracle_day));
    ASSERT_TRUE(second);
    EXPECT_EQ(*second, "SRS1=AnMs=other.example==XXXX=AA=example.org=bob@fwd.example");
}

TEST(Srs, FindsTheWayBackUntilItIsTooOld)
{
    const Srs srs({"new", "tESTsecret"}, "fwd.example");
    const std::string address = "srs0=gigx=jn=example.org=alice@FWD.example";
    ASSERT_TRUE(srs.is_ours(address));
    const auto back = srs.reverse(address, day(oracle_day + 21));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, "alice@example.org");
    EXPECT_FALSE(srs.reverse(address, day(oracle_day + 22)));
    EXPECT_FALSE(srs.reverse("SRS0=gIgY=JN=example.org=alice@fwd.example", day(oracle_day)));
    EXPECT_FALSE(srs.reverse("SRS0=@fwd.example", day(oracle_day)));
    const auto guarded = srs.reverse("SRS1=AnMs=other.example==XXXX=AA=example.org=bob@fwd.example", day(oracle_day));
    ASSERT_TRUE(guarded);
    EXPECT_EQ(*guarded, "SRS0=XXXX=AA=example.org=bob@other.example");
    EXPECT_FALSE(srs.is_ours("bob@fwd.example"));
    EXPECT_FALSE(srs.is_ours("SRS0=x@other.example"));
}

} // namespace
