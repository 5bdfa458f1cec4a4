#include "lib/smtp/door_wire.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{
namespace
{

DoorQuestion full_question()
{
    DoorQuestion q;
    q.at = DoorPoint::recipient;
    q.session = "01JDF3M1S8W7Q2E5T9XK4V6B0C";
    q.id = "01JDF3M1S8W7Q2E5T9XK4V6B0D";
    q.ip = "2001:db8::7";
    q.name = "mail.example.net";
    q.helo = std::string("h\0\xff\n", 4);
    q.listener = "25";
    q.login = "alice";
    q.from = "a@example.net";
    q.to = "b@example.org";
    q.size = 1ULL << 40;
    q.early = true;
    q.submission = true;
    return q;
}

TEST(DoorWire, AQuestionComesOutAsItWentIn)
{
    const auto q = full_question();
    const auto out = unpack_question(pack(7, q));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->number, 7U);
    const auto& v = out->value;
    EXPECT_EQ(v.at, q.at);
    EXPECT_EQ(std::tie(v.session, v.id, v.ip, v.name, v.helo, v.listener, v.login, v.from, v.to, v.size),
              std::tie(q.session, q.id, q.ip, q.name, q.helo, q.listener, q.login, q.from, q.to, q.size));
    EXPECT_TRUE(v.early && v.submission && !v.tls && !v.failed);
}

TEST(DoorWire, AnAnswerComesOutAsItWentIn)
{
    DoorAnswer a;
    a.action = DoorAction::defer;
    a.reply = {451, "4.7.1", "Greylisted"};
    a.pause = std::chrono::milliseconds(1500);
    a.rule = "greylist: first";
    a.name = "mail.example.net";
    a.would_have = {"refuse deny: x", "y"};
    a.facts = {{"iprev", "pass"}, {"grey", ""}};
    const auto out = unpack_answer(pack(~0ULL, a));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->number, ~0ULL);
    const auto& v = out->value;
    EXPECT_EQ(v.action, a.action);
    EXPECT_EQ(std::tie(v.reply.code, v.reply.enhanced, v.reply.text),
              std::tie(a.reply.code, a.reply.enhanced, a.reply.text));
    EXPECT_EQ(std::tie(v.pause, v.rule, v.name, v.would_have, v.facts),
              std::tie(a.pause, a.rule, a.name, a.would_have, a.facts));
}

TEST(DoorWire, TakesNothingThatIsCutOrLonger)
{
    const auto packet = pack(7, full_question());
    for (std::size_t n = 0; n < packet.size(); ++n)
        EXPECT_FALSE(unpack_question(packet.substr(0, n))) << n;
    EXPECT_FALSE(unpack_question(packet + '\0'));
    EXPECT_FALSE(unpack_answer(packet));
}

TEST(DoorWire, LongTextIsCutSoThatAPacketHasABound)
{
    DoorQuestion q;
    for (auto* text : {&q.session, &q.id, &q.ip, &q.name, &q.helo, &q.listener, &q.login, &q.from, &q.to})
        text->assign(100'000, 'x');
    const auto packet = pack(1, q);
    EXPECT_LE(packet.size(), door_packet_octets);
    ASSERT_TRUE(unpack_question(packet));
    DoorAnswer a;
    a.rule = a.name = a.reply.text = std::string(100'000, 'x');
    a.would_have.assign(1000, a.rule);
    a.facts.assign(1000, {a.rule, a.rule});
    EXPECT_LE(pack(1, a).size(), door_packet_octets);
    EXPECT_TRUE(unpack_answer(pack(1, a)));
}

TEST(DoorWire, ARefusalHasACodeOfRefusals)
{
    DoorAnswer a;
    a.action = DoorAction::refuse;
    a.reply.code = 250;
    EXPECT_FALSE(unpack_answer(pack(1, a)));
}

} // namespace
} // namespace mgw::smtp
