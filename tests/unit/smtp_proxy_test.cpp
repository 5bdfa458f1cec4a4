#include "lib/smtp/proxy_header.hpp"
#include "lib/smtp/xclient.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::smtp;

namespace
{

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(unsigned char command, unsigned char family, const std::string& rest, std::size_t length)
{
    return signature + static_cast<char>(command) + static_cast<char>(family) + static_cast<char>(length >> 8) +
           static_cast<char>(length & 0xff) + rest;
}

/// "address", "-" for a proxy that speaks for itself, "?" for more to come, "bad"
std::string shown(const std::string& octets)
{
    const auto read = read_proxy_header(octets);
    if (!read)
        return "bad";
    if (!*read)
        return "?";
    return (*read)->has_client ? (*read)->client_ip : "-";
}

const std::string four("\xC0\x00\x02\x07\xC6\x33\x64\x01\x12\x67\x00\x19", 12);

TEST(ProxyHeader, IsReadAtEverySplit)
{
    const std::string headers[] = {"PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n",
                                   "PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n",
                                   "PROXY UNKNOWN\r\n",
                                   "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
                                   binary(0x21, 0x11, four, 12),
                                   binary(0x21, 0x11, four + std::string("\x04\x00\x01\x00", 4), 16),
                                   binary(0x20, 0x00, "", 0),
                                   binary(0x21, 0x31, std::string(216, 'x'), 216)};
    const std::string clients[] = {"192.0.2.7", "2001:db8::7", "-", "-", "192.0.2.7", "192.0.2.7", "-", "-"};
    for (std::size_t i = 0; i < std::size(headers); ++i) {
        for (std::size_t n = 0; n < headers[i].size(); ++n)
            EXPECT_EQ(shown(headers[i].substr(0, n)), "?") << headers[i] << " " << n;
        const auto read = read_proxy_header(headers[i] + "EHLO");
        ASSERT_TRUE(read && *read) << headers[i];
        EXPECT_EQ((*read)->octets, headers[i].size());
        EXPECT_EQ(shown(headers[i] + "EHLO"), clients[i]);
    }
}

TEST(ProxyHeader, WhatIsNoneIsRefusedAsSoonAsThatIsCertain)
{
    for (const auto& bad :
         {std::string("E"), std::string("PROXX"), std::string("PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n"),
          std::string("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"),
          std::string("PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n"),
          std::string("PROXY TCP4 192.0.2.7 198.51.100.1 4711 65536\r\n"),
          std::string("PROXY TCP4 192.0.2.7 198.51.100.1 4711 025\r\n"),
          std::string("PROXY TCP4  192.0.2.7 198.51.100.1 4711 25\r\n"),
          std::string("PROXY TCP4 192.0.2.7\n") + std::string(100, 'x'), "PROXY " + std::string(101, 'x'),
          binary(0x31, 0x11, four, 12), binary(0x22, 0x11, four, 12), binary(0x21, 0x11, four, 11),
          binary(0x21, 0x21, four, 12), binary(0x21, 0x11, four, 60000)})
        EXPECT_EQ(shown(bad), "bad") << bad;
}

TEST(ProxyHeader, AnAddressMappedIntoIPv6IsTheIPv4Client)
{
    std::string six(36, '\0');
    six[10] = six[11] = '\xFF';
    six.replace(12, 4, "\xC0\x00\x02\x07", 4);
    EXPECT_EQ(shown(binary(0x21, 0x21, six, 36)), "192.0.2.7");
}

TEST(Xclient, ReadsWhatItKnows)
{
    const auto read = parse_xclient("addr=192.0.2.7 NAME=[UNAVAILABLE]  HELO=a+2Bb LOGIN=alice PROTO=esmtp PORT=4711");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->address, "192.0.2.7");
    EXPECT_EQ(read->name, "");
    EXPECT_EQ(read->helo, "a+b");
    EXPECT_EQ(read->login, "alice");
    EXPECT_EQ(read->proto, "ESMTP");
    EXPECT_EQ(parse_xclient("ADDR=IPv6:2001:DB8::7")->address, "2001:db8::7");
    EXPECT_EQ(parse_xclient("ADDR=::ffff:192.0.2.7")->address, "192.0.2.7");
    EXPECT_EQ(parse_xclient("SOURCE=REMOTE IDENT=4F", true)->address, std::nullopt);
}

TEST(Xclient, RefusesWhatItDoesNot)
{
    for (const auto* bad : {"", " ", "ADDR", "ADDR=", "ADDR=nowhere", "NAME=a..b", "NAME=-", "COLOUR=red", "PROTO=HTTP",
                            "HELO=a+0Ab", "HELO=a+20b", "SOURCE=REMOTE"})
        EXPECT_FALSE(parse_xclient(bad)) << bad;
    EXPECT_FALSE(parse_xclient("LOGIN=alice", true));
    EXPECT_FALSE(parse_xclient("HELO=" + std::string(256, 'x')));
}

TEST(Xclient, LaterNamesReplaceEarlierOnes)
{
    auto first = *parse_xclient("ADDR=192.0.2.7 HELO=a");
    first.add(*parse_xclient("HELO=b NAME=c.example"));
    EXPECT_EQ(first.address, "192.0.2.7");
    EXPECT_EQ(first.helo, "b");
    EXPECT_EQ(first.name, "c.example");
}

} // namespace
