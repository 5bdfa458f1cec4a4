#include "lib/mail/mbox.hpp"

#include "lib/mail/separator.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace mgw::mail
{
namespace
{

/// An entry whose octets are its own.
struct Entry {
    std::string prefix;
    std::string text;
    std::string trailer;
    bool quoted;
    explicit Entry(const MboxEntry& e) : prefix(e.prefix), text(e.text), trailer(e.trailer), quoted(e.quoted) {}
};

std::vector<Entry> read(const std::vector<std::string_view>& pieces)
{
    MboxReader reader;
    std::vector<Entry> out;
    for (const auto piece : pieces) {
        reader.feed(piece);
        while (auto entry = reader.next())
            out.emplace_back(*entry);
    }
    reader.finish();
    while (auto entry = reader.next())
        out.emplace_back(*entry);
    EXPECT_EQ(reader.buffered(), 0U);
    return out;
}

const std::string from = "From a@b Tue Nov 24 10:00:00 2026\n";
const std::string from_crlf = "From a@b Tue Nov 24 10:00:00 2026\r\n";

struct Case {
    const char* name;
    std::string octets;
    std::vector<std::string> texts;
};
class Mbox : public testing::TestWithParam<Case> {};

TEST_P(Mbox, IsCutAlikeAtEverySplit)
{
    const auto& c = GetParam();
    const std::string_view all = c.octets;
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
        std::string again;
        std::vector<std::string> texts;
        for (const auto& e : read({all.substr(0, cut), all.substr(cut)})) {
            again += e.prefix + e.text + e.trailer;
            texts.push_back(e.text);
        }
        EXPECT_EQ(again, c.octets) << "cut at " << cut;
        EXPECT_EQ(texts, c.texts) << "cut at " << cut;
    }
    std::vector<std::string_view> octets;
    for (std::size_t i = 0; i < all.size(); ++i)
        octets.push_back(all.substr(i, 1));
    std::vector<std::string> texts;
    for (const auto& e : read(octets))
        texts.push_back(e.text);
    EXPECT_EQ(texts, c.texts) << "octet by octet";
}

INSTANTIATE_TEST_SUITE_P(
    Dialects, Mbox,
    testing::Values(
        Case{"empty", "", {}}, Case{"one", from + "A: b\n\nx\n\n", {"A: b\n\nx\n"}},
        Case{"two", from + "A: b\n\nx\n\n" + from + "C: d\n\ny\n\n", {"A: b\n\nx\n", "C: d\n\ny\n"}},
        Case{"crlf",
             from_crlf + "A: b\r\n\r\nx\r\n\r\n" + from_crlf + "C: d\r\n\r\ny\r\n\r\n",
             {"A: b\r\n\r\nx\r\n", "C: d\r\n\r\ny\r\n"}},
        Case{"no_final_newline", from + "A: b\n\nx\n\n" + from + "C: d\n\ny", {"A: b\n\nx\n", "C: d\n\ny"}},
        Case{"mboxo",
             from + "A: b\n\n>From me 10:00\n\n" + from + "C: d\n\n\n",
             {"A: b\n\n>From me 10:00\n", "C: d\n\n"}},
        Case{"from_in_body",
             from + "A: b\n\nFrom here on\n\nFrom there on\n\n",
             {"A: b\n\nFrom here on\n\nFrom there on\n"}},
        Case{"without_an_empty_line_only_before_a_field",
             from + "A: b\n\nx\n" + from + "y\n\nz\n" + from + "C: d\n\n",
             {"A: b\n\nx\n" + from + "y\n\nz\n", "C: d\n"}},
        Case{"without_empty_lines", from + "A: b\n\nx\n" + from + "C: d\n\ny\n", {"A: b\n\nx\n", "C: d\n\ny\n"}},
        Case{"behind_an_empty_line_before_anything",
             from + "A: b\n\nx\n\n" + from + "no header\n",
             {"A: b\n\nx\n", "no header\n"}},
        Case{"netscape", "From - \nA: b\n\nFrom - the\nx\n\nFrom - \nC: d\n\n", {"A: b\n\nFrom - the\nx\n", "C: d\n"}},
        Case{"bare_from_in_text",
             from + "A: b\n\nFrom \nwhere?\n\nFrom -\n\nhere\n\nFrom \nC: d\n",
             {"A: b\n\nFrom \nwhere?\n\nFrom -\n\nhere\n", "C: d\n"}},
        Case{"two_from_lines", from + from + "A: b\n\n", {from + "A: b\n"}},
        Case{"ends_in_a_separator",
             from + "A: b\n\nx\n\n" + from.substr(0, from.size() - 1),
             {"A: b\n\nx\n\n" + from.substr(0, from.size() - 1)}},
        Case{"mixed_line_ends",
             from + "A: b\n\nx\n\r\n" + from_crlf + "C: d\r\n\r\ny\r\n\n",
             {"A: b\n\nx\n", "C: d\r\n\r\ny\r\n"}},
        Case{"mboxcl2",
             from + "Content-Length: 37\n\nx\n\n" + from + "\n" + from + "Content-Length: 2\n\ny\n\n",
             {"Content-Length: 37\n\nx\n\n" + from, "Content-Length: 2\n\ny\n"}},
        Case{"mboxcl2_followed_by_one_without",
             from + "Content-Length: 37\n\nx\n\n" + from + "\n" + from + "C: d\n\ny\n\n",
             {"Content-Length: 37\n\nx\n", "\n", "C: d\n\ny\n"}},
        Case{"mboxcl2_after_one_without",
             from + "A: b\n\n\n" + from + "Content-Length: 37\n\nx\n\n" + from + "\n" + from +
                 "Content-Length: 2\n\ny\n\n",
             {"A: b\n\n", "Content-Length: 37\n\nx\n", "\n", "Content-Length: 2\n\ny\n"}},
        Case{"mboxcl_lies_short",
             from + "Content-Length: 1\n\nxyz\n\n" + from + "C: d\n\ny\n\n",
             {"Content-Length: 1\n\nxyz\n", "C: d\n\ny\n"}},
        Case{"mboxcl_lies_long",
             from + "Content-Length: 5000\n\nxyz\n\n" + from + "C: d\n\ny\n\n",
             {"Content-Length: 5000\n\nxyz\n", "C: d\n\ny\n"}},
        Case{"mboxcl_absurd",
             from + "Content-Length: 18446744073709551615\n\nxyz\n\n" + from + "C: d\n\ny\n\n",
             {"Content-Length: 18446744073709551615\n\nxyz\n", "C: d\n\ny\n"}},
        Case{"mboxcl_to_the_end",
             from + "Content-Length: 37\n\nx\n\n" + from + "\n",
             {"Content-Length: 37\n\nx\n\n" + from}},
        Case{"mboxcl_crlf",
             from_crlf + "Content-Length: 3\r\n\r\nx\r\n\r\n" + from_crlf + "C: d\r\n\r\n",
             {"Content-Length: 3\r\n\r\nx\r\n", "C: d\r\n"}},
        Case{"no_from_line", "A: b\n\nx\n\n" + from + "C: d\n\ny\n", {"A: b\n\nx\n", "C: d\n\ny\n"}},
        Case{"blank_lines_first", "\n\r\n\n" + from + "A: b\n\n", {"A: b\n"}},
        Case{"only_blank_lines", "\n\n\n", {"\n\n"}},
        Case{"garbage_first", "garbage\nmore\n\n" + from + "A: b\n\n", {"garbage\nmore\n", "A: b\n"}},
        Case{"long_from_line",
             from + "A: b\n\n\nFrom " + std::string(3000, 'x') + " 10:00\n\n" + from + "C: d\n\n",
             {"A: b\n\n\nFrom " + std::string(3000, 'x') + " 10:00\n", "C: d\n"}},
        Case{"field_spelt_from_blank", "From : a@b\nDate: x\n\nx\n", {"From : a@b\nDate: x\n\nx\n"}}),
    [](const auto& info) { return std::string(info.param.name); });

struct Line {
    const char* text;
    FromLine kind;
};

TEST(Separator, IsKnownInTheFormsOfArchives)
{
    static const Line lines[] = {
        {"From a@b Tue Nov 24 10:00:00 2026\n", FromLine::dated},
        {"From a@b Tue Nov 24 10:00:00 2026\r\n", FromLine::dated},
        {"From a@b Tue Nov 24 10:00:00 2026", FromLine::dated},
        {"From MAILER-DAEMON Fri Jul  8 12:08 1999", FromLine::dated},
        {"From a at example.com  Thu Mar  3 18:20:35 2016", FromLine::dated},
        {"From - Mon Jun  3 12:50:27 1996", FromLine::dated},
        {"From ???@??? Tue Jan 01 00:00:00 1980", FromLine::dated},
        {"From 1694@xxx Mon Jan 01 00:00:00 +0000 2018", FromLine::dated},
        {"From a@b Wed Dec  2 05:53:22 PST 1992", FromLine::dated},
        {"From a@b Wed Dec  2 05:53 1992 PST", FromLine::dated},
        {"From a@b Wed Dec  2 05:53:22 1992 -0700", FromLine::dated},
        {"From a@b Wed, 2 Dec 1992 05:53:22 -0700 (MST)", FromLine::dated},
        {"From a!b!c Wed Dec  2 05:53:22 MET DST 1992 remote from gw", FromLine::dated},
        {"From \"a b\"@c Wed Dec  2 05:53:22 1992", FromLine::dated},
        {"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001", FromLine::dated},
        {"From a@b 2012-11-02 09:20:00", FromLine::dated},
        {"From a@b 2012-11-02T09:20:00Z", FromLine::dated},
        {"From a@b  2-Dec-92 05:53:22", FromLine::text},
        {"From a@b  2-Dec-1992 05:53:22 -0700", FromLine::dated},
        {"From \tTue Nov 24 10:00:00 2026", FromLine::dated},
        {"From ", FromLine::bare},
        {"From  \t\r\n", FromLine::bare},
        {"From - \n", FromLine::bare},
        {"From -", FromLine::bare},
        {"From --", FromLine::text},
        {"From", FromLine::text},
        {"From\tTue Nov 24 10:00:00 2026", FromLine::text},
        {"from a@b Tue Nov 24 10:00:00 2026", FromLine::text},
        {">From a@b Tue Nov 24 10:00:00 2026", FromLine::text},
        {"From: a@b Tue Nov 24 10:00:00 2026", FromLine::text},
        {"From : a@b Tue Nov 24 10:00:00 2026", FromLine::text},
        {"From here on", FromLine::text},
        {"From 10:00 to 11:30 we meet", FromLine::text},
        {"From Tuesday, Nov 24, at 10:00, to the end of the year 2026", FromLine::text},
        {"From a@b on Nov 24 10:00 2026 it was said that all of us must come along", FromLine::text},
        {"From a@b Tue Nov 24 2026", FromLine::text},
        {"From a@b 10:00:00", FromLine::text},
    };
    for (const auto& [text, kind] : lines)
        EXPECT_EQ(from_line_kind(text), kind) << text;
    EXPECT_EQ(from_line_kind(""), FromLine::text);
    EXPECT_EQ(from_line_kind("From a@b" + std::string(longest_separator, ' ') + "Tue Nov 24 10:00:00 2026"),
              FromLine::text);
}

TEST(Separator, KnowsWhereAFieldBegins)
{
    EXPECT_EQ(field_start("Subject: x"), FieldStart::yes);
    EXPECT_EQ(field_start("From :"), FieldStart::yes);
    EXPECT_EQ(field_start("Subject"), FieldStart::more);
    EXPECT_EQ(field_start("Subject "), FieldStart::more);
    EXPECT_EQ(field_start(""), FieldStart::more);
    EXPECT_EQ(field_start(":"), FieldStart::no);
    EXPECT_EQ(field_start("two words: x"), FieldStart::no);
    EXPECT_EQ(field_start(" x: y"), FieldStart::no);
    EXPECT_EQ(field_start("\n"), FieldStart::no);
    EXPECT_EQ(field_start(std::string(5000, 'x') + ":"), FieldStart::no);
}

TEST(Mbox, TextOfMboxcl2IsNotUnquoted)
{
    const std::string body = "From a to b\n>From c\n";
    const auto length = "Content-Length: " + std::to_string(body.size()) + "\n\n";
    const auto plain = read({from + length + body + "\n"});
    ASSERT_EQ(plain.size(), 1U);
    EXPECT_FALSE(plain[0].quoted);
    const std::string quoted = ">From a to b\n>From c\n";
    const auto mboxcl = read({from + "Content-Length: " + std::to_string(quoted.size()) + "\n\n" + quoted + "\n"});
    ASSERT_EQ(mboxcl.size(), 1U);
    EXPECT_TRUE(mboxcl[0].quoted);
    EXPECT_TRUE(read({from + "A: b\n\n" + body + "\n"})[0].quoted);
}

TEST(Mbox, WhatMgwWroteIsMboxrdWhateverALengthSays)
{
    const auto entries =
        read({from + "Mgw-Id: X\nContent-Length: 37\n\nx\n\n" + from + "\n" + from + "Content-Length: 2\n\ny\n\n"});
    EXPECT_EQ(entries.size(), 3U);
}

TEST(Quoting, GoesBothWays)
{
    const std::string text = "From a\n>From b\n>>From c\n> From d\nFromage\nx From e\nFrom";
    EXPECT_EQ(mboxrd_quote(text), ">From a\n>>From b\n>>>From c\n> From d\nFromage\nx From e\nFrom");
    EXPECT_EQ(mboxrd_unquote(mboxrd_quote(text)), text);
    EXPECT_EQ(mboxrd_unquote("From a\n>From b\n"), "From a\nFrom b\n");
    EXPECT_EQ(mboxrd_quote(""), "");
    EXPECT_EQ(mboxrd_quote("a\r\nFrom b\r\n>From c\r\n"), "a\r\n>From b\r\n>>From c\r\n");
}

TEST(Quoting, LeavesAFieldAloneOnlyInTheHeader)
{
    const std::string text = "From : a\nFrom b\n>From : c\nFrom\t: d\n\nFrom : e\n";
    EXPECT_TRUE(has_from_field(text));
    EXPECT_TRUE(has_from_field("A: b\r\nFrom  : c\r\n\r\n"));
    EXPECT_FALSE(has_from_field("From: a\n\nFrom : b\n"));
    EXPECT_FALSE(has_from_field(">From : a\n"));
    EXPECT_EQ(mboxrd_quote(text, true), "From : a\n>From b\n>>From : c\nFrom\t: d\n\n>From : e\n");
    EXPECT_EQ(mboxrd_quote(text), ">From : a\n>From b\n>>From : c\nFrom\t: d\n\n>From : e\n");
}

TEST(FindFromLine, FindsWhatAPlainSearchFinds)
{
    // at every distance from the begin and the end, with near misses around
    for (std::size_t before = 0; before < 150; ++before)
        for (const std::size_t after : {0, 1, 5, 63, 64, 65, 130}) {
            const std::string text = std::string(before, "\nF"[before % 2]) + "\nFrom " + std::string(after, '\n');
            EXPECT_EQ(find_from_line(text), text.find("\nFrom "));
            EXPECT_EQ(find_from_line(text, before + 1), std::string::npos);
        }
}

} // namespace
} // namespace mgw::mail
