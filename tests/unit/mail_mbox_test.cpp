#include "lib/mail/mbox.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace mgw::mail
{
namespace
{

std::vector<MboxEntry> read(const std::vector<std::string_view>& pieces)
{
    MboxReader reader;
    std::vector<MboxEntry> out;
    for (const auto piece : pieces) {
        reader.feed(piece);
        while (auto entry = reader.next())
            out.push_back(std::move(*entry));
    }
    reader.finish();
    while (auto entry = reader.next())
        out.push_back(std::move(*entry));
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
        Case{"separator_needs_an_empty_line", from + "A: b\n\nx\n" + from + "y\n\n", {"A: b\n\nx\n" + from + "y\n"}},
        Case{"mboxcl2",
             from + "Content-Length: 37\n\nx\n\n" + from + "\n" + from + "C: d\n\ny\n\n",
             {"Content-Length: 37\n\nx\n\n" + from, "C: d\n\ny\n"}},
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
        Case{"blank_lines_first", "\n" + from + "A: b\n\n", {"\n", "A: b\n"}},
        Case{"long_from_line",
             from + "A: b\n\n\nFrom " + std::string(3000, 'x') + " 10:00\n\n" + from + "C: d\n\n",
             {"A: b\n\n\nFrom " + std::string(3000, 'x') + " 10:00\n", "C: d\n"}},
        Case{"field_spelt_from_blank", "From : a@b\nDate: x\n\nx\n", {"From : a@b\nDate: x\n\nx\n"}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Separator, NeedsATime)
{
    EXPECT_TRUE(is_separator("From a@b Tue Nov 24 10:00:00 2026\n"));
    EXPECT_TRUE(is_separator("From MAILER-DAEMON Fri Jul  8 12:08 1999"));
    EXPECT_FALSE(is_separator("From here on\n"));
    EXPECT_FALSE(is_separator("From: a 10:00\n"));
    EXPECT_FALSE(is_separator("From : a 10:00\n"));
    EXPECT_FALSE(is_separator(">From a 10:00\n"));
    EXPECT_FALSE(is_separator("From "));
    EXPECT_FALSE(is_separator(""));
}

TEST(Quoting, GoesBothWays)
{
    const std::string text = "From a\n>From b\n>>From c\n> From d\nFromage\nx From e\nFrom";
    EXPECT_EQ(mboxrd_quote(text), ">From a\n>>From b\n>>>From c\n> From d\nFromage\nx From e\nFrom");
    EXPECT_EQ(mboxrd_unquote(mboxrd_quote(text)), text);
    EXPECT_EQ(mboxrd_unquote("From a\n>From b\n"), "From a\nFrom b\n");
    EXPECT_EQ(mboxrd_quote(""), "");
}

} // namespace
} // namespace mgw::mail
