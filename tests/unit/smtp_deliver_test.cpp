#include "lib/smtp/deliver_maildir.hpp"
#include "lib/smtp/deliver_pipe.hpp"
#include "lib/smtp/deliver_plan.hpp"

#include "lib/core/fd.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <stdlib.h>

using namespace mgw::smtp;
namespace fs = std::filesystem;

namespace
{

class Deliver : public testing::Test {
protected:
    void SetUp() override
    {
        char name[] = "/tmp/mgw-deliver-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder = name;
    }
    void TearDown() override { fs::remove_all(folder); }

    std::string only_file(const std::string& in)
    {
        std::string path;
        int count = 0;
        for (const auto& entry : fs::directory_iterator(in)) {
            path = entry.path();
            ++count;
        }
        EXPECT_EQ(count, 1) << in;
        auto octets = mgw::read_file(path);
        return octets ? *octets : "";
    }

    std::string folder;
    FinalMail mail{"A: b\n\nx\n", "a@x.example", "b@y.example"};
};

TEST_F(Deliver, WritesIntoNew)
{
    const Maildir maildir({folder}, "host/with:odd");
    const auto o = maildir.deliver(folder + "/bob", mail);
    EXPECT_EQ(o.code, 250) << o.text;
    EXPECT_EQ(only_file(folder + "/bob/new"), "Return-Path: <a@x.example>\nDelivered-To: b@y.example\nA: b\n\nx\n");
    EXPECT_TRUE(fs::is_empty(folder + "/bob/tmp"));
    EXPECT_TRUE(fs::is_directory(folder + "/bob/cur"));
}

TEST_F(Deliver, StaysInItsFolders)
{
    const Maildir maildir({folder + "/mail"}, "host");
    EXPECT_EQ(maildir.deliver(folder + "/mailbox", mail).code, 451);
    EXPECT_EQ(maildir.deliver(folder + "/mail/../other", mail).code, 451);
    EXPECT_FALSE(fs::exists(folder + "/mailbox"));
}

TEST_F(Deliver, LeavesNothingWhenItIsTooLate)
{
    const Maildir maildir({folder}, "host");
    mail.may_commit = [] { return false; };
    EXPECT_EQ(maildir.deliver(folder, mail).code, 451);
    EXPECT_TRUE(fs::is_empty(folder + "/new"));
    EXPECT_TRUE(fs::is_empty(folder + "/tmp"));
}

TEST_F(Deliver, TurnsOnlyPureCrlfIntoLf)
{
    const auto ends = [&](std::string_view message, LineEnds how) {
        return final_octets({message, std::nullopt, "", how});
    };
    EXPECT_EQ(ends("A: b\r\n\r\nx\r\n", LineEnds::lf), "A: b\n\nx\n");
    EXPECT_EQ(ends("A: b\r\n\r\nx\r\n", LineEnds::keep), "A: b\r\n\r\nx\r\n");
    EXPECT_EQ(ends("A: b\r\n\r\nx\n", LineEnds::lf), "A: b\r\n\r\nx\n");
    EXPECT_EQ(ends("A: b\r\n\r\nx\r\r\n", LineEnds::lf), "A: b\r\n\r\nx\r\r\n");
    EXPECT_EQ(ends("\r\r\r", LineEnds::lf), "\r\r\r");
    EXPECT_EQ(ends("x\r\ny", LineEnds::lf), "x\ny");
}

TEST_F(Deliver, RunsDeclaredCommands)
{
    Commands commands;
    ASSERT_TRUE(
        add_command(commands, "keep=sh -c 'cat >" + folder + "/got; echo \"$0 $1\"; exit 0' {sender} to={recipient}"));
    ASSERT_TRUE(add_command(commands, "nouser=sh -c 'echo no such user; exit 67'"));
    ASSERT_TRUE(add_command(commands, "hang=sleep 30"));
    ASSERT_TRUE(add_command(commands, "noisy=sh -c 'yes | head -c 1000000; exit 75'"));
    EXPECT_FALSE(add_command(commands, "keep=cat"));
    EXPECT_FALSE(add_command(commands, "cat"));
    EXPECT_FALSE(add_command(commands, "x=no-such-program-here"));
    Pipes pipes;
    ASSERT_TRUE(pipes.start(commands, std::chrono::seconds(1)));
    mail.recipient = "b c;$(x)@y.example";
    EXPECT_EQ(pipes.deliver("keep", mail).code, 553) << "not a path";
    mail.recipient = "\"b c;$(x)\"@y.example";
    const auto kept = pipes.deliver("keep", mail);
    EXPECT_EQ(kept.code, 250) << kept.text;
    EXPECT_EQ(kept.text, "command keep: delivered: a@x.example to=\"b c;$(x)\"@y.example");
    EXPECT_EQ(*mgw::read_file(folder + "/got"), final_octets(mail));
    EXPECT_EQ(pipes.deliver("nouser", mail).enhanced, "5.1.1");
    const auto hung = pipes.deliver("hang", mail);
    EXPECT_EQ(hung.code, 451);
    EXPECT_EQ(hung.text, "command hang: ended after 1 seconds");
    EXPECT_EQ(pipes.deliver("noisy", mail).code, 451);
    EXPECT_EQ(pipes.deliver("other", mail).enhanced, "4.3.5");
    mail.sender = "-x@x.example";
    EXPECT_EQ(pipes.deliver("keep", mail).code, 553) << "no address becomes an option";
}

TEST(Plan, FollowsVerdictsAndHops)
{
    mgw::mail::Block block;
    block.set_id("01JDF3M1S8W7Q2E5T9XK4V6B0C");
    block.set_from("a@x.example");
    for (int i = 1; i <= 8; ++i)
        block.add_recipient(std::to_string(i), "r" + std::to_string(i) + "@y.example");
    block.add_hop("1,2", "smtp:[192.0.2.1]:25");
    block.add_hop("3", "error:5.1.1 no such user");
    block.add_hop("8", "nonsense");
    const auto verdict = [&](mgw::mail::Action action, const char* to) {
        mgw::mail::Verdict v;
        v.action = action;
        v.recipients = to;
        v.cls = "content";
        v.by = "test";
        block.add_verdict(v);
    };
    verdict(mgw::mail::Action::quarantine, "4");
    verdict(mgw::mail::Action::reject, "5");
    verdict(mgw::mail::Action::discard, "6");
    const auto all = [](const mgw::mail::Recipient&) { return true; };
    const auto plan = plan_delivery(block, "A: b\n\nx\n", *parse_destination("mx"), {}, all);
    const int codes[] = {0, 0, 550, 451, 550, 250, 0, 451};
    ASSERT_EQ(plan.outcomes.size(), 8U);
    for (std::size_t i = 0; i < 8; ++i)
        EXPECT_EQ(plan.outcomes[i].code, codes[i]) << i + 1 << " " << plan.outcomes[i].text;
    ASSERT_EQ(plan.groups.size(), 2U);
    EXPECT_EQ(plan.groups[0].recipients.size(), 2U);
    EXPECT_EQ(plan.groups[1].destination.key(), "smtp:y.example:25");
}

TEST(Plan, RefusesLoops)
{
    std::string message;
    for (int i = 0; i < 101; ++i)
        message += "Received: from a by b\n";
    EXPECT_EQ(find_loop(message + "\nx", "", {}).enhanced, "5.4.6");
    EXPECT_EQ(find_loop("Delivered-To: b@y\n\nx", "b@y", {}).code, 0) << "a message may be filed again";
    EXPECT_EQ(find_loop("Delivered-To: B@y\nDelivered-To: b@y\n\nx", "b@y", {}).code, 554);
}

} // namespace
