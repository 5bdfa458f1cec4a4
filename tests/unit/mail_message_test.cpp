#include "lib/mail/message.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

struct Case {
    const char* name;
    std::string octets;
    std::size_t fields;
    std::string body;
    Oddity oddities;
};

class Index : public testing::TestWithParam<Case> {};

TEST_P(Index, FindsFieldsAndBody)
{
    const auto& c = GetParam();
    const Message m(c.octets);
    EXPECT_EQ(m.fields().size(), c.fields);
    EXPECT_EQ(m.body(), c.body);
    EXPECT_EQ(oddity_names(m.all_oddities()), oddity_names(c.oddities));
    std::size_t at = 0; // fields are neighbours: no octet of the header lies between them
    for (const Field& f : m.fields()) {
        EXPECT_EQ(f.begin, at);
        EXPECT_LT(f.begin, f.name_end);
        EXPECT_LT(f.name_end, f.value_begin);
        EXPECT_LE(f.value_begin, f.end);
        at = f.end;
    }
    EXPECT_EQ(at, m.header_end());
}

using namespace std::string_literals;

INSTANTIATE_TEST_SUITE_P(
    Messages, Index,
    testing::Values(Case{"lf", "A: b\nC: d\n\nbody\n", 2, "body\n", Oddity::none},
                    Case{"crlf", "A: b\r\nC: d\r\n\r\nbody\r\n", 2, "body\r\n", Oddity::none},
                    Case{"folded", "A: b\n c\n\td\nE: f\n\n", 2, "", Oddity::none},
                    Case{"folded_blank_line", "A: b\n \nE: f\n\nx", 2, "x", Oddity::blank_line_in_header},
                    Case{"empty", "", 0, "", Oddity::no_header},
                    Case{"no_header", "hello\n\nx\n", 0, "hello\n\nx\n", Oddity::no_header},
                    Case{"blank_first", " A: b\n\nx", 0, " A: b\n\nx", Oddity::no_header},
                    Case{"no_fields", "\nbody\n", 0, "body\n", Oddity::none},
                    Case{"ends_early", "A: b\nnot a field\nC: d\n", 1, "not a field\nC: d\n",
                         Oddity::header_ends_early},
                    Case{"only_crs", "A: b\rC: d\r\rbody\r", 1, "", Oddity::bare_cr},
                    Case{"crs_only", "\r\r\r", 0, "\r\r\r", Oddity::no_header | Oddity::bare_cr},
                    Case{"nul_in_value", "A: b\0c\n\nx"s, 1, "x", Oddity::nul},
                    Case{"nul_in_name", "A\0: b\n\nx"s, 0, "A\0: b\n\nx"s, Oddity::no_header | Oddity::nul},
                    Case{"blank_before_colon", "A : b\nC\t: d\n\nx", 2, "x", Oddity::blank_before_colon},
                    Case{"no_name", ": b\n\nx", 0, ": b\n\nx", Oddity::no_header},
                    Case{"no_final_lf", "A: b\nC: d", 2, "", Oddity::none},
                    Case{"bare_lf", "A: b\r\nC: d\n\r\nx\r\n", 2, "x\r\n", Oddity::bare_lf},
                    Case{"cr_before_crlf", "A: b\r\r\n\r\nx", 1, "x", Oddity::bare_cr},
                    Case{"cr_at_end", "A: b\n\nx\r", 1, "x\r", Oddity::bare_cr},
                    Case{"from_line", "From a@b Tue Nov 24 10:00:00 2026\nA: b\n\nx", 0,
                         "From a@b Tue Nov 24 10:00:00 2026\nA: b\n\nx", Oddity::no_header | Oddity::from_line},
                    Case{"from_with_blank", "From : a@b\n\nx", 1, "x", Oddity::blank_before_colon},
                    Case{"long_line", "A: " + std::string(1500, 'x') + "\n\n", 1, "", Oddity::line_too_long}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Message, OddOctetsAreFoundAtEveryPlace)
{
    const std::string plain = "A: b\r\n\r\n" + std::string(600, 'x') + "\r\n";
    EXPECT_EQ(Message(plain).all_oddities(), Oddity::none);
    for (std::size_t at = 8; at < 608; ++at) {
        std::string octets = plain;
        for (const auto& [octet, oddity] :
             {std::pair('\0', Oddity::nul), std::pair('\r', Oddity::bare_cr), std::pair('\n', Oddity::bare_lf)}) {
            octets[at] = octet;
            EXPECT_EQ(oddity_names(Message(octets).all_oddities()), oddity_names(oddity)) << at;
        }
        if (at > 8) { // a line end is not odd, wherever it stands
            octets[at - 1] = '\r';
            octets[at] = '\n';
            EXPECT_EQ(oddity_names(Message(octets).all_oddities()), "") << at;
        }
    }
}

TEST(Message, ValuesAreUnfoldedAndFoundInAnyCase)
{
    const std::string octets = "Subject:  one\r\n two\r\n\tthree \r\nX: 1\r\nx: 2\r\n\r\n";
    const Message m(octets);
    EXPECT_EQ(m.line_end(), "\r\n");
    EXPECT_EQ(m.value_of("SUBJECT"), "one two\tthree");
    EXPECT_EQ(m.find_all("X").size(), 2U);
    EXPECT_EQ(m.value_of("x"), "1");
    EXPECT_EQ(m.value_of("none"), std::nullopt);
    EXPECT_EQ(m.raw(m.fields()[1]), "X: 1\r\n");
    EXPECT_EQ(m.raw_value(m.fields()[1]), " 1");
}

TEST(Message, FieldsStopAtTheLimit)
{
    std::string octets;
    for (int i = 0; i < 1200; ++i)
        octets += "A: b\n c\n";
    octets += "\nbody";
    Limits limits;
    const Message cut(octets, limits);
    EXPECT_EQ(cut.fields().size(), limits.fields);
    EXPECT_TRUE(has(cut.oddities(), Oddity::header_too_large));
    EXPECT_EQ(cut.header().size(), limits.fields * 8);
    EXPECT_EQ(cut.body().size(), octets.size() - limits.fields * 8);
    limits.fields = 1200;
    const Message whole(octets, limits);
    EXPECT_EQ(whole.fields().size(), 1200U);
    EXPECT_FALSE(has(whole.oddities(), Oddity::header_too_large));
    EXPECT_EQ(whole.body(), "body");
}

TEST(Message, HeaderStopsAtItsLimit)
{
    Limits limits;
    limits.header_octets = 100;
    const std::string octets = "A: b\nB: " + std::string(200, 'x') + "\n\nbody";
    const Message m(octets, limits);
    EXPECT_EQ(m.fields().size(), 1U);
    EXPECT_TRUE(has(m.oddities(), Oddity::header_too_large));
    EXPECT_TRUE(m.body().starts_with("B: xxx"));
}

TEST(Message, OctetsOfLongMessagesAreEachLookedAt)
{
    // from here on wide registers look at 32 octets at a time: each place in them, and around their ends
    for (const std::size_t lines : {100U, 101U, 102U}) {
        std::string plain = "A: b\r\n\r\n";
        for (std::size_t i = 0; i < lines; ++i)
            plain += "0123456789012345678901234567890123456789012345678901234567\r\n";
        EXPECT_EQ(Message(plain).all_oddities(), Oddity::none);
        std::string lf;
        for (const char c : plain)
            if (c != '\r')
                lf += c;
        EXPECT_EQ(Message(lf).all_oddities(), Oddity::none);
        for (std::size_t at = 10; at < plain.size(); at += at < 200 || at + 200 > plain.size() ? 1 : 61) {
            for (const auto& [octet, oddity] :
                 {std::pair('\0', Oddity::nul), std::pair('\r', Oddity::bare_cr), std::pair('\n', Oddity::bare_lf)}) {
                std::string octets = plain;
                octets[at] = octet;
                Oddity wanted = Oddity::none;
                for (std::size_t i = 1; i < octets.size(); ++i) {
                    if (octets[i] == '\0')
                        wanted |= Oddity::nul;
                    if (octets[i - 1] == '\r' && octets[i] != '\n')
                        wanted |= Oddity::bare_cr;
                    if (octets[i - 1] != '\r' && octets[i] == '\n')
                        wanted |= Oddity::bare_lf;
                }
                if (octets.back() == '\r')
                    wanted |= Oddity::bare_cr;
                EXPECT_EQ(oddity_names(Message(octets).all_oddities()), oddity_names(wanted))
                    << at << " " << oddity_names(oddity);
            }
        }
    }
}

TEST(Message, FromLineIsASeparatorNotAField)
{
    EXPECT_EQ(from_line_octets("From a@b x\nA: b\n"), 11U);
    EXPECT_EQ(from_line_octets("From a@b x"), 0U); // no line: a block behind it would be glued to it
    EXPECT_EQ(from_line_octets("From: a@b\n"), 0U);
    EXPECT_EQ(from_line_octets("From : a@b\n"), 0U);
    EXPECT_EQ(from_line_octets("From \t : a@b\n"), 0U);
    EXPECT_EQ(from_line_octets(""), 0U);
}

} // namespace
} // namespace mgw::mail
