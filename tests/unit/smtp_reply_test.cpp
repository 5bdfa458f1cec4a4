#include "lib/smtp/client_reply.hpp"

#include <gtest/gtest.h>

using mgw::smtp::ReplyParser;

namespace
{

struct Case {
    const char* name;
    std::string_view in;
    int code; ///< 0: not SMTP
    const char* enhanced;
    const char* text;
};

class Replies : public testing::TestWithParam<Case> {};

TEST_P(Replies, AreReadAtEverySplit)
{
    const auto& c = GetParam();
    for (std::size_t step = 1; step <= c.in.size(); ++step) {
        ReplyParser parser;
        std::optional<mgw::smtp::Reply> reply;
        bool broken = false;
        for (std::size_t at = 0; at < c.in.size() && !reply && !broken; at += step) {
            parser.feed(c.in.substr(at, step));
            auto next = parser.next();
            broken = !next;
            if (next)
                reply = *next;
        }
        ASSERT_EQ(broken, c.code == 0) << "step " << step;
        if (c.code == 0)
            continue;
        ASSERT_TRUE(reply) << "step " << step;
        EXPECT_EQ(reply->code, c.code);
        EXPECT_EQ(reply->enhanced, c.enhanced);
        EXPECT_EQ(reply->text(), c.text);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Replies,
    testing::Values(Case{"one_line", "250 2.0.0 fine\r\n", 250, "2.0.0", "fine"},
                    Case{"no_text", "250\r\n", 250, "", ""}, Case{"no_enhanced", "250 fine\r\n", 250, "", "fine"},
                    Case{"bare_lf", "250 fine\n", 250, "", "fine"},
                    Case{"many_lines", "250-a\r\n250-b\r\n250 c\r\n", 250, "", "a b c"},
                    Case{"enhanced_on_each_line", "550-5.7.1 no\r\n550 5.7.1 way\r\n", 550, "5.7.1", "no way"},
                    Case{"class_differs", "550 2.0.0 odd\r\n", 550, "", "2.0.0 odd"},
                    Case{"long_status", "550 5.7.1234 odd\r\n", 550, "", "5.7.1234 odd"},
                    Case{"control_characters", "550 bell\x07\x1b[1m\r\n", 550, "", "bell??[1m"},
                    Case{"code_differs", "250-a\r\n550 b\r\n", 0, "", ""},
                    Case{"http", "HTTP/1.0 400 Bad\r\n", 0, "", ""}, Case{"too_small", "150 a\r\n", 0, "", ""},
                    Case{"letters", "25x a\r\n", 0, "", ""}, Case{"no_blank", "2500\r\n", 0, "", ""},
                    Case{"empty_line", "\r\n", 0, "", ""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ReplyParser, StopsAtTooManyLines)
{
    ReplyParser parser;
    for (int i = 0; i < 101; ++i)
        parser.feed("250-x\r\n");
    EXPECT_FALSE(parser.next());
    parser.feed("250 x\r\n");
    EXPECT_FALSE(parser.next()) << "what is broken stays broken";
}

TEST(ReplyParser, StopsAtALineWithoutEnd)
{
    ReplyParser parser;
    bool broken = false;
    for (int i = 0; i < 100 && !broken; ++i) {
        parser.feed(std::string(100, '2'));
        broken = !parser.next();
    }
    EXPECT_TRUE(broken);
}

TEST(ReplyParser, SeesWhatCameTooEarly)
{
    ReplyParser parser;
    parser.feed("220 go\r\n250 injected\r\n");
    ASSERT_TRUE(parser.next());
    EXPECT_TRUE(parser.has_leftover());
}

} // namespace
