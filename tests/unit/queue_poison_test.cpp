#include "lib/queue/poison.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::queue;

namespace
{

constexpr auto body = "Message-ID: <1@x>\r\nFrom: a@example.net\r\nSubject: s\r\n\r\nx\r\n";

mail::Frame frame(const std::string& lines, const std::string& message = body)
{
    auto block = mail::Block::parse("Mgw-Id: ID\nMgw-Client: proto=SMTP\nMgw-From: <a@x>\nMgw-To: 1 <b@x>\n" + lines +
                                    "Mgw-End:\n");
    EXPECT_TRUE(block);
    mail::Frame out{.id = "ID"};
    out.members.push_back({*block, message});
    return out;
}

const std::string died = "Mgw-Result: mgw-scan error=killed+20by+20signal+2011 deaths=2\n"
                         "Mgw-Verdict: defer * 451 4.3.0 class=error by=mgw-scan text=killed by signal 11\n";

PoisonBook book()
{
    return PoisonBook([]() -> Result<std::unique_ptr<state::Store>> { return state::open_memory_store(); });
}

TEST(Poison, TheSecondAttemptGoesToQuarantineWithWhatIsKnown)
{
    auto poison = book();
    auto first = frame(died);
    ASSERT_TRUE(poison.judge(first, Time{}));
    EXPECT_EQ(first.members[0].block.strictest().action, mail::Action::defer);
    auto second = frame(died, std::string("Received: from elsewhere\r\n") + body);
    ASSERT_TRUE(poison.judge(second, Time{}));
    const auto verdict = second.members[0].block.strictest();
    EXPECT_EQ(verdict.action, mail::Action::quarantine);
    EXPECT_EQ(verdict.cls, "error");
    EXPECT_NE(verdict.text.find("workers died 4 times, sha256=" + poison_digest(body)), std::string::npos);
    EXPECT_NE(verdict.text.find("mgw-scan: killed by signal 11"), std::string::npos);
}

TEST(Poison, AnotherMessageIsCountedApart)
{
    auto poison = book();
    auto first = frame(died);
    ASSERT_TRUE(poison.judge(first, Time{}));
    auto other = frame(died, "Message-ID: <2@x>\r\nFrom: a@example.net\r\n\r\nx\r\n");
    ASSERT_TRUE(poison.judge(other, Time{}));
    EXPECT_EQ(other.members[0].block.strictest().action, mail::Action::defer);
}

TEST(Poison, WhatWasDecidedOtherwiseStays)
{
    auto poison = book();
    for (int i = 0; i < 2; ++i) {
        auto refused = frame(died + "Mgw-Verdict: reject * 550 5.7.1 class=spam by=mgw-filter\n");
        ASSERT_TRUE(poison.judge(refused, Time{}));
        EXPECT_EQ(refused.members[0].block.strictest().action, mail::Action::reject);
    }
}

TEST(Poison, IsForgottenAfterItsTime)
{
    auto poison = book();
    auto first = frame(died);
    ASSERT_TRUE(poison.judge(first, Time{}));
    auto late = frame(died);
    ASSERT_TRUE(poison.judge(late, Time{} + std::chrono::hours(24 * 6)));
    EXPECT_EQ(late.members[0].block.strictest().action, mail::Action::defer);
}

TEST(Poison, NoStoreIsOpenedWithoutDeathsAndAFailureIsTold)
{
    int opened = 0;
    PoisonBook poison([&]() -> Result<std::unique_ptr<state::Store>> {
        ++opened;
        return fail(Status::temp_fail, "no");
    });
    auto good = frame("Mgw-Result: mgw-scan virus=clean\n");
    EXPECT_TRUE(poison.judge(good, Time{}));
    EXPECT_EQ(opened, 0);
    auto bad = frame(died);
    EXPECT_FALSE(poison.judge(bad, Time{}));
    EXPECT_EQ(bad.members[0].block.strictest().action, mail::Action::defer);
}

} // namespace
