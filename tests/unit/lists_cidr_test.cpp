#include "lib/lists/cidr.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include <unistd.h>

using namespace mgw;
using namespace mgw::lists;

namespace
{

struct IpCase {
    const char* name;
    std::string_view in;
    const char* text; ///< nullptr where it is no address
};
class Ip : public testing::TestWithParam<IpCase> {};
TEST_P(Ip, IsRead)
{
    const auto ip = parse_ip(GetParam().in);
    ASSERT_EQ(ip.has_value(), GetParam().text != nullptr);
    if (ip) {
        EXPECT_EQ(ip->text(), GetParam().text);
    }
}
INSTANTIATE_TEST_SUITE_P(
    Forms, Ip,
    testing::Values(IpCase{"four", "192.0.2.1", "192.0.2.1"}, IpCase{"six", "2001:DB8:0:0::1", "2001:db8::1"},
                    IpCase{"mapped", "::ffff:192.0.2.1", "192.0.2.1"},
                    IpCase{"mapped_hex", "::FFFF:c000:0201", "192.0.2.1"},
                    IpCase{"compatible", "::192.0.2.1", "::192.0.2.1"}, IpCase{"any", "::", "::"},
                    IpCase{"leading_zero", "192.0.2.01", nullptr}, IpCase{"short_four", "192.0.2", nullptr},
                    IpCase{"zone", "fe80::1%eth0", nullptr}, IpCase{"bracket", "[::1]", nullptr},
                    IpCase{"blank", "192.0.2.1 ", nullptr}, IpCase{"none", "", nullptr},
                    IpCase{"nul", std::string_view("192.0.2.1\0x", 11), nullptr},
                    IpCase{"long_text", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", nullptr}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(Ip, NetworksAreCutAtTheBit)
{
    EXPECT_EQ(network_text(*parse_ip("192.0.2.255"), 24, 64), "192.0.2.0/24");
    EXPECT_EQ(network_text(*parse_ip("192.0.2.255"), 27, 64), "192.0.2.224/27");
    EXPECT_EQ(network_text(*parse_ip("192.0.2.255"), 0, 64), "0.0.0.0/0");
    EXPECT_EQ(network_text(*parse_ip("192.0.2.255"), 99, 64), "192.0.2.255/32");
    EXPECT_EQ(network_text(*parse_ip("2001:db8:1:2:3:4:5:6"), 24, 64), "2001:db8:1:2::/64");
    EXPECT_EQ(network_text(*parse_ip("2001:db8:ffff::"), 24, 33), "2001:db8:8000::/33");
}

constexpr const char* sample = "# office\n"
                               "192.0.2.0/24   office, first floor   # a comment\n"
                               "192.0.2.128/25\n"
                               "192.0.2.130\r\n"
                               "\n"
                               "   10.0.0.0/8 ; SBL123\n"
                               "2001:db8::/32\tsix\n"
                               "[2001:db8:1::]/48\n"
                               "::ffff:198.51.100.0/120\n"
                               "::/0\n";

struct FindCase {
    const char* name;
    const char* address;
    const char* network; ///< empty for none
    const char* at;
    const char* reason = "";
};
class Find : public testing::TestWithParam<FindCase> {};
TEST_P(Find, TheLongestPrefixWins)
{
    const auto table = CidrTable::parse(sample, "nets", CidrKind::allow);
    ASSERT_TRUE(table) << table.error().message;
    const auto match = table->find(GetParam().address);
    ASSERT_EQ(match.has_value(), *GetParam().network != '\0');
    if (!match)
        return;
    EXPECT_EQ(match->network, GetParam().network);
    EXPECT_EQ(match->at, GetParam().at);
    EXPECT_EQ(match->reason, GetParam().reason);
    EXPECT_EQ(match->kind, CidrKind::allow);
}
INSTANTIATE_TEST_SUITE_P(
    Addresses, Find,
    testing::Values(FindCase{"widest", "192.0.2.1", "192.0.2.0/24", "nets:2", "office, first floor"},
                    FindCase{"first", "192.0.2.0", "192.0.2.0/24", "nets:2", "office, first floor"},
                    FindCase{"half", "192.0.2.129", "192.0.2.128/25", "nets:3"},
                    FindCase{"one", "192.0.2.130", "192.0.2.130/32", "nets:4"},
                    FindCase{"behind_one", "192.0.2.131", "192.0.2.128/25", "nets:3"},
                    FindCase{"last", "192.0.2.255", "192.0.2.128/25", "nets:3"},
                    FindCase{"mapped", "::ffff:192.0.2.130", "192.0.2.130/32", "nets:4"},
                    FindCase{"comment", "10.255.255.255", "10.0.0.0/8", "nets:6"},
                    FindCase{"mapped_network", "198.51.100.9", "198.51.100.0/24", "nets:9"},
                    FindCase{"six", "2001:db8:ffff::1", "2001:db8::/32", "nets:7", "six"},
                    FindCase{"six_longer", "2001:db8:1::1", "2001:db8:1::/48", "nets:8"},
                    FindCase{"six_any", "2001:db9::", "::/0", "nets:10"},
                    FindCase{"four_is_not_in_six", "203.0.113.1", "", ""}, FindCase{"before", "192.0.1.255", "", ""},
                    FindCase{"after", "192.0.3.0", "", ""}, FindCase{"no_address", "mail.example.org", "", ""}),
    [](const auto& i) { return std::string(i.param.name); });

struct WrongCase {
    const char* name;
    std::string_view text;
    const char* message;
};
class WrongNetwork : public testing::TestWithParam<WrongCase> {};
TEST_P(WrongNetwork, IsRefusedWithFileAndLine)
{
    const auto table = CidrTable::parse(GetParam().text, "deny.txt", CidrKind::deny);
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error().status, Status::config);
    EXPECT_EQ(table.error().message, GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    All, WrongNetwork,
    testing::Values(
        WrongCase{"word", "192.0.2.1\n\nlocalhost\n", "deny.txt:3: \"localhost\" is not a network"},
        WrongCase{"prefix", "192.0.2.0/33", "deny.txt:1: \"192.0.2.0/33\" has no prefix from 0 to 32"},
        WrongCase{"no_prefix", "::/", "deny.txt:1: \"::/\" has no prefix from 0 to 128"},
        WrongCase{"huge_prefix", "::/99999999999999999999999",
                  "deny.txt:1: \"::/99999999999999999999999\" has no prefix from 0 to 128"},
        WrongCase{"negative", "10.0.0.0/-1", "deny.txt:1: \"10.0.0.0/-1\" has no prefix from 0 to 32"},
        WrongCase{"mapped", "::ffff:10.0.0.0/8", "deny.txt:1: \"::ffff:10.0.0.0/8\" has no prefix from 96 to 128"},
        WrongCase{"host_bits", "10.1.2.3/8", "deny.txt:1: \"10.1.2.3/8\" has bits behind its prefix: write 10.0.0.0/8"},
        WrongCase{"two_slashes", "10.0.0.0/8/8", "deny.txt:1: \"10.0.0.0/8/8\" is not a network"},
        WrongCase{"control", "10.0.0.\x01", "deny.txt:1: \"10.0.0.?\" is not a network"},
        WrongCase{"nul", std::string_view("\0", 1), "deny.txt:1: \"?\" is not a network"},
        WrongCase{"comma", "10.0.0.0/8,", "deny.txt:1: \"10.0.0.0/8,\" has no prefix from 0 to 32"},
        WrongCase{"reason", "10.0.0.0/8 a\x01", "deny.txt:1: a reason is at most 200 characters of printable ASCII"},
        WrongCase{"comment_glued", "10.0.0.0/8#x", "deny.txt:1: \"10.0.0.0/8#x\" has no prefix from 0 to 32"}),
    [](const auto& i) { return std::string(i.param.name); });

std::string write(const std::string& name, const std::string& text)
{
    auto path = testing::TempDir() + "mgw-cidr-" + std::to_string(getpid()) + "-" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

TEST(Cidr, AllowAndDenyFilesDecideTogether)
{
    const auto allow = write("allow", "10.1.0.0/16\n192.0.2.9\n");
    const auto deny = write("deny", "10.0.0.0/8 outside\n10.1.2.3 inside\n192.0.2.9\n192.0.2.9 again\n");
    const auto table = CidrTable::read({{deny, CidrKind::deny}, {allow, CidrKind::allow}});
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->find("10.1.0.1")->kind, CidrKind::allow);
    EXPECT_EQ(table->find("10.1.2.3")->kind, CidrKind::deny);
    EXPECT_EQ(table->find("10.1.2.3")->reason, "inside");
    EXPECT_EQ(table->find("10.2.0.1")->at, deny + ":1");
    EXPECT_EQ(table->find("192.0.2.9")->at, allow + ":2"); // equal networks: allowed
    EXPECT_EQ(table->size(), 4U);
    EXPECT_EQ(table->hashes().size(), 2U);
    EXPECT_FALSE(CidrTable().find("10.0.0.1"));
    const auto missing = CidrTable::read({{allow + "-none", CidrKind::allow}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().status, Status::config);
    unlink(allow.c_str());
    unlink(deny.c_str());
}

/// Against the plain way: every network is tried.
TEST(Cidr, FindsWhatTryingEachFinds)
{
    std::mt19937 random(7); // NOLINT a fixed sequence
    struct Plain {
        IpAddress network;
        unsigned prefix;
        unsigned line;
    };
    for (int round = 0; round < 50; ++round) {
        std::string text;
        std::vector<Plain> plain;
        for (unsigned line = 1; line <= 60; ++line) {
            const bool four = random() % 2 == 0;
            IpAddress address{.is_v4 = four, .octets = {}};
            // few values, so that networks lie in each other
            for (unsigned i = 0; i < address.bits() / 8; ++i)
                address.octets[i] = random() % 4 == 0 ? 0x81 : 0; // never ::ffff:0:0/96
            const unsigned prefix = random() % (address.bits() + 1);
            const auto network = address.network(prefix);
            text += network.text() + "/" + std::to_string(prefix) + "\n";
            plain.push_back({network, prefix, line});
        }
        const auto table = CidrTable::parse(text, "t", CidrKind::deny);
        ASSERT_TRUE(table) << table.error().message;
        for (int i = 0; i < 200; ++i) {
            IpAddress address{.is_v4 = random() % 2 == 0, .octets = {}};
            for (unsigned k = 0; k < address.bits() / 8; ++k)
                address.octets[k] = random() % 4 == 0 ? 0x81 : 0;
            const Plain* best = nullptr;
            for (const auto& p : plain)
                if (p.network.is_v4 == address.is_v4 && address.network(p.prefix) == p.network &&
                    (best == nullptr || p.prefix > best->prefix))
                    best = &p;
            const auto match = table->find(address);
            ASSERT_EQ(match.has_value(), best != nullptr) << address.text() << "\n" << text;
            if (match) {
                EXPECT_EQ(match->at, "t:" + std::to_string(best->line)) << address.text() << "\n" << text;
            }
        }
    }
}

/// Deep nesting costs its depth, not more.
TEST(Cidr, NetworksInNetworks)
{
    std::string text;
    for (unsigned prefix = 0; prefix <= 128; ++prefix)
        text += "2001:db8::/" + std::to_string(prefix) + "\n";
    // the address has bits behind short prefixes
    EXPECT_FALSE(CidrTable::parse(text, "t", CidrKind::deny));
    text.clear();
    for (unsigned prefix = 0; prefix <= 128; ++prefix)
        text += "::/" + std::to_string(prefix) + "\n";
    const auto table = CidrTable::parse(text, "t", CidrKind::deny);
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->find("::")->at, "t:129");
    EXPECT_EQ(table->find("8000::")->at, "t:1");
    EXPECT_EQ(table->find("::2")->at, "t:127");
}

} // namespace
