#include "lib/monitor/count.hpp"
#include "lib/monitor/phrase.hpp"

#include <gtest/gtest.h>

using namespace mgw::monitor;

TEST(Spread, QuantilesAreWithinFivePercent)
{
    Spread spread;
    for (int i = 1; i <= 10000; ++i)
        spread.add(i);
    EXPECT_NEAR(spread.quantile(0.5), 5000, 250);
    EXPECT_NEAR(spread.quantile(0.95), 9500, 475);
    EXPECT_EQ(spread.maximum(), 10000);
    EXPECT_EQ(spread.mean(), 5000.5);
    EXPECT_EQ(spread.at_most(0), 1U);
    EXPECT_EQ(spread.at_most(9), 1000U);
}

TEST(Spread, OneAmountIsExactAndNonsenseIsLeftOut)
{
    Spread spread;
    EXPECT_EQ(spread.quantile(0.5), 0);
    spread.add(-1);
    spread.add(1e300);
    spread.add(3);
    EXPECT_EQ(spread.count(), 1U);
    EXPECT_EQ(spread.quantile(0.5), 3);
}

TEST(Counter, KeepsTheFrequentAmongManyTexts)
{
    Counter counter;
    for (int i = 0; i < 100000; ++i) {
        counter.add("u" + std::to_string(i));
        if (i % 10 == 0)
            counter.add("often");
    }
    EXPECT_TRUE(counter.is_inexact());
    EXPECT_EQ(counter.total(), 110000U);
    const auto top = counter.top(1);
    ASSERT_EQ(top.size(), 1U);
    EXPECT_EQ(top[0].first, "often");
    EXPECT_EQ(top[0].second, 10000U);
    EXPECT_LE(counter.top(1000000).size(), 16384U);
}

TEST(Phrase, GoesBackInTime)
{
    EXPECT_EQ(earlier("2026-11-24T00:00:00.000500Z", 1.5), "2026-11-23T23:59:59.999000Z");
    EXPECT_EQ(earlier("2026-13-24T00:00:00.000500Z", 1.5), "2026-13-24T00:00:00.000500Z");
    EXPECT_EQ(earlier("20to]11-24T07:36:32.673697Z", 1.5), "20to]11-24T07:36:32.673697Z");
    EXPECT_EQ(earlier("9999-12-24T07:36:32.673697Z", 1.5), "9999-12-24T07:36:32.673697Z");
    EXPECT_EQ(earlier("yesterday", 1.5), "yesterday");
    EXPECT_EQ(earlier("2026-11-24T00:00:00.000500Z", -1), "2026-11-24T00:00:00.000500Z");
}

TEST(Phrase, ARefusedCommandIsNoArrival)
{
    const auto event = parse_event(
        R"({"tool":"mgw-recv","id":"01M86750NFZPSY44YRW8V9BGMV","client":"192.0.2.7","refused":"RCPT","from":"a@example.net","to":["b@example.org"],"code":550,"enhanced":"5.7.1","text":"Relaying denied"})");
    ASSERT_TRUE(event);
    EXPECT_TRUE(is_refusal(*event));
    EXPECT_FALSE(is_arrival(*event));
    EXPECT_EQ(phrase(*event),
              "RCPT from 192.0.2.7: <a@example.net> to b@example.org: answered 550 5.7.1 Relaying denied");
}
