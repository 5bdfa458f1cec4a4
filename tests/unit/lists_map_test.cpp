#include "lib/lists/address_key.hpp"
#include "lib/lists/map_file.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::lists;

namespace
{

TEST(Map, JoinsContinuationLinesAndLeavesOutComments)
{
    const auto map =
        parse_map("# head\n\nbob:  a@x,\n# between\n\tb@x\n  \nCarol@Example.ORG   c@x\r\n", "t", MapForm::aliases);
    ASSERT_TRUE(map) << map.error().message;
    ASSERT_EQ(map->entries.size(), 2U);
    EXPECT_EQ(map->entries[0].key, "bob");
    EXPECT_EQ(map->entries[0].value, "a@x, b@x");
    EXPECT_EQ(map->entries[0].line, 3U);
    EXPECT_TRUE(map->entries[0].colon);
    EXPECT_EQ(map->entries[1].key, "carol@example.org");
    EXPECT_EQ(map->entries[1].value, "c@x");
    EXPECT_EQ(map->entries[1].line, 7U);
    EXPECT_FALSE(map->entries[1].colon);
}

struct KeyCase {
    const char* name;
    const char* line;
    const char* key;
    const char* value;
};
class MapKey : public testing::TestWithParam<KeyCase> {};
TEST_P(MapKey, IsRead)
{
    const auto map = parse_map(GetParam().line, "t", MapForm::aliases);
    ASSERT_TRUE(map) << map.error().message;
    ASSERT_EQ(map->entries.size(), 1U);
    EXPECT_EQ(map->entries[0].key, GetParam().key);
    EXPECT_EQ(map->entries[0].value, GetParam().value);
}
INSTANTIATE_TEST_SUITE_P(Forms, MapKey,
                         testing::Values(KeyCase{"colon", "root: bob", "root", "bob"},
                                         KeyCase{"colon_without_blank", "root:bob", "root", "bob"},
                                         KeyCase{"blank_before_colon", "root : bob", "root", "bob"},
                                         KeyCase{"virtual_form", "@old.example @new.example", "@old.example",
                                                 "@new.example"},
                                         KeyCase{"quoted", "\"John Doe\"@x.example: j@x", "john doe@x.example", "j@x"},
                                         KeyCase{"escaped", "john\\ doe: j@x", "john doe", "j@x"},
                                         KeyCase{"include", "list: :include:/etc/list", "list", ":include:/etc/list"},
                                         KeyCase{"ipv6", "a@[IPv6:2001:db8::1] b@x", "a@[ipv6:2001:db8::1]", "b@x"}),
                         [](const auto& i) { return std::string(i.param.name); });

struct WrongCase {
    const char* name;
    const char* text;
    const char* message;
};
class WrongTable : public testing::TestWithParam<WrongCase> {};
TEST_P(WrongTable, IsRefusedWithItsLine)
{
    const auto map = parse_map(GetParam().text, "t", MapForm::aliases);
    ASSERT_FALSE(map);
    EXPECT_EQ(map.error().status, Status::config);
    EXPECT_TRUE(map.error().message.starts_with(GetParam().message)) << map.error().message;
}
INSTANTIATE_TEST_SUITE_P(All, WrongTable,
                         testing::Values(WrongCase{"no_value", "a: b@x\nbob\n", "t:2: \"bob\" has no value"},
                                         WrongCase{"continues_nothing", "\n  a@x b@x\n", "t:2: the first line begins"},
                                         WrongCase{"control", "a: b@x\nb: \x01\n", "t:2: a control character"},
                                         WrongCase{"quote", "\"bob: a@x\n", "t:1: a quote is not closed"},
                                         WrongCase{"no_key", ": a@x\n", "t:1: the entry has no key"}),
                         [](const auto& i) { return std::string(i.param.name); });

struct AddressCase {
    const char* name;
    const char* address;
    const char* delimiters;
    const char* key; ///< "user|extension|domain"
};
class Key : public testing::TestWithParam<AddressCase> {};
TEST_P(Key, IsTakenApart)
{
    const auto key = address_key(GetParam().address, GetParam().delimiters);
    EXPECT_EQ(key.user + "|" + key.extension + "|" + key.domain, GetParam().key);
}
INSTANTIATE_TEST_SUITE_P(Addresses, Key,
                         testing::Values(AddressCase{"plain", "Bob@Example.ORG", "+", "bob||example.org"},
                                         AddressCase{"extension", "bob+Lists@x", "+", "bob|+lists|x"},
                                         AddressCase{"first_delimiter", "bob-a+b@x", "+-", "bob|-a+b|x"},
                                         AddressCase{"begins_with_it", "+bob@x", "+", "+bob||x"},
                                         AddressCase{"quoted_at", "\"a@b\"@x", "+", "a@b||x"},
                                         AddressCase{"escaped", "\"a\\\"b\"@x", "+", "a\"b||x"},
                                         AddressCase{"owner", "owner-list@x", "-", "owner-list||x"},
                                         AddressCase{"daemon", "mailer-daemon@x", "-", "mailer-daemon||x"},
                                         AddressCase{"no_domain", "bob", "+", "bob||"},
                                         AddressCase{"null", "", "+", "||"}),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(Address, IsOneOrNot)
{
    for (const char* yes : {"a@b", "a", "\"a b\"@x", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "j\xc3\xb6rg@x"})
        EXPECT_TRUE(is_address(yes)) << yes;
    for (const char* no : {"", "@x", "a b@x", "a@", "a@-x", "a@x..y", "\"a@x", "a@b@c", "<a@b>", "a\\", "a@[x y]"})
        EXPECT_FALSE(is_address(no)) << no;
    EXPECT_FALSE(is_address(std::string(65, 'a') + "@" + std::string(255, 'b')));
}

} // namespace
