#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/content_type.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Type {
    const char* name;
    std::string in;
    std::string value;
    Pairs parameters;
};
class Types : public testing::TestWithParam<Type> {};
TEST_P(Types, AreRead)
{
    const auto got = parse_content_type(GetParam().in);
    EXPECT_EQ(got.value, GetParam().value);
    EXPECT_EQ(got.parameters, GetParam().parameters);
}
INSTANTIATE_TEST_SUITE_P(
    ContentType, Types,
    testing::Values(
        Type{"plain", "Text/Plain; Charset=utf-8", "text/plain", {{"charset", "utf-8"}}}, Type{"none", "", "", {}},
        Type{"blank", "  ;; ", "", {}}, Type{"only_semicolons", ";;;;a=b", "", {{"a", "b"}}},
        Type{"comments",
             "(a (b) \\) c)text(x)/(y)plain(z); (q) a(1) = (2) b (3); c=d",
             "text/plain",
             {{"a", "b"}, {"c", "d"}}},
        Type{"unclosed_comment", "text/plain; a=b (c", "text/plain", {{"a", "b"}}},
        Type{"quotes", "a/b; x=\"c; d=\\\"e\\\"\"; y=z", "a/b", {{"x", "c; d=\"e\""}, {"y", "z"}}},
        Type{"windows_path", "a/b; name=\"C:\\dir\\x.txt\"", "a/b", {{"name", "C:\\dir\\x.txt"}}},
        Type{"unclosed_quote", "a/b; x=\"c; y=d", "a/b", {{"x", "c; y=d"}}},
        Type{"backslash_at_end", "a/b; x=\"c\\", "a/b", {{"x", "c\\"}}},
        Type{"blanks_in_value", "a/b; name=my file.txt; y=z", "a/b", {{"name", "my file.txt"}, {"y", "z"}}},
        Type{"no_value", "a/b; x; y=; z=1", "a/b", {{"y", ""}, {"z", "1"}}},
        Type{"rfc2231_charset", "a/b; name*=iso-8859-1'de'%E4%zz.txt", "a/b", {{"name", "\xC3\xA4%zz.txt"}}},
        Type{"rfc2231_pieces",
             "a/b; name*1=\"b\"; name*0*=utf-8''%C3; name*2*=%C3%A4",
             "a/b",
             {{"name", std::string("\xEF\xBF\xBD") + "b\xC3\xA4"}}},
        Type{"rfc2231_split_character", "a/b; name*0*=utf-8''%C3; name*1*=%A4", "a/b", {{"name", "\xC3\xA4"}}},
        Type{"rfc2231_comes_first",
             "a/b; name=plain; name*=utf-8''better",
             "a/b",
             {{"name", "better"}, {"name", "plain"}}},
        Type{"rfc2231_bad_number", "a/b; name*x=1; name*99999999999=2", "a/b", {}},
        Type{"encoded_word", "a/b; name=\"=?utf-8?B?w6Q=?=\"", "a/b", {{"name", "\xC3\xA4"}}},
        Type{"boundary_is_octets",
             "multipart/mixed; boundary=\"=?utf-8?Q?a?=\xFF\"",
             "multipart/mixed",
             {{"boundary", "=?utf-8?Q?a?=\xFF"}}},
        Type{"no_subtype", "text", "text", {}}, Type{"folded", "a/b;\r\n\tx=y", "a/b", {{"x", "y"}}}),
    [](const auto& info) { return std::string(info.param.name); });

struct Address {
    const char* name;
    std::string in;
    Pairs want; ///< display name, address
};
class Addresses : public testing::TestWithParam<Address> {};
TEST_P(Addresses, AreRead)
{
    Pairs got;
    for (const auto& box : parse_addresses(GetParam().in))
        got.emplace_back(box.display_name, box.address);
    EXPECT_EQ(got, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(
    Lists, Addresses,
    testing::Values(Address{"bare", "A@Example.ORG", {{"", "A@example.org"}}},
                    Address{"named", "Alice B <a@b>, \"C, D\" <c@d>", {{"Alice B", "a@b"}, {"C, D", "c@d"}}},
                    Address{"empty", "", {}}, Address{"commas", ",,;,", {}},
                    Address{"group", "list: a@b, C <c@d>;, e@f", {{"", "a@b"}, {"C", "c@d"}, {"", "e@f"}}},
                    Address{"empty_group", "undisclosed-recipients:;", {}},
                    Address{"comments", "(x) a(y)@(z, <n@o>)b (Alice)", {{"Alice", "a@b"}}},
                    Address{"unclosed_comment", "a@b (c, d@e", {{"", "a@b"}}},
                    Address{"quoted_local", "\"a@b, c\"@d", {{"", "\"a@b, c\"@d"}}},
                    Address{"source_route", "X <@r1,@r2:a@b>", {{"X", "a@b"}}},
                    Address{"obsolete_blanks", "a . b @ c . d", {{"", "a.b@c.d"}}},
                    Address{"literal",
                            "a@[192.0.2.1], b@[IPv6:2001:db8::1]",
                            {{"", "a@[192.0.2.1]"}, {"", "b@[ipv6:2001:db8::1]"}}},
                    Address{"tag_in_name", "[x:y] list: a@b", {{"", "a@b"}}},
                    Address{"encoded_name", "=?utf-8?q?J=C3=B6rg?= <j@k>", {{"J\xC3\xB6rg", "j@k"}}},
                    Address{"address_in_name", "\"ceo@bank.example\" <x@y>", {{"ceo@bank.example", "x@y"}}},
                    Address{"no_domain", "root", {{"", "root"}}}, Address{"unclosed_angle", "A <a@b", {{"A", "a@b"}}},
                    Address{"two_angles", "<a@b> <c@d>", {{"", "a@b"}, {"", "c@d"}}}, Address{"null", "<>", {}},
                    Address{"too_long", std::string(3000, 'x') + "@y, a@b", {{"", "a@b"}}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Addresses, StopAtTheLimit)
{
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += "a@b,";
    EXPECT_EQ(parse_addresses(many).size(), 1000U);
    EXPECT_EQ(parse_addresses(many, 3).size(), 3U);
}

struct Path {
    std::string in;
    std::optional<std::string> want;
};
class Paths : public testing::TestWithParam<Path> {};
TEST_P(Paths, AreRead)
{
    EXPECT_EQ(parse_path(GetParam().in), GetParam().want) << GetParam().in;
}
INSTANTIATE_TEST_SUITE_P(Smtp, Paths,
                         testing::Values(Path{"<a@b>", "a@b"}, Path{"a@b", "a@b"}, Path{"<>", ""}, Path{"", ""},
                                         Path{"<a@b", std::nullopt}, Path{"a@b>", std::nullopt},
                                         Path{"<@x,@y:a@b>", "a@b"}, Path{"<@x>", std::nullopt},
                                         Path{"<a b@c>", std::nullopt}, Path{"<\"a b\"@c>", "\"a b\"@c"},
                                         Path{"<\"a> b\"@c>", "\"a> b\"@c"}, Path{"<\"a@c>", std::nullopt},
                                         Path{"<\"a\\\"b\"@c>", "\"a\\\"b\"@c"}, Path{"<a\nb@c>", std::nullopt},
                                         Path{"<\"a\\\nb\"@c>", std::nullopt},
                                         Path{std::string("a\0@b", 4), std::nullopt},
                                         Path{std::string(2000, 'x'), std::nullopt}, Path{"<\"a\\", std::nullopt}));

struct Words {
    const char* name;
    std::string in;
    std::string want;
};
class EncodedWords : public testing::TestWithParam<Words> {};
TEST_P(EncodedWords, AreDecoded)
{
    EXPECT_EQ(decode_words(GetParam().in), GetParam().want);
}
const std::string replaced = "\xEF\xBF\xBD";
INSTANTIATE_TEST_SUITE_P(
    Values, EncodedWords,
    testing::Values(
        Words{"plain", "hello  world", "hello  world"}, Words{"q", "=?utf-8?Q?a_b=3F?=", "a b?"},
        Words{"b", "x =?UTF-8?b?w6Q=?= y", "x \xC3\xA4 y"}, Words{"adjacent", "=?utf-8?q?a?= \t =?utf-8?q?b?=", "ab"},
        Words{"adjacent_other_charset", "=?utf-8?q?=C3=A4?= =?iso-8859-1?q?=E4?=", "\xC3\xA4\xC3\xA4"},
        Words{"not_adjacent", "=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"},
        Words{"split_character", "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xC3\xA4"},
        Words{"half_character", "=?utf-8?q?=C3?=", replaced}, Words{"glued", "=?utf-8?q?a?==?utf-8?q?b?=", "ab"},
        Words{"glued_text", "x=?utf-8?q?a?=y", "xay"}, Words{"language", "=?utf-8*en?q?a?=", "a"},
        Words{"bad_charset", "=?no-such?q?a=E4?=", "a" + replaced},
        Words{"iconv_option", "=?utf-8//IGNORE?q?a=E4?=", "a" + replaced},
        Words{"unclosed", "=?utf-8?q?a", "=?utf-8?q?a"}, Words{"bad_kind", "=?utf-8?x?a?=", "=?utf-8?x?a?="},
        Words{"empty",
              "=?utf-8?q?"
              "?=",
              ""},
        Words{"nothing", "", ""}, Words{"start_only", "=?", "=?"}, Words{"bad_base64", "=?utf-8?b?YQ?=", "a"},
        Words{"raw_latin1", "a\xE4", "a\xC3\xA4"}, Words{"raw_beside_word", "\xE4 =?utf-8?q?a?=", replaced + " a"},
        Words{"beyond_unicode", "=?utf-8?b?9bGxsQ==?=", replaced + replaced + replaced + replaced},
        Words{"stateful", "=?iso-2022-jp?b?GyRCJCIbKEI=?=", "\xE3\x81\x82"},
        Words{"held_back", "=?windows-1255?q?=E0?=", "\xD7\x90"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(EncodedWords, StopAtTheLimit)
{
    EXPECT_EQ(decode_words("=?utf-8?q?a?= =?utf-8?q?b?= =?utf-8?q?c?=", 2), "ab =?utf-8?q?c?=");
}

TEST(EncodedWords, AreWrittenWithinTheirLimit)
{
    EXPECT_EQ(encode_words("hello"), "hello");
    std::string text;
    for (int i = 0; i < 50; ++i)
        text += "\xF0\x9F\x98\x80x";
    const auto words = encode_words(text);
    for (const auto word : split(words, ' ')) {
        EXPECT_LE(word.size(), 75U);
        EXPECT_TRUE(is_valid_utf8(decode_words(word)));
        EXPECT_EQ(decode_words(word).find(replaced), std::string::npos); // no character is cut
    }
    EXPECT_EQ(decode_words(encode_words(text)), text);
    EXPECT_EQ(decode_words(encode_words("a =?utf-8?q?b?=")), "a =?utf-8?q?b?=");
    EXPECT_EQ(encode_words("a\nb").find('\n'), std::string::npos);
}

} // namespace
} // namespace mgw::mail
