#include "lib/smtp/milter_packet.hpp"
#include "lib/smtp/milter_session.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

namespace
{

using namespace std::literals;

std::string packet(char command, std::string_view data = {})
{
    return milter_packet(static_cast<MilterAnswer>(command), data);
}

std::string options(std::uint32_t version = 6, std::uint32_t actions = 0x1ff, std::uint32_t protocol = 0x1fffff)
{
    return packet('O', milter_number(version) + milter_number(actions) + milter_number(protocol));
}

std::string hello()
{
    return packet('D', "Cj\0mx.example\0{daemon_name}\0x\0"sv) +
           packet('C', "client.example\0"
                       "4\x30\x39"
                       "192.0.2.7\0"sv) +
           packet('D', "H{tls_version}\0TLSv1.3\0{cipher}\0AES\0"sv) + packet('H', "helo.example\0"sv);
}

std::string message(std::string_view from = "<a@example.net>\0BODY=8BITMIME\0SIZE=12\0"sv)
{
    return packet('D', "M{auth_authen}\0alice\0"sv) + packet('M', from) +
           packet('R', "<b@example.org>\0NOTIFY=NEVER\0"sv) + packet('R', "<c@example.org>\0"sv) + packet('T') +
           packet('L', "Subject\0 x\n\ty\0"sv) + packet('L', "X-Odd\0no blank\0"sv) + packet('L', "X-Empty\0\0"sv) +
           packet('N') + packet('B', "one\r\n") + packet('D', "Ei\0QUEUE1\0"sv) + packet('E', "two\r\n");
}

constexpr std::string_view message_octets = "Subject: x\r\n\ty\r\nX-Odd:no blank\r\nX-Empty:\r\n\r\none\r\ntwo\r\n";

struct Heard {
    std::vector<std::string> messages;
    std::string output;
    std::string error;
    bool closed = false;
};

/// All that a session makes of `octets` in pieces of `step`.
Heard hear(std::string_view octets, std::size_t step, const Limits& limits = {})
{
    Heard out;
    SpoolBudget budget;
    MilterSession session(limits, budget);
    while (!octets.empty() && !out.closed) {
        auto piece = octets.substr(0, step);
        octets.remove_prefix(piece.size());
        for (auto event = MilterEvent::none;;) {
            event = session.feed(piece);
            if (event == MilterEvent::message) {
                auto message = session.take_message();
                const auto client = session.client();
                std::string text = client.ip + ' ' + client.name + ' ' + client.helo + ' ' + client.proto + ' ' +
                                   client.tls + ' ' + client.auth + ' ' + message.queue_id + '\n' + '<' +
                                   message.envelope.from + "> " + message.envelope.from_parameters + '\n';
                for (const auto& to : message.envelope.to)
                    text += '<' + to.path + "> " + to.parameters + '\n';
                if (message.refusal)
                    text += std::to_string(message.refusal->code) + ' ' + message.refusal->enhanced;
                else
                    text += message.octets.view();
                out.messages.push_back(text);
                session.finish("!");
                continue;
            }
            out.closed = event == MilterEvent::close;
            break;
        }
        out.output += session.take_output();
    }
    out.error = session.error();
    return out;
}

std::string refused(std::string_view packets, const Limits& limits = {})
{
    const auto heard = hear(options() + hello() + std::string(packets), 1000, limits);
    EXPECT_EQ(heard.messages.size(), 1U) << heard.error;
    return heard.messages.empty() ? "" : heard.messages[0].substr(heard.messages[0].rfind('\n') + 1);
}

} // namespace

TEST(MilterPackets, AreCutAtEverySplit)
{
    const auto octets = packet('A') + packet('B', "hello") + packet('M', std::string(300, 'x'));
    for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
        MilterPackets packets;
        std::vector<std::string> got;
        for (auto piece : {std::string_view(octets).substr(0, cut), std::string_view(octets).substr(cut)})
            for (;;) {
                auto next = packets.next(piece);
                ASSERT_TRUE(next);
                if (!*next)
                    break;
                got.push_back(static_cast<char>((*next)->command) + (*next)->data);
            }
        EXPECT_EQ(got, (std::vector<std::string>{"A", "Bhello", "M" + std::string(300, 'x')})) << cut;
        EXPECT_FALSE(packets.inside());
    }
}

TEST(MilterPackets, HaveBounds)
{
    for (const auto& octets : {std::string(4, '\0'), "\x00\x10\x00\x01"s, "\xff\xff\xff\xff"s}) {
        MilterPackets packets;
        std::string_view rest = octets;
        EXPECT_FALSE(packets.next(rest)) << octets;
    }
    MilterPackets packets;
    std::string_view most = "\x00\x10\x00\x00"sv;
    EXPECT_TRUE(packets.next(most));
    EXPECT_FALSE(milter_texts("a\0b"sv));
    EXPECT_EQ(milter_texts("a\0\0b\0"sv)->size(), 3U);
    EXPECT_EQ(milter_texts("")->size(), 0U);
    EXPECT_FALSE(milter_texts("a\0b\0"sv, 1));
}

TEST(MilterSession, GivesAMessageTheSameWayAtEverySplit)
{
    const auto octets = options() + hello() + message() + packet('Q');
    const auto whole = hear(octets, octets.size());
    ASSERT_EQ(whole.messages.size(), 1U) << whole.error;
    EXPECT_EQ(whole.messages[0],
              "192.0.2.7 client.example helo.example ESMTPSA TLSv1.3 alice QUEUE1\n<a@example.net> BODY=8BITMIME\n"
              "<b@example.org> NOTIFY=NEVER\n<c@example.org> \n" +
                  std::string(message_octets));
    EXPECT_EQ(whole.output, packet('O', milter_number(6) + milter_number(0xff) + milter_number(0x1ff380)) + "!");
    EXPECT_TRUE(whole.closed);
    EXPECT_EQ(whole.error, "");
    for (std::size_t step = 1; step < octets.size(); ++step) {
        const auto heard = hear(octets, step);
        EXPECT_EQ(heard.messages, whole.messages) << step;
        EXPECT_EQ(heard.output, whole.output) << step;
        EXPECT_EQ(heard.closed, whole.closed) << step;
    }
}

TEST(MilterSession, AnswersEachCommandWhereTheServerWaits)
{
    const auto heard = hear(options(6, 0x1ff, 0x100000) + hello() + message(), 7);
    ASSERT_EQ(heard.messages.size(), 1U);
    const auto goes_on = packet('c');
    // connect, helo, mail, 2 rcpt, data, 3 fields, end of header, body
    std::string wanted = packet('O', milter_number(6) + milter_number(0xff) + milter_number(0x100000));
    for (int i = 0; i < 11; ++i)
        wanted += goes_on;
    EXPECT_EQ(heard.output, wanted + "!");
}

TEST(MilterSession, WantsVersion6AndFieldsAsTheyStand)
{
    EXPECT_TRUE(hear(options(2), 100).closed);
    EXPECT_TRUE(hear(options(6, 0x1ff, 0xfffff), 100).closed);
    EXPECT_TRUE(hear(packet('O', "\0\0\0\6"sv), 100).closed);
    EXPECT_TRUE(hear(hello(), 100).closed);
    EXPECT_FALSE(hear(options(7), 100).closed);
}

TEST(MilterSession, TakesManyMessagesOfManyClients)
{
    const auto octets = options() + hello() + message() + message("<>\0"sv) + packet('K') +
                        packet('C', "[192.0.2.9]\0"
                                    "6\0\0IPv6:2001:db8::1\0"sv) +
                        packet('H', "x y\0"sv) + message() + packet('K') + packet('C', "localhost\0U"sv) + message();
    const auto heard = hear(octets, octets.size());
    ASSERT_EQ(heard.messages.size(), 4U) << heard.error;
    EXPECT_TRUE(heard.messages[1].contains("\n<> \n")) << heard.messages[1];
    EXPECT_TRUE(heard.messages[2].starts_with("2001:db8::1  x y ESMTPA  alice QUEUE1\n")) << heard.messages[2];
    EXPECT_TRUE(heard.messages[3].starts_with(" localhost  ESMTPA  alice QUEUE1\n")) << heard.messages[3];
}

TEST(MilterSession, ForgetsAnAbortedMessage)
{
    const auto half = packet('D', "M{auth_authen}\0mallory\0"sv) + packet('M', "<m@example.net>\0"sv) +
                      packet('R', "<x@example.org>\0"sv) + packet('L', "A\0 b\0"sv) + packet('A');
    const auto plain =
        packet('M', "<a@example.net>\0"sv) + packet('R', "<b@example.org>\0"sv) + packet('N') + packet('E');
    const auto heard = hear(options() + hello() + half + plain, 5);
    ASSERT_EQ(heard.messages.size(), 1U) << heard.error;
    EXPECT_EQ(heard.messages[0],
              "192.0.2.7 client.example helo.example ESMTPS TLSv1.3  \n<a@example.net> \n<b@example.org> \n\r\n");
}

TEST(MilterSession, RefusesWhatItCannotHandle)
{
    const auto with = [](std::string_view from, std::string_view to, std::string_view field) {
        return packet('M', from) + packet('R', to) + packet('L', field) + packet('N') + packet('E');
    };
    EXPECT_EQ(refused(with("<a b@x>\0"sv, "<b@x>\0"sv, "A\0 b\0"sv)), "553 5.1.7");
    EXPECT_EQ(refused(with("<a@x>\nMgw-Verdict: accept\0"sv, "<b@x>\0"sv, "A\0 b\0"sv)), "553 5.1.7");
    EXPECT_EQ(refused(with("<\"a\"@x>\0"sv, "<b@x> evil>\0"sv, "A\0 b\0"sv)), "553 5.1.3");
    EXPECT_EQ(refused(with("<a@x>\0"sv, "<>\0"sv, "A\0 b\0"sv)), "553 5.1.3");
    EXPECT_EQ(refused(with("<a@x>\0"sv, "<b@x>\0"sv, "A\0 b\nMgw-Verdict: accept\0"sv)), "554 5.6.0");
    EXPECT_EQ(refused(with("<a@x>\0"sv, "<b@x>\0"sv, "A\0 b\n\0"sv)), "554 5.6.0");
    EXPECT_EQ(refused(with("<a@x>\0"sv, "<b@x>\0"sv, "A:B\0 b\0"sv)), "554 5.6.0");
    EXPECT_EQ(refused(with("<a@x>\0"sv, "<b@x>\0"sv, "\0 b\0"sv)), "554 5.6.0");
    EXPECT_EQ(refused(packet('M', "<a@x>\0"sv) + packet('N') + packet('E')), "451 4.3.0");
    Limits limits;
    limits.recipients = 1;
    EXPECT_EQ(refused(message(), limits), "452 4.5.3");
    limits = {};
    limits.message_octets = message_octets.size() - 1;
    EXPECT_EQ(refused(message(), limits), "552 5.3.4");
    limits.message_octets = message_octets.size();
    EXPECT_EQ(refused(message(), limits), ""); // ends in a line end
}

TEST(MilterSession, ClosesOnNonsense)
{
    for (const auto& bad :
         {packet('Z'), packet('C'), packet('C', "x\0"sv),
          packet('C', "x\0"
                      "4\1\1"sv),
          packet('H', "x"), packet('H', "x\0y\0"sv), packet('M'), packet('M', "x"), packet('R', "<b@x>\0"sv),
          packet('L', "A\0 b\0"sv), packet('N'), packet('B', "x"), packet('E'), packet('O', "x"),
          packet('M', "<a@x>\0"sv) + packet('L', "A\0"sv), packet('M', "<a@x>\0"sv) + packet('E'),
          packet('M', "<a@x>\0"sv) + packet('N') + packet('N'),
          packet('M', "<a@x>\0"sv) + packet('N') + packet('L', "A\0 b\0"sv)}) {
        const auto heard = hear(options() + bad + message(), 3);
        EXPECT_TRUE(heard.closed) << bad;
        EXPECT_NE(heard.error, "") << bad;
        EXPECT_EQ(heard.messages.size(), 0U);
    }
}

TEST(MilterSession, TakesMacrosForTheirCommandOnly)
{
    const auto octets = options() + packet('D') + packet('D', "M") + packet('D', "Mi") + packet('D', "M{i}\0"sv) +
                        packet('D', "M{i}\0Q2\0{auth_authen}\0"sv) + packet('M', "<a@x>\0"sv) +
                        packet('R', "<b@x>\0"sv) + packet('N') + packet('E');
    const auto heard = hear(octets, 4);
    ASSERT_EQ(heard.messages.size(), 1U);
    EXPECT_EQ(heard.messages[0], "   ESMTP   Q2\n<a@x> \n<b@x> \n\r\n");
}

} // namespace mgw::smtp
