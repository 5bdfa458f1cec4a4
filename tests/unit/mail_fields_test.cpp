#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/content_type.hpp"

#include <gtest/gtest.h>

#include <cassert>
#include <mimetic/rfc822/mailboxlist.h>

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
        Type{"rfc2231_both_extended",
             "a/b; name*0=\"a.txt\"; name*=utf-8''b.exe",
             "a/b",
             {{"name", "b.exe"}, {"name", "a.txt"}}},
        Type{"rfc2231_section_twice",
             "a/b; name*0=\"a\"; name*1=\".txt\"; name*1=\".exe\"",
             "a/b",
             {{"name", "a.txt"}, {"name", "a.exe"}}},
        Type{
            "rfc2231_gap", "a/b; name*0=\"a.txt\"; name*2=\".exe\"", "a/b", {{"name", "a.txt.exe"}, {"name", "a.txt"}}},
        Type{"rfc2231_starts_at_one", "a/b; name*1=a; name*2=b", "a/b", {{"name", "ab"}}},
        Type{
            "rfc2231_out_of_order",
            "a/b; name*10=k; name*9=j; name*8=i; name*2=c; name*0=a; name*1=b; name*3=d; name*4=e; name*5=f; name*7=h; "
            "name*6=g",
            "a/b",
            {{"name", "abcdefghijk"}}},
        Type{"rfc2231_quoted_percent", "a/b; name*=\"utf-8''a%20b\"", "a/b", {{"name", "a b"}}},
        Type{"rfc2231_no_charset", "a/b; name*=''%C3%A4", "a/b", {{"name", "\xC3\xA4"}}},
        Type{"rfc2231_no_quotes", "a/b; name*=%C3%A4", "a/b", {{"name", "\xC3\xA4"}}},
        Type{"rfc2231_unknown_charset", "a/b; name*=no-such''a%E4", "a/b", {{"name", std::string("a\xEF\xBF\xBD")}}},
        Type{"rfc2231_charset_alias", "a/b; name*=ks_c_5601-1987'ko'%C7%D1", "a/b", {{"name", "\xED\x95\x9C"}}},
        Type{"rfc2231_percent_only_where_marked", "a/b; name*0*=''a%20; name*1=%20b", "a/b", {{"name", "a %20b"}}},
        Type{"rfc2231_two_names", "a/b; y*=''1; x*=''2; y=3", "a/b", {{"x", "2"}, {"y", "1"}, {"y", "3"}}},
        Type{"two_plain", "a/b; name=a; name=b", "a/b", {{"name", "a"}, {"name", "b"}}},
        Type{"encoded_word_split",
             "a/b; name=\"=?utf-8?Q?a=C3?=\r\n =?utf-8?Q?=A4.txt?=\"",
             "a/b",
             {{"name", "a\xC3\xA4.txt"}}},
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
    testing::Values(
        Address{"bare", "A@Example.ORG", {{"", "A@example.org"}}},
        Address{"named", "Alice B <a@b>, \"C, D\" <c@d>", {{"Alice B", "a@b"}, {"C, D", "c@d"}}},
        Address{"empty", "", {}}, Address{"commas", ",,;,", {}},
        Address{"group", "list: a@b, C <c@d>;, e@f", {{"", "a@b"}, {"C", "c@d"}, {"", "e@f"}}},
        Address{"empty_group", "undisclosed-recipients:;", {}},
        Address{"comments", "(x) a(y)@(z, <n@o>)b (Alice)", {{"Alice", "a@b"}}},
        Address{"unclosed_comment", "a@b (c, d@e", {{"", "a@b"}}},
        Address{"quoted_local", "\"a@b, c\"@d", {{"", "\"a@b, c\"@d"}}},
        Address{"source_route", "X <@r1,@r2:a@b>", {{"X", "a@b"}}},
        Address{"obsolete_blanks", "a . b @ c . d", {{"", "a.b@c.d"}}},
        Address{
            "literal", "a@[192.0.2.1], b@[IPv6:2001:db8::1]", {{"", "a@[192.0.2.1]"}, {"", "b@[ipv6:2001:db8::1]"}}},
        Address{"tag_in_name", "[x:y] list: a@b", {{"", "a@b"}}},
        Address{"encoded_name", "=?utf-8?q?J=C3=B6rg?= <j@k>", {{"J\xC3\xB6rg", "j@k"}}},
        Address{"address_in_name", "\"ceo@bank.example\" <x@y>", {{"ceo@bank.example", "x@y"}}},
        Address{"no_domain", "root", {{"", "root"}}}, Address{"unclosed_angle", "A <a@b", {{"A", "a@b"}}},
        Address{"two_angles", "<a@b> <c@d>", {{"", "a@b"}, {"", "c@d"}}}, Address{"null", "<>", {}},
        Address{"missing_comma_named", "A <a@b> \"B, C\" <c@d>", {{"A", "a@b"}, {"B, C", "c@d"}}},
        Address{"missing_comma_bare", "a@b c@d\te@f", {{"", "a@b"}, {"", "c@d"}, {"", "e@f"}}},
        Address{"no_angles", "Alice B a@b, \"Smith, John\" c@d", {{"Alice B", "a@b"}, {"Smith, John", "c@d"}}},
        Address{"angles_in_name", "Foo <bar> <x@y>", {{"Foo <bar>", "x@y"}}},
        Address{"blank_in_local_part", "<No Body@x.example>", {{"", "No Body@x.example"}}},
        Address{"doubled_angles", "<<a@b>>", {{"", "a@b"}}},
        Address{"name_in_comment", "a@b (Al\\)ice (x) B)", {{"Al)ice (x) B", "a@b"}}},
        Address{"comment_beside_name", "Alice <a@b> (at work)", {{"Alice", "a@b"}}},
        Address{"word_in_comment", "a@b (=?utf-8?q?=C3=A4?=)", {{"\xC3\xA4", "a@b"}}},
        Address{"unclosed_quote", "\"Alice <a@b>, c@d", {{"Alice", "a@b"}, {"", "c@d"}}},
        Address{"quoted_pair", "\"Joe \\\"Q\\\" P\" <a@b>", {{"Joe \"Q\" P", "a@b"}}},
        Address{"folded_words", "=?utf-8?q?=C3?=\r\n =?utf-8?q?=A4?= <a@b>", {{"\xC3\xA4", "a@b"}}},
        Address{"smtputf8",
                "J\xC3\xB6rg <j\xC3\xB6rg@b\xC3\xBC.example>",
                {{"J\xC3\xB6rg", "j\xC3\xB6rg@b\xC3\xBC.example"}}},
        Address{"semicolons", "a@b; C <c@d>; e@f", {{"", "a@b"}, {"C", "c@d"}, {"", "e@f"}}},
        Address{"nested_group", "outer: inner: a@b;;, c@d", {{"", "a@b"}, {"", "c@d"}}},
        Address{"too_long", std::string(3000, 'x') + "@y, a@b", {{"", "a@b"}}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Addresses, SayTheirGroups)
{
    const auto list = parse_address_list("x@y, =?utf-8?q?=C3=A4?= \"b, c\": a@b, C <c@d>; undisclosed:;, open: e@f");
    EXPECT_EQ(list.mailboxes.size(), 4U);
    ASSERT_EQ(list.groups.size(), 3U);
    EXPECT_EQ(list.groups[0].name, "\xC3\xA4 b, c");
    EXPECT_EQ(list.groups[0].begin, 1U);
    EXPECT_EQ(list.groups[0].members, 2U);
    EXPECT_EQ(list.groups[1].name, "undisclosed");
    EXPECT_EQ(list.groups[1].members, 0U);
    EXPECT_EQ(list.groups[2].members, 1U);
    EXPECT_TRUE(list.complete);
    EXPECT_TRUE(parse_address_list("").complete);
    EXPECT_FALSE(parse_address_list("a@b, c@d", 1).complete);
    EXPECT_FALSE(parse_address_list(std::string(3000, 'x') + "@y, a@b").complete);
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += "g:";
    EXPECT_LE(parse_address_list(many).groups.size(), 1000U);
}

/// What is well formed and within what mimetic reads right: one name and address each, no comments, no groups.
TEST(Addresses, AreTheSameForMimetic)
{
    for (const std::string value :
         {"a@b.example", "Alice B <alice@b.example>", "\"C, D\" <c@d.example>", "a@b.example, c.d+e@f.example",
          "Alice <a@b>, \"Bob B.\" <b@c.example>, c@d", "x_y-z@[192.0.2.1]", "A B C <!#$%&'*+-/=?^_`{|}~@x>"}) {
        const auto ours = parse_addresses(value);
        const mimetic::MailboxList theirs(value);
        ASSERT_EQ(ours.size(), theirs.size()) << value;
        for (std::size_t i = 0; i < ours.size(); ++i) {
            EXPECT_EQ(ours[i].local(), theirs[i].mailbox());
            EXPECT_EQ(ours[i].domain(), theirs[i].domain());
            auto label = theirs[i].label(); // its quotes and blanks stay there
            std::erase(label, '"');
            EXPECT_EQ(ours[i].display_name, trim(label));
        }
    }
}

TEST(Addresses, CostNoMoreThanTheirLength)
{
    // would take minutes if each of these looked ahead to the end
    for (const std::string_view piece :
         {"<a@b>", "<a@b> ", ">", "<", "\"", "(", "<@", "a@b ", ":", "\\", "x:<a@b>\""}) {
        std::string value;
        while (value.size() < 1'000'000)
            value += piece;
        EXPECT_LE(parse_addresses(value).size(), 1000U);
    }
}

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
        Words{"nothing", "", ""}, Words{"folded", "=?utf-8?q?a?=\r\n =?utf-8?q?b?=\n\t=?utf-8?q?c?=", "abc"},
        Words{"split_character_folded", "=?utf-8?b?4oI=?=\r\n\t=?UTF-8?q?=AC?=", "\xE2\x82\xAC"},
        Words{"split_multibyte", "=?gb2312?q?=D6?= =?gb2312?q?=D0?=", "\xE4\xB8\xAD"},
        Words{"blanks_in_q", "=?utf-8?q?a b\tc?=", "a b\tc"}, Words{"blanks_in_b", "=?utf-8?b?w6 Q=?=", "\xC3\xA4"},
        Words{"question_in_q", "=?utf-8?q?what?=20now?=", "what? now"},
        Words{"question_at_end",
              "=?utf-8?q?what?"
              "?=",
              "what?"},
        Words{"hex_after_word", "=?utf-8?q?a?=ab =?utf-8?q?b?=", "aab b"},
        Words{"hex_between_words", "=?utf-8?q?a?=ab=?utf-8?q?b?=", "aabb"},
        Words{"too_much_padding", "=?utf-8?b?w6Q===?=", "\xC3\xA4"},
        Words{"junk_in_b", "=?utf-8?b?w6*Q=?=", "\xC3\xA4"}, Words{"equals_in_q", "=?utf-8?q?a=b=4?=", "a=b=4"},
        Words{"no_charset", "=??q?=C3=A4?=", "\xC3\xA4"},
        Words{"in_parentheses", "(=?utf-8?q?a?= =?utf-8?q?b?=)", "(ab)"},
        Words{"in_quotes", "\"=?utf-8?q?a?=\"", "\"a\""},
        Words{"empty_between",
              "=?utf-8?q?a?= =?utf-8?q?"
              "?= =?utf-8?q?b?=",
              "ab"},
        Words{"text_keeps_blanks", "a  =?utf-8?q?b?=  c", "a  b  c"},
        Words{"hz", "=?hz-gb-2312?q?~{VPND~}?=", "\xE4\xB8\xAD\xE6\x96\x87"},
        Words{"ebcdic", "=?ibm037?q?=88=85=93=93=96?=", "hello"},
        Words{"utf8_under_unknown_name", "=?x-unknown?q?=C3=A4?=", "\xC3\xA4"},
        Words{"long_word", "=?utf-8?q?" + std::string(10000, 'x') + "?=", std::string(10000, 'x')},
        Words{"start_only", "=?", "=?"}, Words{"bad_base64", "=?utf-8?b?YQ?=", "a"},
        Words{"raw_latin1", "a\xE4", "a\xC3\xA4"}, Words{"raw_beside_word", "\xE4 =?utf-8?q?a?=", replaced + " a"},
        Words{"beyond_unicode", "=?utf-8?b?9bGxsQ==?=", replaced + replaced + replaced + replaced},
        Words{"stateful", "=?iso-2022-jp?b?GyRCJCIbKEI=?=", "\xE3\x81\x82"},
        Words{"held_back", "=?windows-1255?q?=E0?=", "\xD7\x90"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(EncodedWords, StopAtTheLimit)
{
    EXPECT_EQ(decode_words("=?utf-8?q?a?= =?utf-8?q?b?= =?utf-8?q?c?=", 2), "ab =?utf-8?q?c?=");
    // "=XX" over two words, and what only looks like it
    EXPECT_EQ(decode_words("=?utf-8?q?a=?= =?utf-8?q?2Eexe?="), "a.exe");
    EXPECT_EQ(decode_words("=?utf-8?q?a=2?= =?utf-8?q?Eexe?="), "a.exe");
    EXPECT_EQ(decode_words("=?utf-8?q?a=?= x"), "a= x");
    EXPECT_EQ(decode_words("=?utf-8?q?a=?= =?us-ascii?q?2E?="), "a=2E");
    EXPECT_EQ(decode_words("=?utf-8?q?a=?= =?utf-8?b?Yg==?="), "a=b");
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
