#include "lib/smtp/client_data.hpp"

#include <gtest/gtest.h>

using mgw::smtp::DataEncoder;
using mgw::smtp::survey;

namespace
{

struct Case {
    const char* name;
    std::string_view in;
    std::string_view out;
};

class Encoding : public testing::TestWithParam<Case> {};

TEST_P(Encoding, IsTheSameInPiecesOfAnySize)
{
    const auto& c = GetParam();
    ASSERT_TRUE(survey(c.in).sendable());
    for (std::size_t size = 1; size < 20; ++size) {
        DataEncoder encoder(c.in);
        std::string out;
        for (auto piece = encoder.next(size); !piece.empty(); piece = encoder.next(size))
            out += piece;
        EXPECT_EQ(out, c.out) << "pieces of " << size;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Encoding,
    testing::Values(Case{"lf", "a: b\n\nx\n", "a: b\r\n\r\nx\r\n"},
                    Case{"crlf", "a: b\r\n\r\nx\r\n", "a: b\r\n\r\nx\r\n"}, Case{"last_line_end", "x", "x\r\n"},
                    Case{"dots", ".\n..\n.a\nb.\n", "..\r\n...\r\n..a\r\nb.\r\n"}, Case{"empty", "", ""},
                    Case{"long_line", "0123456789012345678901234567890123456789.\n.x\n",
                         "0123456789012345678901234567890123456789.\r\n..x\r\n"},
                    Case{"long_crlf", "01234567890123456789\r\n.\r\n", "01234567890123456789\r\n..\r\n"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Survey, FindsWhatSmtpCannotCarry)
{
    EXPECT_TRUE(survey("a\rb\n").bare_cr);
    EXPECT_TRUE(survey("a\r").bare_cr);
    EXPECT_TRUE(survey("a\r\r\n").bare_cr);
    EXPECT_TRUE(survey("a\r\nb\n").bare_lf);
    EXPECT_FALSE(survey("a\nb\n").bare_lf);
    EXPECT_TRUE(survey(std::string_view("a\0b\n", 4)).nul);
    EXPECT_TRUE(survey("a\r\nb\r\n").sendable());
}

TEST(Survey, TellsHeaderFromBodyAndCounts)
{
    const auto body = survey("A: b\n\n\xC3\xA4\n");
    EXPECT_TRUE(body.eight_bit);
    EXPECT_FALSE(body.eight_bit_header);
    EXPECT_TRUE(survey("A: \xC3\xA4\n\nx\n").eight_bit_header);
    EXPECT_EQ(survey("A: b\n\nx\n").wire_octets, 11U);
    EXPECT_EQ(survey("A: b\r\n\r\nx").wire_octets, 11U);
}

} // namespace
