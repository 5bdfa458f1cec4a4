#include "lib/monitor/record_line.hpp"
#include "lib/monitor/tally.hpp"

#include <gtest/gtest.h>

using namespace mgw::monitor;

namespace
{

TEST(RecordLine, ReadsWhatJsonSays)
{
    const auto r = RecordLine::parse(
        R"( {"a":"x\"\\\/\n\u00e4\ud83d\ude00\ud800","n":-1.5e3,"t":true,"z":null,"l":["p",1,["q"],{"r":2}],"o":{"deep":[{}]},"e":[]} )");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->text("a"), "x\"\\/\n\xC3\xA4\xF0\x9F\x98\x80\xEF\xBF\xBD");
    EXPECT_EQ(r->number("n"), -1500.0);
    EXPECT_EQ(r->text("t"), "true");
    EXPECT_FALSE(r->number("t"));
    EXPECT_FALSE(r->number("a"));
    EXPECT_EQ(r->list("l"), (std::vector<std::string>{"p", "1"}));
    EXPECT_TRUE(r->list("none").empty());
    EXPECT_TRUE(RecordLine::parse("{}"));
}

TEST(RecordLine, RefusesWhatIsNoRecord)
{
    for (const char* bad :
         {"", "x", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":\"x}", "{\"a\":\"\\x\"}",
          "{\"a\":\"\\u12\"}", "{\"a\":tru}", "{\"a\":1e}", "{\"a\":[1}", "{\"a\":{]}", "{'a':1}", "{\"a\":--1}"})
        EXPECT_FALSE(RecordLine::parse(bad)) << bad;
}

TEST(RecordLine, BoundsNestingAndKeys)
{
    EXPECT_FALSE(RecordLine::parse("{\"a\":" + std::string(10000, '[') + std::string(10000, ']') + "}"));
    EXPECT_FALSE(RecordLine::parse("{\"a\":{\"b\":" + std::string(100000, '[')));
    std::string many = "{\"k\":1";
    for (int i = 0; i < 300; ++i)
        many += ",\"k\":1";
    EXPECT_FALSE(RecordLine::parse(many + "}"));
}

TEST(Tally, IsExactUntilItIsFull)
{
    Tally t(3);
    t.add("a", 5);
    t.add("b");
    t.add("c", 2);
    EXPECT_TRUE(t.is_exact());
    EXPECT_EQ(t.top(2), (std::vector<std::pair<std::string, std::uint64_t>>{{"a", 5}, {"c", 2}}));
    for (int i = 0; i < 1000; ++i)
        t.add("x" + std::to_string(i));
    t.add("a", 1000);
    EXPECT_FALSE(t.is_exact());
    EXPECT_EQ(t.top(1)[0].first, "a") << "what is frequent stays";
    EXPECT_EQ(t.top(10).size(), 3U);
    EXPECT_EQ(t.total(), 2008U);
}

TEST(Spread, FindsQuantilesWithinFivePercent)
{
    Spread s;
    EXPECT_EQ(s.quantile(0.5), 0);
    for (int i = 1; i <= 1000; ++i)
        s.add(i);
    EXPECT_NEAR(s.quantile(0.5), 500, 25);
    EXPECT_NEAR(s.quantile(0.95), 950, 48);
    EXPECT_EQ(s.largest(), 1000);
    EXPECT_DOUBLE_EQ(s.mean(), 500.5);
    s.add(-1);
    s.add(1e300);
    EXPECT_EQ(s.count(), 1002U);
}

} // namespace
