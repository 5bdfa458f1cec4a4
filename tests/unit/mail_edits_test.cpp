#include "lib/mail/edits.hpp"

#include <functional>
#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

struct Case {
    const char* name;
    std::string in;
    std::function<void(Edits&, const Message&)> change;
    std::string out; ///< "!" for refused
};

class Change : public testing::TestWithParam<Case> {};

TEST_P(Change, SplicesTheOriginal)
{
    const auto& c = GetParam();
    const Message m(c.in);
    Edits edits;
    c.change(edits, m);
    const auto out = edits.apply(c.in);
    if (c.out == "!") {
        ASSERT_FALSE(out);
        EXPECT_EQ(out.error().status, Status::temp_fail);
    } else {
        ASSERT_TRUE(out) << out.error().message;
        EXPECT_EQ(*out, c.out);
    }
}

const std::string lf = "A: 1\nB: 2\n\nbody\n";
const std::string crlf = "A: 1\r\nB: 2\r\n\r\nbody\r\n";

INSTANTIATE_TEST_SUITE_P(
    Edits, Change,
    testing::Values(
        Case{"nothing", "a\0b\r", [](Edits&, const Message&) {}, "a\0b\r"},
        Case{"prepend_in_order", lf,
             [](Edits& e, const Message& m) {
                 e.prepend_field(m, "X: 1");
                 e.prepend_field(m, "Y: 2\n folded");
             },
             "X: 1\nY: 2\n folded\n" + lf},
        Case{"prepend_crlf", crlf, [](Edits& e, const Message& m) { e.prepend_field(m, "Y: 2\n folded"); },
             "Y: 2\r\n folded\r\n" + crlf},
        Case{"prepend_to_nothing", "", [](Edits& e, const Message& m) { e.prepend_field(m, "X: 1"); }, "X: 1\n"},
        Case{"append", lf, [](Edits& e, const Message& m) { e.append_field(m, "X: 1"); }, "A: 1\nB: 2\nX: 1\n\nbody\n"},
        Case{"append_crlf", crlf, [](Edits& e, const Message& m) { e.append_field(m, "X: 1"); },
             "A: 1\r\nB: 2\r\nX: 1\r\n\r\nbody\r\n"},
        Case{"append_to_open_header", "A: 1\r\nB: 2", [](Edits& e, const Message& m) { e.append_field(m, "X: 1"); },
             "A: 1\r\nB: 2\r\nX: 1\r\n"},
        Case{"append_to_broken_header", "A: 1\nnot a field\n",
             [](Edits& e, const Message& m) { e.append_field(m, "X: 1"); }, "A: 1\nX: 1\nnot a field\n"},
        Case{"remove", lf, [](Edits& e, const Message& m) { e.remove_field(m.fields()[1]); }, "A: 1\n\nbody\n"},
        Case{"remove_first_then_prepend", lf,
             [](Edits& e, const Message& m) {
                 e.remove_field(m.fields()[0]);
                 e.prepend_field(m, "X: 1");
             },
             "X: 1\nB: 2\n\nbody\n"},
        Case{"prepend_then_remove_first", lf,
             [](Edits& e, const Message& m) {
                 e.prepend_field(m, "X: 1");
                 e.remove_field(m.fields()[0]);
             },
             "X: 1\nB: 2\n\nbody\n"},
        Case{"remove_all_and_append", lf,
             [](Edits& e, const Message& m) {
                 e.append_field(m, "X: 1");
                 e.remove_field(m.fields()[1]);
                 e.remove_field(m.fields()[0]);
             },
             "X: 1\n\nbody\n"},
        Case{"replace", crlf, [](Edits& e, const Message& m) { e.replace_field(m, m.fields()[0], "A: 9\n 8"); },
             "A: 9\r\n 8\r\nB: 2\r\n\r\nbody\r\n"},
        Case{"same_field_twice", lf,
             [](Edits& e, const Message& m) {
                 e.remove_field(m.fields()[0]);
                 e.remove_field(m.fields()[0]);
             },
             "!"},
        Case{"overlap", lf,
             [](Edits& e, const Message&) {
                 e.replace(0, 5, "x");
                 e.replace(4, 3, "y");
             },
             "!"},
        Case{"insert_inside_removed", lf,
             [](Edits& e, const Message&) {
                 e.replace(0, 5, "x");
                 e.insert(3, "y");
             },
             "!"},
        Case{"past_the_end", lf, [](Edits& e, const Message&) { e.insert(1000, "y"); }, "!"},
        Case{"removes_past_the_end", lf,
             [](Edits& e, const Message&) { e.replace(3, static_cast<std::size_t>(-1), ""); }, "!"},
        Case{"at_the_end", lf, [](Edits& e, const Message&) { e.insert(lf.size(), "y"); }, lf + "y"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Fold, BreaksBeforeBlanksAndLosesNothing)
{
    std::string field = "Subject:";
    for (int i = 0; i < 60; ++i)
        field += " word" + std::to_string(i);
    const std::string folded = fold(field);
    std::string unfolded = folded;
    std::erase(unfolded, '\n');
    EXPECT_EQ(unfolded, field);
    for (std::size_t at = 0; at < folded.size();) {
        const auto end = std::min(folded.find('\n', at), folded.size());
        EXPECT_LE(end - at, 78U);
        at = end + 1;
    }
    EXPECT_EQ(fold("A: " + std::string(200, 'x')), "A: " + std::string(200, 'x'));
    EXPECT_EQ(fold(""), "");
    EXPECT_EQ(fold("A: b   "), "A: b   ");
}

} // namespace
} // namespace mgw::mail
