#include "lib/smtp/client_route.hpp"

#include <gtest/gtest.h>

using namespace mgw::smtp;
using mgw::dns::Resolver;

namespace
{

TEST(Destination, IsRead)
{
    const std::pair<const char*, const char*> good[] = {{"smtp:[127.0.0.1]:2525", "smtp:[127.0.0.1]:2525"},
                                                        {"smtp:127.0.0.1:2525", "smtp:[127.0.0.1]:2525"},
                                                        {"smtp:[IPv6:2001:db8::1]", "smtp:[2001:db8::1]:25"},
                                                        {"smtp:Example.ORG", "smtp:example.org:25"},
                                                        {"smtp:mail.example.org:587", "smtp:mail.example.org:587"},
                                                        {"lmtp:[localhost]:24", "lmtp:[localhost]:24"},
                                                        {"lmtp:unix:/run/lmtp", "lmtp:unix:/run/lmtp"},
                                                        {"maildir:/srv/mail/bob/", "maildir:/srv/mail/bob"},
                                                        {"pipe:procmail", "pipe:procmail"},
                                                        {"error:5.1.1 no such user", "error:5.1.1 no such user"},
                                                        {"mx", "mx"}};
    for (const auto& [in, key] : good) {
        const auto d = parse_destination(in);
        ASSERT_TRUE(d) << in;
        EXPECT_EQ(d->key(), key);
    }
    for (const char* bad : {"", "smtp:", "smtp:[1.2.3.4", "smtp:[1.2.3.4]25", "smtp:x:0", "smtp:x:70000", "smtp:x y",
                            "lmtp:[x]", "lmtp:unix:relative", "maildir:relative", "maildir:/a/../b", "error:6.1.1 x",
                            "error:5.1", "ftp:x", "smtp", "smtp:a\r\nb"})
        EXPECT_FALSE(parse_destination(bad)) << bad;
}

struct Way {
    const char* name;
    const char* destination;
    const char* hosts; ///< or the failure
};
constexpr const char* zone = R"(
$ORIGIN example.
$TTL 60
two 60 IN MX 20 mx2
two 60 IN MX 10 mx1
mx1 60 IN A 192.0.2.1
mx1 60 IN AAAA 2001:db8::1
mx2 60 IN A 192.0.2.2
plain 60 IN A 192.0.2.9
null 60 IN MX 0 .
dead SERVFAIL
own 60 IN MX 10 mx1
own 60 IN MX 20 self
self 60 IN A 192.0.2.77
best 60 IN MX 10 self
best 60 IN MX 20 mx1
nohost 60 IN MX 10 nowhere
)";

class Ways : public testing::TestWithParam<Way> {};
TEST_P(Ways, AreFound)
{
    auto resolver = mgw::dns::parse_zone(zone, "test");
    ASSERT_TRUE(resolver) << resolver.error().message;
    const auto route =
        find_route(*parse_destination(GetParam().destination), **resolver, {"self.example", {"192.0.2.77"}}, 1);
    std::string text;
    for (const auto& host : route.hosts)
        text += (text.empty() ? "" : " ") + host.address;
    if (route.hosts.empty())
        text = std::to_string(route.failure.code) + " " + route.failure.enhanced;
    EXPECT_EQ(text, GetParam().hosts);
}
INSTANTIATE_TEST_SUITE_P(Table, Ways,
                         testing::Values(Way{"by_preference", "smtp:two.example", "2001:db8::1 192.0.2.1 192.0.2.2"},
                                         Way{"without_mx", "smtp:plain.example", "192.0.2.9"},
                                         Way{"null_mx", "smtp:null.example", "556 5.1.10"},
                                         Way{"no_domain", "smtp:none.example", "550 5.1.2"},
                                         Way{"servers_fail", "smtp:dead.example", "451 4.4.3"},
                                         Way{"up_to_ourselves", "smtp:own.example", "2001:db8::1 192.0.2.1"},
                                         Way{"a_loop", "smtp:best.example", "554 5.4.6"},
                                         Way{"mx_without_address", "smtp:nohost.example", "550 5.4.4"},
                                         Way{"literal", "smtp:[192.0.2.5]", "192.0.2.5"},
                                         Way{"brackets_ask_no_mx", "smtp:[mx1.example]", "2001:db8::1 192.0.2.1"},
                                         Way{"localhost", "smtp:localhost:2525", "127.0.0.1 ::1"},
                                         Way{"socket", "lmtp:unix:/run/x", "/run/x"}),
                         [](const auto& info) { return std::string(info.param.name); });

} // namespace
