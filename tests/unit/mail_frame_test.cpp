#include "lib/mail/frame.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

Frame make_frame(const std::string& id, const std::vector<std::string>& messages)
{
    Frame f;
    f.id = id;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        Member m;
        m.block.set_id(i == 0 ? id : id + "." + std::to_string(i));
        m.message = messages[i];
        f.members.push_back(std::move(m));
    }
    return f;
}

const std::string two = frame_octets(make_frame("ID1", {"A: b\n\nEND ID1\nMGW1 X 1\n", std::string("\0\r\n", 3)})) +
                        frame_octets(make_frame("ID2", {""}));

TEST(Frames, SurviveEverySplit)
{
    for (std::size_t cut = 0; cut <= two.size(); ++cut) {
        FrameReader reader;
        std::string again;
        for (const auto piece : {std::string_view(two).substr(0, cut), std::string_view(two).substr(cut)}) {
            reader.feed(piece);
            for (;;) {
                auto frame = reader.next();
                ASSERT_TRUE(frame) << frame.error().message;
                if (!*frame)
                    break;
                again += frame_octets(**frame);
            }
        }
        EXPECT_EQ(again, two) << cut;
        EXPECT_FALSE(reader.inside());
    }
}

TEST(Frames, SurviveSingleOctets)
{
    FrameReader reader;
    std::string again;
    for (const char c : two) {
        reader.feed(std::string_view(&c, 1));
        auto frame = reader.next();
        ASSERT_TRUE(frame);
        if (*frame)
            again += frame_octets(**frame);
    }
    EXPECT_EQ(again, two);
}

TEST(Frames, AnIdThatIsNotTheFirstMembersIsRefused)
{
    for (const std::string id : {"ID2", "ID", "id1", "ID1.1"}) {
        std::string octets = frame_octets(make_frame("ID1", {"A: b\n"}));
        octets.replace(0, octets.find(" 1\n"), "MGW1 " + id);
        octets.replace(octets.find("END ID1"), std::string::npos, "END " + id + "\n");
        FrameReader reader;
        reader.feed(octets);
        auto frame = reader.next();
        ASSERT_FALSE(frame) << id;
        EXPECT_EQ(frame.error().status, Status::temp_fail);
    }
}

TEST(Frames, ATruncatedOneIsNeverGivenOut)
{
    const std::string one = frame_octets(make_frame("ID1", {"A: b\n\nx\n", "C: d\n\n"}));
    for (std::size_t n = 1; n < one.size(); ++n) {
        FrameReader reader;
        reader.feed(one.substr(0, n));
        auto frame = reader.next();
        ASSERT_TRUE(frame);
        EXPECT_FALSE(frame->has_value()) << n;
        EXPECT_TRUE(reader.inside());
    }
}

struct Bad {
    const char* name;
    std::string octets;
};
class Malformed : public testing::TestWithParam<Bad> {};
TEST_P(Malformed, IsTemporaryFailureAndNothingFollows)
{
    FrameReader reader;
    reader.feed(GetParam().octets);
    auto frame = reader.next();
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().status, Status::temp_fail);
    reader.feed(two);
    EXPECT_FALSE(reader.next()); // no resynchronising
}
const std::string block = "Mgw-Id: x\nMgw-End:\n";
INSTANTIATE_TEST_SUITE_P(
    Frames, Malformed,
    testing::Values(Bad{"word", "MGW2 x 1\n"}, Bad{"empty_line", "\n"}, Bad{"no_count", "MGW1 x\n"},
                    Bad{"no_id", "MGW1  1\n"}, Bad{"zero_without_end", "MGW1 x 0\n19 0\n"},
                    Bad{"negative", "MGW1 x -1\n"}, Bad{"sign", "MGW1 x +1\n"}, Bad{"many", "MGW1 x 10001\n"},
                    Bad{"overflow", "MGW1 x 99999999999999999999\n"}, Bad{"extra", "MGW1 x 1 y\n"},
                    Bad{"long_line", std::string(200, 'M')}, Bad{"huge_block", "MGW1 x 1\n99999999 1\n"},
                    Bad{"huge_message", "MGW1 x 1\n19 18446744073709551615\n"},
                    Bad{"huge_sum", "MGW1 x 1\n18446744073709551615 1\n"}, Bad{"lengths", "MGW1 x 1\n19\n"},
                    Bad{"length_words", "MGW1 x 1\na b\n"}, Bad{"long_lengths", "MGW1 x 1\n" + std::string(200, '1')},
                    Bad{"block", "MGW1 x 1\n5 0\nhelloEND x\n"}, Bad{"crlf", "MGW1 x 1\r\n"},
                    Bad{"block_too_short", "MGW1 x 1\n18 1\n" + block + "END x\n"},
                    Bad{"other_end", "MGW1 x 1\n19 0\n" + block + "END y\n"},
                    Bad{"no_end", "MGW1 x 1\n19 0\n" + block + "MGW1 y 1\n"},
                    Bad{"long_end", "MGW1 x 1\n19 0\n" + block + std::string(200, 'E')}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Frames, OneWithoutMembersPasses)
{
    const auto question = frame_octets({"ID0", {}});
    EXPECT_EQ(question, "MGW1 ID0 0\nEND ID0\n");
    FrameReader reader;
    reader.feed(question + two);
    const auto first = reader.next();
    ASSERT_TRUE(first && *first);
    EXPECT_EQ((*first)->id, "ID0");
    EXPECT_TRUE((*first)->members.empty());
    const auto second = reader.next();
    ASSERT_TRUE(second && *second);
    EXPECT_EQ((*second)->id, "ID1");
}

TEST(Answers, AreWrittenAndRead)
{
    EXPECT_EQ(answer_line(Answer{"ID", "1", 250, "2.0.0", "queued", false}), "ID 1 250 2.0.0 queued\n");
    EXPECT_EQ(answer_line(Answer{"ID", "1", 451, "", "a\nb", false}), "ID 1 451 4.0.0 a?b\n");
    const auto a = parse_answer("ID 2.1 550 5.7.1 no, thank you\n");
    ASSERT_TRUE(a);
    EXPECT_EQ(a->number, "2.1");
    EXPECT_EQ(a->code, 550);
    EXPECT_EQ(a->text, "no, thank you");
    const auto done = parse_answer(answer_line(Answer{"ID", "", 0, "", "", true}));
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->done);
    for (const char* bad : {"", "ID", "ID 1", "ID 1 x", "ID 1 99 x", "ID 1 600 x", "ID 1 -250 x", " 1 250 2.0.0 x"})
        EXPECT_FALSE(parse_answer(bad)) << bad;
}

Answer answer(const char* number, int code)
{
    return Answer{"", number, code, "", "", false};
}

TEST(Answers, FoldToTheOriginalRecipients)
{
    Block b;
    b.set_id("ID");
    for (const char* n : {"1", "2", "2.1", "2.2", "3", "0.1"})
        b.add_recipient(n, "a@b");
    const auto codes = [&](const std::vector<Answer>& results) {
        std::vector<std::pair<std::string, int>> out;
        for (const auto& a : fold_answers(b, results)) {
            EXPECT_EQ(a.id, "ID");
            out.emplace_back(a.number, a.code);
        }
        return out;
    };
    using Codes = std::vector<std::pair<std::string, int>>;
    EXPECT_EQ(codes({answer("1", 250), answer("2.1", 550), answer("2.2", 250), answer("3", 550), answer("0.1", 451)}),
              (Codes{{"1", 250}, {"2", 250}, {"3", 550}}));
    EXPECT_EQ(codes({answer("1", 250), answer("2.1", 250), answer("2.2", 452), answer("3", 250)}),
              (Codes{{"1", 250}, {"2", 452}, {"3", 250}}));
    EXPECT_EQ(codes({answer("1", 250), answer("2.1", 550), answer("2.2", 554)}),
              (Codes{{"1", 250}, {"2", 550}, {"3", 451}})); // no result is no success
}

TEST(Answers, OneReplyServesAll)
{
    EXPECT_EQ(one_reply({}).code, 451);
    EXPECT_EQ(one_reply({answer("1", 250), answer("2", 250)}).code, 250);
    EXPECT_EQ(one_reply({answer("1", 550), answer("2", 550)}).code, 550);
    EXPECT_EQ(one_reply({answer("1", 550), answer("2", 250)}).code, 250);
    EXPECT_EQ(one_reply({answer("1", 250), answer("2", 452), answer("3", 550)}).code, 452);
}

} // namespace
} // namespace mgw::mail
