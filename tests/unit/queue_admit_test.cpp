#include "lib/queue/admit.hpp"
#include "lib/queue/attempt.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::queue;

namespace
{

struct Case {
    const char* name;
    const char* proto;
    const char* lines; ///< of the block, beside client and sender
    const char* answers;
    const char* kept;
    Mixed mixed = Mixed::quarantine;
    const char* created = ""; ///< lines of a second member's block
};

mail::Member member(const Case& c, const char* lines)
{
    const auto text = std::string("Mgw-Id: ID\nMgw-Client: proto=") + c.proto + "\nMgw-From: <a@example.net>\n" +
                      lines + "Mgw-End:\n";
    auto block = mail::Block::parse(text);
    EXPECT_TRUE(block) << text;
    return {block ? *block : mail::Block{}, "Subject: s\r\n\r\nx\r\n"};
}

class Admits : public testing::TestWithParam<Case> {};

TEST_P(Admits, ByVerdicts)
{
    const auto& c = GetParam();
    mail::Frame frame{.id = "ID"};
    frame.members.push_back(member(c, c.lines));
    if (*c.created != '\0')
        frame.members.push_back(member(c, c.created));
    const auto admission = admit(frame, c.mixed);
    std::string answers;
    for (const auto& a : admission.answers)
        answers += (answers.empty() ? "" : " ") + a.number + "=" + std::to_string(a.code);
    std::string kept;
    for (const auto& stored : admission.keep)
        for (const auto& number : stored.recipients)
            kept += (kept.empty() ? "" : " ") + number + (stored.quarantined ? "q" : "");
    for (const auto& b : admission.bounces)
        kept += " " + b.number + "!";
    EXPECT_EQ(answers, c.answers);
    EXPECT_EQ(kept, c.kept);
}

#define TWO "Mgw-To: 1 <b@x>\nMgw-To: 2 <c@x>\n"
INSTANTIATE_TEST_SUITE_P(
    Sink, Admits,
    testing::Values(
        Case{"accept", "SMTP", TWO, "1=250 2=250", "1 2"},
        Case{"quarantine", "SMTP", TWO "Mgw-Verdict: quarantine * class=spam\n", "1=250 2=250", "1q 2q"},
        Case{"discard", "SMTP", TWO "Mgw-Verdict: discard * class=spam\n", "1=250 2=250", ""},
        Case{"defer", "SMTP", TWO "Mgw-Verdict: defer * 450 4.2.0 class=policy\n", "1=450 2=450", ""},
        Case{"reject", "SMTP", TWO "Mgw-Verdict: reject * 554 5.7.0 class=policy\n", "1=554 2=554", ""},
        Case{"one_defer_defers_all", "SMTP", TWO "Mgw-Verdict: defer 2 451 4.7.1 class=policy\n", "1=451 2=451", ""},
        Case{"mixed", "SMTP", TWO "Mgw-Verdict: reject 2 550 5.7.1 class=content\n", "1=250 2=250", "1 2q"},
        Case{"mixed_defer", "SMTP", TWO "Mgw-Verdict: reject 2 550 5.7.1 class=content\n", "1=451 2=451", "",
             Mixed::defer},
        Case{"mixed_of_a_login", "ESMTPSA auth=alice", TWO "Mgw-Verdict: reject 2 550 5.7.1 class=content\n",
             "1=250 2=250", "1 2q 2!"},
        Case{"mixed_spam_of_a_login", "ESMTPSA auth=alice", TWO "Mgw-Verdict: reject 2 550 5.7.1 class=spam\n",
             "1=250 2=250", "1 2q"},
        Case{"lmtp_each", "LMTP", TWO "Mgw-Verdict: reject 2 550 5.7.1 class=content\n", "1=250 2=550", "1"},
        Case{"lmtp_defer_one", "LMTP", TWO "Mgw-Verdict: defer 1 451 4.7.1 class=policy\n", "1=451 2=250", "2"},
        Case{"alias_folds", "LMTP",
             TWO "Mgw-To: 2.1 <d@x>\nMgw-To: 2.2 <e@x>\nMgw-Verdict: reject 2.2 550 5.7.1 class=content\n",
             "1=250 2.1=250 2.2=550", "1 2.1 2.2!"},
        Case{"no_backscatter", "LMTP",
             TWO "Mgw-To: 2.1 <d@x>\nMgw-To: 2.2 <e@x>\nMgw-Verdict: reject 2.2 550 5.7.1 class=spam\n",
             "1=250 2.1=250 2.2=250", "1 2.1 2.2q"},
        Case{"alias_defer", "LMTP",
             TWO "Mgw-To: 2.1 <d@x>\nMgw-To: 2.2 <e@x>\nMgw-Verdict: defer 2.2 451 4.7.1 class=policy\n",
             "1=250 2.1=250 2.2=451", "1"},
        Case{"created_with_its_cause", "LMTP", TWO, "1=250 2=250", "1 2 0.1", Mixed::quarantine,
             "Mgw-To: 0.1 <n@x> for=2\n"},
        Case{"created_without_its_cause", "LMTP", TWO "Mgw-Verdict: reject 2 550 5.7.1 class=content\n", "1=250 2=550",
             "1", Mixed::quarantine, "Mgw-To: 0.1 <n@x> for=2\n"}),
    [](const auto& info) { return info.param.name; });

TEST(Attempt, RenumbersWhoWaitsAndRecordsEachResult)
{
    auto block = mail::Block::parse(
        "Mgw-Id: ID\nMgw-From: <a@example.net>\nMgw-To: 1 <b@x>\nMgw-To: 2 <c@x> for=1\n"
        "Mgw-To: 3 <d@x>\nMgw-To: 4 <e@x>\nMgw-Hop: 2,3 smtp:[h]:25\nMgw-Hop: 4 error:5.1.1 nobody\nMgw-End:\n");
    ASSERT_TRUE(block);
    Stored stored{.recipients = {"1", "2", "3", "4"}, .block = *block, .message = "Subject: s\r\n\r\nx\r\n"};
    auto entry = begin_entry({.id = 1ULL << 16}, stored);
    ASSERT_TRUE(apply(entry, Type::done, 1, {.results = {{.number = "1", .code = 250}}}));
    queue::Attempt attempt;
    const auto frame = make_frame(entry, stored, attempt);
    ASSERT_EQ(frame.members.size(), 1U);
    const auto recipients = frame.members[0].block.recipients();
    ASSERT_EQ(recipients.size(), 2U);
    EXPECT_EQ(recipients[0].number + recipients[0].path + recipients[0].parameters, "1c@x");
    EXPECT_EQ(frame.members[0].block.hop("2"), "smtp:[h]:25");
    take_answer(attempt, {.number = "1", .code = 250, .enhanced = "2.0.0", .text = "ok"});
    take_answer(attempt, {.number = "2", .code = 451, .enhanced = "4.4.1", .text = "down"});
    take_answer(attempt, {.number = "9", .code = 250});
    Random random{1};
    const auto outcome = conclude(entry, stored, attempt, {}, {.host = "gw.example"},
                                  from_microseconds(entry.arrived_us() + 1000), random);
    ASSERT_TRUE(outcome);
    ASSERT_EQ(outcome->group.size(), 4U);
    EXPECT_EQ(outcome->group[0].type, Type::message);
    EXPECT_EQ(outcome->group[1].type, Type::bounced);
    EXPECT_EQ(outcome->group[2].type, Type::attempt);
    EXPECT_EQ(outcome->group[3].type, Type::done);
    EXPECT_NE(outcome->group[0].body.find("Final-Recipient: rfc822; e@x\r\nAction: failed\r\nStatus: 5.1.1"),
              std::string_view::npos)
        << outcome->group[0].body;
    EXPECT_NE(outcome->group[0].body.find("Auto-Submitted: auto-replied"), std::string_view::npos);
    for (const auto& write : outcome->group)
        if (write.type != Type::message) {
            const auto event = parse_event(write.header);
            ASSERT_TRUE(event);
            apply(entry, write.type, write.not_before_us, *event);
        }
    ASSERT_EQ(entry.recipients.size(), 1U);
    EXPECT_EQ(entry.recipients[0].number, "3");
    EXPECT_EQ(entry.recipients[0].attempts, 1U);
    EXPECT_GT(entry.next_us, entry.arrived_us() + 250'000'000U);
}

TEST(Bounce, NeverForTheNullSenderNorAgainstNotify)
{
    Random random{1};
    for (const char* lines : {"Mgw-From: <>\nMgw-To: 1 <b@x>\n", "Mgw-From: <a@x>\nMgw-To: 1 <b@x> NOTIFY=NEVER\n"}) {
        auto block = mail::Block::parse(std::string("Mgw-Id: ID\n") + lines + "Mgw-End:\n");
        ASSERT_TRUE(block);
        const auto notice = bounce(*block, "a: b\n\n", {{.number = "1", .code = 550}}, {}, {.host = "h"}, {}, random);
        ASSERT_TRUE(notice);
        EXPECT_FALSE(notice->has_value()) << lines;
    }
}

TEST(Schedule, DoublesToALimitWithJitter)
{
    const Schedule schedule;
    Random random{7};
    const struct {
        unsigned attempts;
        std::chrono::seconds want;
    } cases[] = {{1, std::chrono::seconds(300)},
                 {2, std::chrono::seconds(600)},
                 {6, std::chrono::seconds(9600)},
                 {7, std::chrono::hours(4)},
                 {1000, std::chrono::hours(4)}};
    for (const auto& c : cases) {
        const auto wait = schedule.wait(c.attempts, random);
        EXPECT_GE(wait, std::chrono::milliseconds(c.want) * 85 / 100);
        EXPECT_LE(wait, std::chrono::milliseconds(c.want) * 115 / 100);
    }
    EXPECT_EQ(parse_duration("4h")->count(), 14400);
    EXPECT_EQ(parse_duration("90")->count(), 90);
    for (const char* bad : {"", "h", "-1", "1w", "99999999999999999999d", "9999999d"})
        EXPECT_FALSE(parse_duration(bad)) << bad;
}

} // namespace
