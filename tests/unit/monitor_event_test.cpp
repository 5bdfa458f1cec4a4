#include "lib/monitor/event.hpp"

#include <gtest/gtest.h>

using mgw::monitor::parse_event;

namespace
{

struct Case {
    const char* name;
    std::string in;
    bool good;
};

std::string repeat(const std::string& text, int times)
{
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

class EventSyntax : public testing::TestWithParam<Case> {};

TEST_P(EventSyntax, IsJudged)
{
    EXPECT_EQ(parse_event(GetParam().in).has_value(), GetParam().good) << GetParam().in.substr(0, 80);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, EventSyntax,
    testing::Values(Case{"empty", "{}", true}, Case{"blanks", " { \"a\" : [ ] } ", true},
                    Case{"literals", R"({"a":true,"b":false,"c":null,"d":-1.5e3})", true},
                    Case{"nested", R"({"a":{"b":[1,{"c":[]},{}],"d":"x"},"e":[[1],{"f":2},3]})", true},
                    Case{"depth_32", R"({"a":)" + repeat("[", 32) + repeat("]", 32) + "}", true},
                    Case{"deep_lists", R"({"a":)" + repeat("[", 10000) + repeat("]", 10000) + "}", false},
                    Case{"deep_objects", repeat(R"({"a":)", 10000) + "1" + repeat("}", 10000), false},
                    Case{"nothing", "", false}, Case{"list", "[1]", false}, Case{"text", "\"a\"", false},
                    Case{"cut", R"({"a":"b)", false}, Case{"cut_escape", "{\"a\":\"\\", false},
                    Case{"short_unicode", R"({"a":"\u00"})", false}, Case{"unknown_escape", R"({"a":"\q"})", false},
                    Case{"comma_at_end", R"({"a":1,})", false}, Case{"list_comma", R"({"a":[1,]})", false},
                    Case{"mismatch", R"({"a":[{]}})", false}, Case{"two", R"({"a":1}{"b":2})", false},
                    Case{"no_number", R"({"a":-inf})", false}, Case{"bad_word", R"({"a":nul})", false},
                    Case{"raw_control", "{\"a\":\"\x01\"}", false}, Case{"bad_utf8", "{\"a\":\"\xff\"}", false}),
    [](const auto& info) { return info.param.name; });

TEST(Event, DecodesEscapes)
{
    const auto event = parse_event(R"({"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83d"})");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->text("a"), "\"\\/\b\f\n\r\t\u00e9\U0001F600\uFFFD");
}

TEST(Event, GivesValuesByKey)
{
    const auto event = parse_event(R"({"n":12.5,"l":["x","y",{"z":1}],"n":13,"s":"1e999","o":{"n":1}})");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->number("n"), 12.5);
    EXPECT_EQ(event->list("l"), (std::vector<std::string>{"x", "y"}));
    EXPECT_FALSE(event->number("s"));
    EXPECT_FALSE(event->number("missing"));
    EXPECT_FALSE(event->has("o"));
    EXPECT_EQ(event->text("missing"), "");
}

TEST(Event, BoundsFieldsAndItems)
{
    std::string line = R"({"l":[0)" + repeat(",1", 5000) + "]";
    for (int i = 0; i < 1000; ++i)
        line += ",\"k" + std::to_string(i) + "\":1";
    const auto event = parse_event(line + "}");
    ASSERT_TRUE(event);
    EXPECT_EQ(event->fields().size(), 256U);
    EXPECT_EQ(event->list("l").size(), 1000U);
}

} // namespace
