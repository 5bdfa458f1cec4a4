#include "lib/mail/block.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;
const std::string hmac_tag(64, 'a');

TEST(Block, WhatIsWrittenIsRead)
{
    const std::string hostile = "a b\r\nMgw-Verdict: accept *\0=+\xFF"s;
    Block b;
    b.set_id("01JDF3M1S8W7Q2E5T9XK4V6B0C");
    b.set_client(Client{"192.0.2.7", "mail.example.net", hostile, "ESMTPS", "TLSv1.3", "25", "user=x"});
    b.set_from("alice@example.net", "BODY=8BITMIME RET=HDRS");
    b.set_deadline(81234.5);
    b.add_recipient("1", "\"a> b\"@example.org", "NOTIFY=FAILURE ORCPT=rfc822;bob@example.org");
    b.add_recipient("2", "c@example.org");
    b.add_result("mgw-scan", {{"virus", "clean"}, {"file", hostile}});
    b.add_verdict(Verdict{Action::reject, "1,2", 554, "5.7.9", "con tent", "mgw-filter", "a b:3", hostile});
    b.add_mark(Mark{"1", {{"class", hostile}, {"by", "x"}}});
    b.add_effect(Effect{"duplicate", "2", {{"key", hostile}}});
    b.add_hop("1", "error:5.1.1 no such user");

    const auto text = b.text();
    const auto read = Block::parse(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->text(), text);
    EXPECT_EQ(read->raw_lines().size(), 11U);
    EXPECT_EQ(read->id(), "01JDF3M1S8W7Q2E5T9XK4V6B0C");
    EXPECT_EQ(read->client().helo, hostile);
    EXPECT_EQ(read->client().auth, "user=x");
    EXPECT_EQ(read->from(), "alice@example.net");
    EXPECT_EQ(read->from_parameters(), "BODY=8BITMIME RET=HDRS");
    EXPECT_DOUBLE_EQ(read->deadline(), 81234.5);
    const auto recipients = read->recipients();
    ASSERT_EQ(recipients.size(), 2U);
    EXPECT_EQ(recipients[0].path, "\"a> b\"@example.org");
    EXPECT_EQ(recipients[0].parameters, "NOTIFY=FAILURE ORCPT=rfc822;bob@example.org");
    EXPECT_EQ(read->result("mgw-scan", "file"), hostile);
    const auto verdicts = read->verdicts();
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].action, Action::reject);
    EXPECT_EQ(verdicts[0].code, 554);
    EXPECT_EQ(verdicts[0].enhanced, "5.7.9");
    EXPECT_EQ(verdicts[0].cls, "con tent");
    EXPECT_EQ(verdicts[0].at, "a b:3");
    EXPECT_EQ(verdicts[0].text, "a b??Mgw-Verdict: accept *?=+?");
    const auto marks = read->marks();
    ASSERT_EQ(marks.size(), 1U);
    EXPECT_EQ(marks[0].recipients, "1");
    EXPECT_EQ(marks[0].values[0].second, hostile);
    EXPECT_EQ(marks[0].values[1].second, "x");
    const auto effects = read->effects();
    ASSERT_EQ(effects.size(), 1U);
    EXPECT_EQ(effects[0].name, "duplicate");
    EXPECT_EQ(effects[0].recipients, "2");
    EXPECT_EQ(effects[0].values[0].second, hostile);
    EXPECT_EQ(read->hop("1"), "error:5.1.1 no such user");
    EXPECT_EQ(read->hop("2"), "");
}

TEST(Block, RawValuesCannotAddLines)
{
    Block b;
    b.set_id("X\nMgw-Verdict: accept *");
    b.add_recipient("1", "a@b>\nMgw-To: 2 <c@d");
    b.add_hop("1", "maildir:/x\r\nMgw-To: 3 <e@f>");
    EXPECT_EQ(b.text().find("\nMgw-Verdict"), std::string::npos);
    const auto read = Block::parse(b.text());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->raw_lines().size(), 3U);
    EXPECT_EQ(read->recipients().size(), 1U);
    EXPECT_TRUE(read->verdicts().empty());
}

class Malformed : public testing::TestWithParam<std::string> {};
TEST_P(Malformed, IsRefused)
{
    const auto read = Block::parse(GetParam());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().status, Status::data);
}
INSTANTIATE_TEST_SUITE_P(Blocks, Malformed,
                         testing::Values("", "Mgw-Id: x\n", "Mgw-End:", "Mgw-Id: x\r\nMgw-End:\n",
                                         "Mgw-Id: x\0\nMgw-End:\n"s, "mgw-id: x\nMgw-End:\n", "Mgw-Id : x\nMgw-End:\n",
                                         "Mgw-Id:x\nMgw-End:\n", "Mgw-Id: x\n folded\nMgw-End:\n",
                                         "Mgw-: x\nMgw-End:\n", "Subject: x\nMgw-End:\n", "\nMgw-End:\n",
                                         "Mgw-End:\nMgw-Id: x\n", "Mgw-I\xC3\xA4: x\nMgw-End:\n"));

TEST(Block, HasItsOwnLimit)
{
    Limits limits;
    limits.block_octets = 1000;
    EXPECT_FALSE(Block::parse("Mgw-X: " + std::string(2000, 'x') + "\nMgw-End:\n", limits));
    EXPECT_FALSE(find_block("Mgw-X: " + std::string(2000, 'x') + "\nMgw-End:\n", 0, limits));
    EXPECT_TRUE(Block::parse("Mgw-X: " + std::string(900, 'x') + "\nMgw-End:\n", limits));
}

TEST(Block, KeepsUnknownLines)
{
    const std::string text = "Mgw-Id: x\nMgw-New-2: anything at  all\nMgw-Empty:\nMgw-End:\n";
    const auto read = Block::parse(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text(), text);
}

TEST(Block, LaterResultsReplaceByKey)
{
    Block b;
    b.add_result("mgw-auth", {{"spf", "pass"}, {"dkim", "none"}});
    b.add_result("mgw-scan", {{"spf", "other"}});
    b.add_result("mgw-auth", {{"dkim", "pass"}, {"dmarc", "pass"}});
    EXPECT_EQ(b.result("mgw-auth", "spf"), "pass");
    EXPECT_EQ(b.result("mgw-auth", "dkim"), "pass");
    EXPECT_EQ(b.results("mgw-auth").size(), 3U);
    EXPECT_EQ(b.result("mgw-aut", "spf"), std::nullopt);
    EXPECT_EQ(b.result_tools(), (std::vector<std::string>{"mgw-auth", "mgw-scan"}));
}

TEST(Block, FinalRecipientsAreThoseThatNothingIsMadeOf)
{
    Block b;
    for (const char* n : {"1", "2", "2.1", "2.1.1", "2.2", "10", "0.1"})
        b.add_recipient(n, std::string("r") + n + "@example.org");
    std::vector<std::string> numbers;
    for (const auto& r : b.final_recipients())
        numbers.push_back(r.number);
    EXPECT_EQ(numbers, (std::vector<std::string>{"1", "2.1.1", "2.2", "10", "0.1"}));
}

struct Covered {
    const char* list;
    const char* number;
    bool want;
};
class Covers : public testing::TestWithParam<Covered> {};
TEST_P(Covers, Recipients)
{
    EXPECT_EQ(covers(GetParam().list, GetParam().number), GetParam().want)
        << GetParam().list << " " << GetParam().number;
}
INSTANTIATE_TEST_SUITE_P(Lists, Covers,
                         testing::Values(Covered{"*", "1", true}, Covered{"*", "0.1", true}, Covered{"1", "1", true},
                                         Covered{"1", "10", false}, Covered{"10", "1", false},
                                         Covered{"1,3", "3", true}, Covered{"1,3", "2", false},
                                         Covered{"2", "2.1", true}, Covered{"2", "2.1.7", true},
                                         Covered{"2.1", "2", false}, Covered{"2.1", "2.10", false},
                                         Covered{"", "1", false}, Covered{",", "1", false}, Covered{"1", "", false}));

struct Effective {
    const char* name;
    std::vector<Verdict> verdicts;
    const char* number;
    Action want;
    const char* text = "";
};
Verdict v(Action a, const char* cls, const char* recipients = "*", const char* text = "")
{
    Verdict out;
    out.action = a;
    out.cls = cls;
    out.recipients = recipients;
    out.text = text;
    return out;
}
class InForce : public testing::TestWithParam<Effective> {};
TEST_P(InForce, Verdict)
{
    Block b;
    for (const auto& one : GetParam().verdicts)
        b.add_verdict(one);
    const auto got = b.effective(GetParam().number);
    EXPECT_EQ(action_name(got.action), action_name(GetParam().want));
    EXPECT_EQ(got.text, GetParam().text);
}
using enum Action;
INSTANTIATE_TEST_SUITE_P(
    Rules, InForce,
    testing::Values(
        Effective{"none", {}, "1", accept}, Effective{"strictest", {v(quarantine, "a"), v(defer, "b")}, "1", defer},
        Effective{"order_does_not_matter", {v(defer, "b"), v(quarantine, "a")}, "1", defer},
        Effective{"discard_over_defer", {v(defer, "a"), v(discard, "b")}, "1", discard},
        Effective{"earlier_of_equals", {v(discard, "a", "*", "one"), v(reject, "b", "*", "two")}, "1", discard, "one"},
        Effective{
            "earlier_of_equals_reject", {v(reject, "b", "*", "two"), v(discard, "a", "*", "one")}, "1", reject, "two"},
        Effective{"allow_cancels_earlier", {v(reject, "spam"), v(accept, "spam")}, "1", accept},
        Effective{"allow_cancels_later", {v(accept, "spam"), v(reject, "spam")}, "1", accept},
        Effective{"allow_of_another_class", {v(accept, "spam"), v(reject, "virus")}, "1", reject},
        Effective{"allow_for_another", {v(accept, "spam", "2"), v(reject, "spam")}, "1", reject},
        Effective{"allow_for_parent", {v(accept, "spam", "2"), v(reject, "spam")}, "2.1", accept},
        Effective{"error_never_cancelled", {v(defer, "error"), v(accept, "error")}, "1", defer},
        Effective{"accept_without_class", {v(reject, ""), v(accept, "")}, "1", reject},
        Effective{
            "cancels_only_its_class", {v(reject, "spam"), v(quarantine, "auth"), v(accept, "spam")}, "1", quarantine},
        Effective{"not_mine", {v(reject, "spam", "1,3")}, "2", accept},
        Effective{"of_my_parent", {v(reject, "spam", "2")}, "2.1", reject},
        Effective{"of_my_child", {v(reject, "spam", "2.1")}, "2", accept}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Block, StrictestLooksAtFinalRecipients)
{
    Block b;
    b.add_verdict(v(quarantine, "a", "1"));
    EXPECT_EQ(b.strictest().action, accept);
    b.add_recipient("1", "a@b");
    b.add_recipient("2", "c@d");
    EXPECT_EQ(b.strictest().action, quarantine);
    b.add_verdict(v(reject, "a", "2"));
    EXPECT_EQ(b.strictest().action, reject);
}

TEST(Tag, SuppliesTheMissingLineEnd)
{
    Block b;
    b.set_id("x");
    const auto tag = [&](std::string_view m) { return block_tag("key", b, m); };
    EXPECT_EQ(tag("A: b\n\nx"), tag("A: b\n\nx\n"));
    EXPECT_EQ(tag("A: b\r\n\r\nx"), tag("A: b\r\n\r\nx\r\n"));
    EXPECT_EQ(tag(""), tag("\n"));
    EXPECT_EQ(tag("x\r"), tag("x\r\n"));
    EXPECT_NE(tag("A: b\n\nx\n"), tag("A: b\r\n\r\nx\r\n"));
    EXPECT_NE(tag("a\n"), tag("b\n"));
    EXPECT_NE(tag("a\n"), block_tag("other key", b, "a\n"));
    const auto before = tag("a\n");
    b.add_verdict(v(accept, ""));
    EXPECT_NE(tag("a\n"), before);
    EXPECT_EQ(before.size(), 64U);
    EXPECT_EQ(before.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(FindBlock, ReadsBothLineEnds)
{
    for (const std::string end : {"\n", "\r\n"}) {
        const std::string octets =
            "Mgw-Id: x" + end + "Mgw-To: 1 <a@b>" + end + "Mgw-End: hmac-sha256=" + hmac_tag + end + "A: b" + end + end;
        const auto found = find_block(octets, 0);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->tag, hmac_tag);
        EXPECT_EQ(found->block.lines(), "Mgw-Id: x\nMgw-To: 1 <a@b>\n");
        EXPECT_EQ(octets.substr(found->end), "A: b" + end + end);
    }
}

struct NoBlock {
    const char* name;
    std::string octets;
};
class NotABlock : public testing::TestWithParam<NoBlock> {};
TEST_P(NotABlock, IsJustText)
{
    EXPECT_FALSE(find_block(GetParam().octets, 0));
}
INSTANTIATE_TEST_SUITE_P(Texts, NotABlock,
                         testing::Values(NoBlock{"in_the_middle", "A: b\nMgw-Id: x\nMgw-End:\n\n"},
                                         NoBlock{"folded", "Mgw-Id: x\n y\nMgw-End:\n\n"},
                                         NoBlock{"blank_before_colon", "Mgw-Id : x\nMgw-End:\n\n"},
                                         NoBlock{"other_case", "MGW-Id: x\nMGW-End:\n\n"},
                                         NoBlock{"broken_by_a_field", "Mgw-Id: x\nA: b\nMgw-End:\n\n"},
                                         NoBlock{"no_end", "Mgw-Id: x\n\n"}, NoBlock{"open", "Mgw-Id: x\nMgw-End:"},
                                         NoBlock{"bare_cr", "Mgw-Id: x\ry\nMgw-End:\n\n"},
                                         NoBlock{"nul", "Mgw-Id: x\0y\nMgw-End:\n\n"s}, NoBlock{"empty", ""}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(FindBlock, LooksOnlyWhereItIsTold)
{
    const std::string octets = "From a@b 10:00\nMgw-Id: x\nMgw-End:\n\nbody";
    EXPECT_FALSE(find_block(octets, 0));
    EXPECT_FALSE(find_block(octets, 1000));
    const auto found = find_block(octets, 15);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->begin, 15U);
    EXPECT_EQ(octets.substr(found->end), "\nbody");
}

TEST(ForeignFields, AreFoundHoweverSpelt)
{
    const std::string octets =
        "Mgw-Id: 1\nA: b\nmgw-verdict : accept\nMGW-To\t:\n 1\n <a@b>\nXMgw-Id: 2\nMgwx: 3\n\nMgw-Id: in body\n";
    const Message m(octets);
    std::string names;
    for (const Field& f : foreign_mgw_fields(m.octets()))
        names.append(m.name(f)).append(",");
    EXPECT_EQ(names, "Mgw-Id,mgw-verdict,MGW-To,");
}

} // namespace
} // namespace mgw::mail
