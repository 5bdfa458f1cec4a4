#include "lib/smtp/lane.hpp"
#include "lib/smtp/lane_book.hpp"
#include "lib/smtp/lane_writer.hpp"
#include "lib/smtp/server_stamp.hpp"

#include "lib/core/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

constexpr const char* id = "01JDF3M1S8W7Q2E5T9XK4V6B0C";

Arrival arrival()
{
    Arrival out;
    out.id = id;
    out.hostname = "mx.example";
    out.client.ip = "192.0.2.7";
    out.client.helo = "mail.example.net";
    out.client.proto = "ESMTP";
    out.client.listener = "25";
    out.time = Time{std::chrono::seconds(1764000000)};
    out.deadline = 12.5;
    return out;
}

ServerEnvelope envelope(std::vector<std::string> to = {"b@example.org"})
{
    ServerEnvelope out;
    out.from = "a@example.net";
    for (auto& path : to)
        out.to.push_back({std::move(path), {}});
    return out;
}

mail::Frame stamped(std::string_view message, const Arrival& from = arrival(), const ServerEnvelope& to = envelope())
{
    Spool spool;
    EXPECT_TRUE(spool.append(message));
    const auto frame = stamped_frame(from, to, std::move(spool));
    mail::FrameReader reader;
    reader.feed(frame.head);
    for (const auto piece : frame.pieces)
        reader.feed(piece);
    reader.feed(frame.tail);
    auto got = reader.next();
    EXPECT_TRUE(got && *got) << (got ? "cut short" : got.error().message);
    return got && *got ? **got : mail::Frame{};
}

} // namespace

TEST(ServerStamp, PutsAFreshBlockAndAReceivedFieldOnTop)
{
    const auto frame = stamped("Subject: x\r\n\r\nhi\r\n");
    ASSERT_EQ(frame.members.size(), 1U);
    const auto& block = frame.members[0].block;
    EXPECT_EQ(block.id(), id);
    EXPECT_EQ(block.client().ip, "192.0.2.7");
    EXPECT_EQ(block.from(), "a@example.net");
    EXPECT_DOUBLE_EQ(block.deadline(), 12.5);
    ASSERT_EQ(block.recipients().size(), 1U);
    EXPECT_EQ(block.recipients()[0].path, "b@example.org");
    EXPECT_EQ(
        frame.members[0].message,
        "Received: from mail.example.net ([192.0.2.7])\r\n\tby mx.example with ESMTP id 01JDF3M1S8W7Q2E5T9XK4V6B0C\r\n"
        "\tfor <b@example.org>; Mon, 24 Nov 2025 16:00:00 +0000\r\nSubject: x\r\n\r\nhi\r\n");
}

TEST(ServerStamp, ForeignValuesForgeNoFields)
{
    auto from = arrival();
    from.client.helo = "x tls=TLSv1.3 (evil) ;\x80";
    auto to = envelope({"\"b> NOTIFY=NEVER\"@example.org", "c@example.org"});
    to.from = "\"x y> RET=FULL\"@example.net";
    const auto frame = stamped("\r\n", from, to);
    const auto& block = frame.members.at(0).block;
    EXPECT_EQ(block.client().tls, "");
    EXPECT_EQ(block.client().helo, from.client.helo);
    EXPECT_EQ(block.from(), to.from);
    EXPECT_EQ(block.from_parameters(), "");
    EXPECT_EQ(block.recipients().at(0).path, to.to[0].path);
    EXPECT_EQ(block.recipients().at(0).parameters, "");
    const auto& message = frame.members[0].message;
    EXPECT_FALSE(message.contains("(evil)"));
    EXPECT_FALSE(message.contains(" for ")) << "two recipients must not learn of each other";
}

TEST(ServerStamp, RemovesFieldsThatLookLikeOurs)
{
    const auto clean = [](std::string_view message) {
        std::string out;
        for (const auto piece : without_foreign_fields(message))
            out += piece;
        return out;
    };
    EXPECT_EQ(clean("Mgw-Id: x\r\nMgw-End:\r\nA: b\r\n\r\nMgw-Id: body\r\n"), "A: b\r\n\r\nMgw-Id: body\r\n");
    EXPECT_EQ(clean("A: b\nmGW-verdict \t: accept\n folded\nC: d\n\nx"), "A: b\nC: d\n\nx");
    EXPECT_EQ(clean("A: b\r\nMgw-X: last"), "A: b\r\n");
    EXPECT_EQ(clean("no header at all"), "no header at all");
    EXPECT_EQ(clean("\r\r\r"), "\r\r\r");
    EXPECT_EQ(clean(""), "");
}

TEST(LaneBook, GivesAMessageOnceItIsAnsweredInFull)
{
    LaneBook book;
    book.expect("A", 2);
    book.expect("B", 1);
    const std::string text = "A 1 250 2.0.0 queued\nB 1 550 5.7.1 no, thanks\nC 1 250 2.0.0 unknown\nA 2 451 4.3.0 "
                             "later\nB done\nA done\nC done\n";
    std::vector<LaneOutcome> all;
    for (const char c : text) {
        auto got = book.feed({&c, 1});
        ASSERT_TRUE(got);
        all.insert(all.end(), got->begin(), got->end());
    }
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, "B");
    EXPECT_EQ(all[0].answers.at(0).text, "no, thanks");
    EXPECT_EQ(all[1].answers.at(1).code, 451);
    EXPECT_EQ(book.size(), 0U);
}

TEST(LaneBook, ARecipientWithoutAnAnswerIsNotAccepted)
{
    LaneBook book;
    book.expect("A", 2);
    auto got = book.feed("A 2 250 2.0.0 queued\nA done\n");
    ASSERT_TRUE(got && got->size() == 1);
    EXPECT_EQ(got->front().answers.at(0).code, 451);
}

TEST(LaneBook, GivesFramesWhereThereIsNoSink)
{
    const auto frame = stamped("Subject: x\r\n\r\nhi\r\n");
    const auto octets = mail::frame_octets({"0", {}}) + mail::frame_octets(frame);
    for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
        LaneBook book{Limits{}};
        book.expect(id, 1);
        auto first = book.feed(std::string_view(octets).substr(0, cut));
        auto second = book.feed(std::string_view(octets).substr(cut));
        ASSERT_TRUE(first && second) << cut;
        ASSERT_EQ(first->size() + second->size(), 1U) << cut;
        const auto& outcome = first->empty() ? second->front() : first->front();
        EXPECT_EQ(outcome.id, id);
        ASSERT_TRUE(outcome.frame) << cut;
        EXPECT_EQ(outcome.frame->members.at(0).message, frame.members[0].message);
        EXPECT_EQ(book.size(), 0U);
    }
    LaneBook late{Limits{}};
    auto unwanted = late.feed(octets); // given up meanwhile
    ASSERT_TRUE(unwanted);
    EXPECT_TRUE(unwanted->empty());
    EXPECT_FALSE(late.feed("MGW1 sink\n"));
}

TEST(Lanes, AreOfOneKind)
{
    const auto plan = [](const char* pipeline) { return *plan_lane(pipeline, false); };
    EXPECT_TRUE(require_filters(plan("cat")));
    EXPECT_FALSE(require_filters(LanePlan{{}, {{"mgw-filter"}, {"/bin/mgw-queue", "add"}}}));
    EXPECT_FALSE(require_filters(LanePlan{{}, {{"mgw-send", "--maildir=x"}}}));
    EXPECT_FALSE(require_filters(LanePlan{{}, {{"mgw-archive", "add"}}}));
    EXPECT_TRUE(require_filters(LanePlan{{}, {{"mgw-archive", "tee"}}}));
    EXPECT_FALSE(require_sink(LanePlan{{}, {{"mgw-filter"}}}));
}

TEST(LaneGreeting, OfAPipelineThatGivesFramesIsTheFrameThatWasSent)
{
    auto plan = plan_lane("cat", false);
    ASSERT_TRUE(plan);
    plan->stages = {{"cat"}};
    plan->gives_frames = true;
    auto lane = start_lane(*plan);
    ASSERT_TRUE(lane);
    LaneGreeting greeting(true);
    auto got = greeting.read(lane->answers.value());
    while (got && !*got)
        got = greeting.read(lane->answers.value());
    EXPECT_TRUE(got);
    lane->input.reset();
    wait_for_child(lane->stages.at(0).pid);
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe && write_all(pipe->second.value(), "MGW1 sink\n"));
    LaneGreeting sink(true);
    got = sink.read(pipe->first.value());
    while (got && !*got)
        got = sink.read(pipe->first.value());
    EXPECT_FALSE(got);
}

TEST(LaneBook, NonsenseBreaksTheLane)
{
    for (const auto* text : {"hello\n", "A 3 250 2.0.0 x\n", "A 0 250 2.0.0 x\n", "A 1 199 x x\n", "A 1\n"}) {
        LaneBook book;
        book.expect("A", 2);
        EXPECT_FALSE(book.feed(text)) << text;
    }
    LaneBook book;
    EXPECT_FALSE(book.feed(std::string(10000, 'x')));
}

TEST(LaneWriter, WritesWholeFramesThroughASmallPipe)
{
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe);
    ::fcntl(pipe->second.value(), F_SETFL, O_NONBLOCK);
    ::fcntl(pipe->first.value(), F_SETFL, O_NONBLOCK);
    LaneWriter writer;
    const std::string body(50000, 'x');
    for (int i = 0; i < 20; ++i) {
        Spool spool;
        ASSERT_TRUE(spool.append("S: " + std::to_string(i) + "\r\n\r\n" + body));
        writer.push(stamped_frame(arrival(), envelope(), std::move(spool)));
    }
    mail::FrameReader reader;
    std::size_t frames = 0;
    std::string chunk(30000, '\0');
    while (frames < 20) {
        auto flushed = writer.flush(pipe->second.value());
        ASSERT_TRUE(flushed);
        const auto n = ::read(pipe->first.value(), chunk.data(), chunk.size());
        ASSERT_GT(n, 0);
        reader.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(n)));
        for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
            EXPECT_TRUE((*frame)->members[0].message.ends_with("S: " + std::to_string(frames) + "\r\n\r\n" + body));
            ++frames;
        }
    }
    EXPECT_TRUE(writer.empty());
}

TEST(LaneWriter, TakesBackOnlyWhatWasNotBegun)
{
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe);
    ::fcntl(pipe->second.value(), F_SETFL, O_NONBLOCK);
    LaneWriter writer;
    for (const auto* name : {"A", "B", "C"}) {
        Spool spool;
        ASSERT_TRUE(spool.append(std::string(100000, 'x')));
        auto from = arrival();
        from.id = name;
        writer.push(stamped_frame(from, envelope(), std::move(spool)));
    }
    ASSERT_TRUE(writer.flush(pipe->second.value()));
    EXPECT_FALSE(writer.withdraw("A"));
    EXPECT_TRUE(writer.withdraw("C"));
    const auto left = writer.take_unwritten();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left.front().id, "B");
    EXPECT_TRUE(writer.empty());
    pipe->first.reset();
}

TEST(LanePlan, AppendsTheKindOfInput)
{
    const auto plan = plan_lane("cat --x | sh --each sh -c 'a | b'", false);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->stages[0], (Arguments{"cat", "--x", "--input=frames"}));
    EXPECT_EQ(plan->stages[1], (Arguments{"sh", "--input=frames", "--each", "sh", "-c", "a | b"}));
    EXPECT_FALSE(plan->takes_many_recipients());
    EXPECT_FALSE(plan_lane("cat | no-such-program", false));
    EXPECT_FALSE(plan_lane("cat |", false));
}

TEST(Spool, SharesABudget)
{
    SpoolBudget budget{100, 0};
    Spool a(budget);
    EXPECT_TRUE(a.append(std::string(60, 'a')));
    {
        Spool b(budget);
        EXPECT_FALSE(b.append(std::string(60, 'b')));
        EXPECT_TRUE(b.append(std::string(40, 'b')));
        EXPECT_EQ(budget.used_octets, 100U);
    }
    EXPECT_EQ(budget.used_octets, 60U);
    Spool c = std::move(a);
    c.clear();
    EXPECT_EQ(budget.used_octets, 0U);
}

} // namespace mgw::smtp
