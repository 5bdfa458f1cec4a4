#include "lib/route/envelope.hpp"
#include "lib/route/router.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::lists;
using namespace mgw::route;

namespace
{

struct Setup {
    std::string aliases;
    std::string transports;
    std::string users;
    std::string relay;
};

Tables tables_of(const Setup& setup)
{
    Tables tables;
    tables.local_domains = {"example.org"};
    tables.origin = "example.org";
    const auto aliases = parse_map(setup.aliases, "aliases", MapForm::aliases);
    const auto transports = parse_map(setup.transports, "transport", MapForm::transport);
    EXPECT_TRUE(aliases && transports);
    EXPECT_TRUE(tables.aliases.add(*aliases));
    EXPECT_TRUE(tables.transports.add(*transports));
    if (!setup.users.empty())
        tables.users.add(*parse_map(setup.users, "users", MapForm::users));
    if (!setup.relay.empty())
        tables.relay = *parse_relay(setup.relay);
    return tables;
}

/// "address=hop" or "address!code at" of all targets.
std::string summary(const Routing& routing)
{
    std::string out;
    for (const auto& target : routing.targets) {
        out += (out.empty() ? "" : " ") + target.address;
        out += target.verdict
                   ? "!" + std::string(mail::action_name(target.verdict->action)) + ":" + target.verdict->enhanced
                   : "=" + target.hop;
    }
    return out;
}

struct Case {
    const char* name;
    Setup setup;
    const char* address;
    const char* want;
};
class Routes : public testing::TestWithParam<Case> {};
TEST_P(Routes, Come)
{
    const Router router(tables_of(GetParam().setup));
    EXPECT_EQ(summary(router.route(GetParam().address, Time{})), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(
    All, Routes,
    testing::Values(
        Case{"foreign", {}, "a@example.com", "a@example.com=smtp:example.com"},
        Case{"relay", {.relay = "[10.0.0.1]:26"}, "a@example.com", "a@example.com=smtp:[10.0.0.1]:26"},
        Case{"literal", {}, "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]=smtp:[2001:db8::1]"},
        Case{"unknown_user", {}, "a@example.org", "a@example.org!reject:5.1.1"},
        Case{"known_user",
             {.users = "a\n", .relay = "inner.example"},
             "A@Example.org",
             "A@Example.org=smtp:inner.example"},
        Case{"alias",
             {.aliases = "a: b@example.com, c@example.net\n"},
             "a@example.org",
             "b@example.com=smtp:example.com c@example.net=smtp:example.net"},
        Case{"chain", {.aliases = "a: b\nb: c\nc: d@example.com\n"}, "a@example.org", "d@example.com=smtp:example.com"},
        Case{"keeps_a_copy",
             {.aliases = "a: a, b@example.com\n"},
             "a@example.org",
             "a@example.org=smtp:example.org b@example.com=smtp:example.com"},
        Case{"final", {.aliases = "a: \\b\nb: c@example.com\n"}, "a@example.org", "b@example.org=smtp:example.org"},
        Case{"circle", {.aliases = "a: b\nb: a\n"}, "a@example.org", "a@example.org!defer:4.4.6"},
        Case{"circle_with_way_out",
             {.aliases = "a: b, d@example.com\nb: a\n"},
             "a@example.org",
             "d@example.com=smtp:example.com"},
        Case{"growing",
             {.aliases = "a@example.org a+x@example.org\n"},
             "a+y@example.org",
             "a+y@example.org!defer:4.3.5"},
        Case{"extension",
             {.aliases = "bob@example.com robert@example.net\n"},
             "bob+l@example.com",
             "robert+l@example.net=smtp:example.net"},
        Case{"no_extension_in_aliases_form",
             {.aliases = "bob: robert@example.net\n"},
             "bob+l@example.org",
             "robert@example.net=smtp:example.net"},
        Case{"catch_all",
             {.aliases = "@example.org all@example.net\n"},
             "x@example.org",
             "all@example.net=smtp:example.net"},
        Case{"user_before_catch_all",
             {.aliases = "@example.org all@example.net\n", .users = "x\n"},
             "x@example.org",
             "x@example.org=smtp:example.org"},
        Case{"other_domain",
             {.aliases = "@old.example @new.example\n"},
             "x+y@old.example",
             "x+y@new.example=smtp:new.example"},
        Case{"dead_alias", {.aliases = "a: gone\n", .users = "b\n"}, "a@example.org", "gone@example.org!reject:5.1.1"},
        Case{
            "error", {.transports = "example.com error:5.7.1 closed\n"}, "a@example.com", "a@example.com!reject:5.7.1"},
        Case{"retry", {.transports = "example.com retry:later\n"}, "a@example.com", "a@example.com!defer:4.3.0"},
        Case{"discard", {.transports = "example.com discard:\n"}, "a@example.com", "a@example.com!discard:"},
        Case{"standard",
             {.transports = "example.com :\n* smtp:[any]\n", .relay = "[r]"},
             "a@example.com",
             "a@example.com=smtp:[r]"},
        Case{"postmaster", {.aliases = "postmaster: p@example.com\n"}, "postmaster", "p@example.com=smtp:example.com"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(Router, FanOutIsBounded)
{
    std::string text;
    for (int i = 0; i < 12; ++i)
        text += "a" + std::to_string(i) + ": b" + std::to_string(i) + "x, a" + std::to_string(i + 1) + ", a" +
                std::to_string(i + 1) + "\n";
    std::string wide = "wide: ";
    for (int i = 0; i < 1200; ++i)
        wide += "u" + std::to_string(i) + "@example.com,";
    const Router router(tables_of({.aliases = text + "a12: c@example.com\n" + wide + "\n"}));
    EXPECT_EQ(router.route("a0@example.org", Time{}).targets.size(), 13U);
    EXPECT_EQ(summary(router.route("wide@example.org", Time{})), "wide@example.org!defer:4.3.5");
}

TEST(Router, RedirectTakesAllButNotUnknownUsers)
{
    Tables tables = tables_of({.aliases = "a: b@example.com, c@example.net\n"});
    tables.redirect = "lab@test.example";
    tables.redirect_domains = {{"old.example", "example.org"}};
    const Router router(std::move(tables));
    EXPECT_EQ(summary(router.route("a@OLD.example", Time{})), "lab@test.example=smtp:test.example");
    EXPECT_EQ(summary(router.route("x@old.example", Time{})), "x@example.org!reject:5.1.1");
}

mail::Block block_of(std::string_view lines)
{
    auto block = mail::Block::parse(std::string(lines) + "Mgw-End:\n");
    EXPECT_TRUE(block);
    return *block;
}

TEST(Envelope, ChildrenCarryOrcptAndNotify)
{
    auto block = block_of("Mgw-From: <s@example.net>\n"
                          "Mgw-To: 1 <a@example.org> NOTIFY=FAILURE\n"
                          "Mgw-To: 2 <x@example.com>\n"
                          "Mgw-To: 3 <a@example.org> ORCPT=rfc822;orig@example.org\n"
                          "Mgw-Verdict: quarantine 3 class=spam\n");
    const Router router(tables_of({.aliases = "a: b+t@example.com, c@example.net\n"}));
    const auto done = reroute(block, router, Time{});
    EXPECT_EQ(done.routed, 2U);
    EXPECT_EQ(done.skipped, 1U);
    EXPECT_EQ(block.lines(), "Mgw-From: <s@example.net>\n"
                             "Mgw-To: 1 <a@example.org> NOTIFY=FAILURE\n"
                             "Mgw-To: 2 <x@example.com>\n"
                             "Mgw-To: 3 <a@example.org> ORCPT=rfc822;orig@example.org\n"
                             "Mgw-Verdict: quarantine 3 class=spam\n"
                             "Mgw-To: 1.1 <b+t@example.com> NOTIFY=FAILURE ORCPT=rfc822;a@example.org\n"
                             "Mgw-To: 1.2 <c@example.net> NOTIFY=FAILURE ORCPT=rfc822;a@example.org\n"
                             "Mgw-Hop: 1.1,2 smtp:example.com\n"
                             "Mgw-Hop: 1.2 smtp:example.net\n");
    EXPECT_EQ(child_parameters({"1", "a@x", "ORCPT=rfc822;o@x"}), "ORCPT=rfc822;o@x");
    EXPECT_EQ(child_parameters({"1", "a+b=c@x", ""}), "ORCPT=rfc822;a+2Bb+3Dc@x");
    EXPECT_EQ(child_parameters({"1", "\xC3\xA9@x", ""}), "ORCPT=utf-8;\\x{E9}@x");
}

TEST(Envelope, RoutingTwiceAddsNoRecipient)
{
    auto block = block_of("Mgw-To: 1 <a@example.org>\n");
    const Router router(tables_of({.aliases = "a: a, b@example.com, c\nc: a, d@example.com\n"}));
    reroute(block, router, Time{});
    const auto once = block.recipients().size();
    EXPECT_EQ(once, 4U); // 1, and a, b, d of it
    reroute(block, router, Time{});
    EXPECT_EQ(block.recipients().size(), once);
}

TEST(Envelope, UnknownUsersShareOneVerdict)
{
    auto block = block_of("Mgw-To: 1 <u@example.org>\nMgw-To: 2 <v@example.org>\n");
    const Router router(tables_of({}));
    EXPECT_EQ(reroute(block, router, Time{}).refused, 2U);
    EXPECT_EQ(block.lines(),
              "Mgw-To: 1 <u@example.org>\nMgw-To: 2 <v@example.org>\n"
              "Mgw-Verdict: reject 1,2 550 5.1.1 class=policy by=mgw-route at=local-domain text=No such user here\n");
}

TEST(Envelope, ForwardedMailGetsAnSrsSender)
{
    Tables tables = tables_of({.aliases = "a: b@example.com\n", .users = "l\n"});
    tables.srs.emplace(std::vector<std::string>{"tESTsecret"}, "fwd.example");
    const Router router(std::move(tables));
    const Time now = Time{} + std::chrono::days(20781);
    auto forwarded = block_of("Mgw-From: <alice@example.org.test> BODY=8BITMIME\nMgw-To: 1 <a@example.org>\n");
    EXPECT_FALSE(reroute(forwarded, router, now).srs_sender.empty());
    EXPECT_EQ(forwarded.from_parameters(), "BODY=8BITMIME");
    EXPECT_TRUE(forwarded.from()->ends_with("=JN=example.org.test=alice@fwd.example")) << *forwarded.from();
    for (const char* from : {"", "l@example.org", "x@fwd.example"}) {
        auto block = block_of("Mgw-From: <" + std::string(from) + ">\nMgw-To: 1 <a@example.org>\n");
        reroute(block, router, now);
        EXPECT_EQ(*block.from(), from);
    }
    auto local = block_of("Mgw-From: <alice@example.net>\nMgw-To: 1 <l@example.org>\n");
    reroute(local, router, now);
    EXPECT_EQ(*local.from(), "alice@example.net");
    auto bounce = block_of("Mgw-From: <>\nMgw-To: 1 <" + *forwarded.from() + ">\n");
    reroute(bounce, router, now);
    EXPECT_EQ(bounce.final_recipients()[0].path, "alice@example.org.test");
    EXPECT_EQ(bounce.hop("1.1"), "smtp:example.org.test");
}

} // namespace
