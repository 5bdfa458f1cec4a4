#include "lib/smtp/server_session.hpp"

#include "lib/core/text.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

namespace
{

/// What a whole session says and takes when everything is accepted, fed in pieces that end at `cuts`.
struct Said {
    std::string replies;
    std::vector<std::string> messages;
    std::vector<DataFault> faults;
    std::vector<std::string> envelopes;
    std::string rest;
    bool closed = false;
};

Said talk(std::string_view octets, std::size_t step, ServerConfig config = {}, std::size_t first = 0)
{
    Said said;
    SpoolBudget budget;
    config.hostname = "mx.example";
    ServerSession session(config, budget);
    session.greet();
    while (!octets.empty()) {
        auto piece = octets.substr(0, first > 0 ? std::exchange(first, 0) : step);
        octets.remove_prefix(piece.size());
        for (bool more = true; more;) {
            switch (session.feed(piece)) {
            case ServerEvent::none:
                more = !piece.empty();
                break;
            case ServerEvent::mail:
            case ServerEvent::recipient:
            case ServerEvent::data:
                session.accept();
                break;
            case ServerEvent::message: {
                said.faults.push_back(session.fault());
                said.messages.emplace_back(session.message().view());
                std::string envelope = session.envelope().from + " " + session.envelope().from_parameters;
                for (const auto& to : session.envelope().to)
                    envelope += "," + to.path;
                said.envelopes.push_back(envelope);
                session.finish({{250, "2.0.0", "queued"}});
                break;
            }
            case ServerEvent::start_tls:
                session.tls_started("TLSv1.3");
                said.replies += session.take_replies() + "[TLS]";
                break;
            case ServerEvent::close:
                said.closed = true;
                said.replies += session.take_replies();
                return said;
            }
        }
        said.replies += session.take_replies();
    }
    EXPECT_EQ(budget.used_octets, session.message().size());
    return said;
}

/// The codes of replies, "250-" lines left out.
std::string codes(std::string_view replies)
{
    std::string out;
    for (const auto line : split(replies, '\n'))
        if (line.size() > 4 && line[3] == ' ')
            out += std::string(out.empty() ? "" : " ") + std::string(line.substr(0, 3));
    return out;
}

constexpr std::string_view hello = "EHLO client.example\r\n";
constexpr std::string_view envelope = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";

std::string session_with(std::string_view data)
{
    return std::string(hello) + std::string(envelope) + std::string(data);
}

} // namespace

struct Dialogue {
    const char* name;
    std::string_view in;
    std::string_view codes; // after the greeting
};
class ServerDialogue : public testing::TestWithParam<Dialogue> {};

TEST_P(ServerDialogue, IsAnsweredAtEverySplit)
{
    const auto want = std::string("220 ") + std::string(GetParam().codes);
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, GetParam().in.size()})
        EXPECT_EQ(codes(talk(GetParam().in, step).replies), want) << "step " << step;
    for (std::size_t at = 1; at < GetParam().in.size(); ++at)
        EXPECT_EQ(codes(talk(GetParam().in, std::string::npos, {}, at).replies), want) << "split at " << at;
}

using namespace std::string_view_literals;
INSTANTIATE_TEST_SUITE_P(
    All, ServerDialogue,
    testing::Values(
        Dialogue{"plain", "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
                 "250 250 250 354 250 221"},
        Dialogue{"helo", "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nQUIT\r\n", "250 250 250 221"},
        Dialogue{"no_helo_argument", "EHLO\r\nHELO \r\n", "501 501"},
        Dialogue{"mail_before_helo", "MAIL FROM:<a@b.c>\r\n", "503"},
        Dialogue{"order", "EHLO c\r\nRCPT TO:<a@b.c>\r\nDATA\r\nMAIL FROM:<a@b.c>\r\nMAIL FROM:<a@b.c>\r\nDATA\r\n",
                 "250 503 503 250 503 503"},
        Dialogue{"all_recipients_bad", "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<x>\r\nDATA\r\n", "250 250 501 554"},
        Dialogue{"rset_keeps_ehlo", "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\n", "250 250 250 250"},
        Dialogue{"ehlo_resets", "EHLO c\r\nMAIL FROM:<a@b.c>\r\nEHLO c\r\nRCPT TO:<a@b.c>\r\n", "250 250 250 503"},
        Dialogue{"arguments", "EHLO c\r\nRSET x\r\nDATA x\r\nSTARTTLS\r\nNOOP x\r\nQUIT x\r\n",
                 "250 501 501 502 250 501"},
        Dialogue{"others", "VRFY a\r\nVRFY\r\nHELP\r\nEXPN a\r\nTURN\r\nXYZZY\r\nLHLO c\r\n",
                 "252 501 214 502 502 500 500"},
        Dialogue{"http", "GET / HTTP/1.1\r\nHost: x\r\n", "221"},
        Dialogue{"post", "POST / HTTP/1.1\r\nMAIL FROM:<a@b.c>\r\n", "221"},
        Dialogue{"nul", "NOOP \0\r\nNOOP\r\n"sv, "501 250"}, Dialogue{"bare_lf", "NOOP\nNOOP\r\n", "500 250"},
        Dialogue{"bare_cr", "NOOP\rNOOP\r\nNOOP\r\n", "500 250"},
        Dialogue{"parameters",
                 "EHLO c\r\nMAIL FROM:<a@b.c> SIZE=10 BODY=8BITMIME\r\nRSET\r\nMAIL FROM:<a@b.c> "
                 "SIZE=99999999999\r\nMAIL FROM:<a@b.c> FOO=1\r\n"
                 "MAIL FROM:<a@b.c> SIZE=x\r\nMAIL FROM:<a@b.c> SIZE=1 SIZE=1\r\nMAIL FROM:<a@b.c> "
                 "BODY=BINARYMIME\r\nMAIL FROM:<a@b.c> =\r\n",
                 "250 250 250 552 555 501 501 501 501"},
        Dialogue{"bdat_is_swallowed", "EHLO c\r\nBDAT 12 LAST\r\nRCPT TO:<x>\nNOOP\r\nBDAT x\r\nNOOP\r\n",
                 "250 502 250 501"},
        Dialogue{"long_line", "EHLO c\r\nNOOP\r\n", "250 250"}),
    [](const auto& info) { return info.param.name; });

struct PathCase {
    const char* name;
    std::string_view argument;
    int code; // 0 for good
    std::string_view path;
};
class ServerPath : public testing::TestWithParam<PathCase> {};

TEST_P(ServerPath, IsReadAsWritten)
{
    const auto got = parse_path_argument(GetParam().argument, "TO");
    ASSERT_EQ(got ? 0 : got.error().code, GetParam().code);
    EXPECT_EQ(got ? got->path : "", GetParam().path);
}

INSTANTIATE_TEST_SUITE_P(
    All, ServerPath,
    testing::Values(
        PathCase{"usual", "TO:<a@b.c>", 0, "a@b.c"}, PathCase{"case_kept", "to:<Ab@B.c>", 0, "Ab@B.c"},
        PathCase{"blank_after_colon", "TO: <a@b.c>", 0, "a@b.c"}, PathCase{"no_brackets", "TO:a@b.c", 0, "a@b.c"},
        PathCase{"quoted", "TO:<\"a> b\"@c.d>", 0, "\"a> b\"@c.d"},
        PathCase{"quoted_pair", "TO:<\"a\\\" NOTIFY=NEVER\"@c.d>", 0, "\"a\\\" NOTIFY=NEVER\"@c.d"},
        PathCase{"source_route", "TO:<@x.y,@z.w:a@b.c>", 0, "a@b.c"},
        PathCase{"literal4", "TO:<a@[192.0.2.1]>", 0, "a@[192.0.2.1]"},
        PathCase{"literal6", "TO:<a@[IPv6:2001:db8::1]>", 0, "a@[IPv6:2001:db8::1]"},
        PathCase{"postmaster", "TO:<Postmaster>", 0, "Postmaster"}, PathCase{"null", "TO:<>", 0, ""},
        PathCase{"unclosed", "TO:<a@b.c", 501, ""}, PathCase{"unclosed_quote", "TO:<\"a@b.c>", 501, ""},
        PathCase{"no_domain", "TO:<a>", 501, ""}, PathCase{"empty_domain", "TO:<a@>", 501, ""},
        PathCase{"two_at", "TO:<a@b@c.d>", 501, ""}, PathCase{"two_dots", "TO:<a..b@c.d>", 501, ""},
        PathCase{"blank_inside", "TO:<a b@c.d>", 501, ""}, PathCase{"control", "TO:<\"a\x01\"@c.d>", 501, ""},
        PathCase{"utf8", "TO:<\xc3\xa4@c.d>", 553, ""}, PathCase{"junk_behind", "TO:<a@b.c>x", 501, ""},
        PathCase{"no_colon", "TO <a@b.c>", 501, ""}, PathCase{"from", "FROM:<a@b.c>", 501, ""},
        PathCase{"long_local", "TO:<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.c>", 501, ""}),
    [](const auto& info) { return info.param.name; });

struct EndCase {
    const char* name;
    std::string_view sequence; // stands between the first message's text and a second one's commands
};
class ServerEndOfData : public testing::TestWithParam<EndCase> {};

TEST_P(ServerEndOfData, IsOnlyCrlfDotCrlf)
{
    const auto in =
        session_with("Subject: one\r\n\r\ntext" + std::string(GetParam().sequence) +
                     "MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\ninner\r\n.\r\nQUIT\r\n");
    for (std::size_t at = 0; at < in.size(); ++at) {
        const auto said = talk(in, std::string::npos, {}, at);
        ASSERT_EQ(said.faults.size(), 1U) << "split at " << at;
        EXPECT_EQ(said.faults[0], DataFault::bare_cr_or_lf);
        EXPECT_TRUE(said.messages[0].empty());
        EXPECT_TRUE(said.closed);
    }
}

INSTANTIATE_TEST_SUITE_P(All, ServerEndOfData,
                         testing::Values(EndCase{"lf_dot_lf", "\n.\n"}, EndCase{"lf_dot_crlf", "\n.\r\n"},
                                         EndCase{"crlf_dot_lf", "\r\n.\n"}, EndCase{"cr_dot_cr", "\r.\r"},
                                         EndCase{"cr_dot_crlf", "\r.\r\n"}, EndCase{"crlf_dot_cr", "\r\n.\r"},
                                         EndCase{"crlf_dot_crcrlf", "\r\n.\r\r\n"}),
                         [](const auto& info) { return info.param.name; });

TEST(ServerData, NulBesideTheDotDoesNotEndIt)
{
    for (const auto sequence : {"\r\n\0.\r\n"sv, "\r\n.\0\r\n"sv}) {
        const auto said = talk(session_with("text" + std::string(sequence) + "more\r\n.\r\nQUIT\r\n"), 3);
        ASSERT_EQ(said.messages.size(), 1U);
        EXPECT_EQ(said.faults[0], DataFault::none);
        EXPECT_TRUE(said.messages[0].ends_with("more\r\n"));
        EXPECT_TRUE(said.messages[0].contains('\0'));
    }
}

TEST(ServerData, DotsAreRemovedOnlyAtTheBeginningOfLines)
{
    const auto in = session_with("..a\r\n.b\r\nc..d\r\n\r\n....\r\n..\r\n.\r\nNOOP\r\n");
    for (std::size_t at = 1; at < in.size(); ++at) {
        const auto said = talk(in, std::string::npos, {}, at);
        ASSERT_EQ(said.messages.size(), 1U);
        EXPECT_EQ(said.messages[0], ".a\r\nb\r\nc..d\r\n\r\n...\r\n.\r\n") << "split at " << at;
    }
}

TEST(ServerData, AnEmptyMessageIsOne)
{
    const auto said = talk(session_with(".\r\nQUIT\r\n"), 1);
    ASSERT_EQ(said.messages.size(), 1U);
    EXPECT_EQ(said.messages[0], "");
}

TEST(ServerData, WhatIsTooLargeIsReadToItsEnd)
{
    ServerConfig config;
    config.message_octets = 20;
    const auto said = talk(session_with("12345678\r\n12345678\r\n") + "3\r\n.\r\nNOOP\r\n", 5, config);
    ASSERT_EQ(said.faults.size(), 1U);
    EXPECT_EQ(said.faults[0], DataFault::too_large);
    EXPECT_EQ(codes(said.replies), "220 250 250 250 354 250 250");
}

TEST(ServerData, LargeMessagesMoveToAFileInMemory)
{
    std::string text;
    for (int i = 0; i < 60000; ++i)
        text += "line " + std::to_string(i) + " of a long message\r\n";
    const auto said = talk(session_with(text + ".\r\n"), 65536);
    ASSERT_EQ(said.messages.size(), 1U);
    EXPECT_GT(text.size(), Spool::spill_octets);
    EXPECT_TRUE(said.messages[0] == text);
}

TEST(ServerSession, TellsAnswersInTheOrderOfCommands)
{
    const auto said = talk(session_with("one\r\n.\r\n") + std::string(envelope) + "two\r\n.\r\n", std::string::npos);
    EXPECT_EQ(codes(said.replies), "220 250 250 250 354 250 250 250 354 250");
    EXPECT_EQ(said.messages, (std::vector<std::string>{"one\r\n", "two\r\n"}));
}

TEST(ServerSession, ForgetsAllThatCameBeforeTls)
{
    ServerConfig config;
    config.offer_tls = true;
    const auto said =
        talk("EHLO c\r\nMAIL FROM:<a@b.c>\r\nSTARTTLS\r\nRCPT TO:<x@y.z>\r\nNOOP\r\n", std::string::npos, config);
    EXPECT_EQ(codes(said.replies), "220 250 250 220"); // what stood behind STARTTLS is gone
    EXPECT_TRUE(said.replies.contains("250-STARTTLS\r\n"));
    ServerConfig again = config;
    SpoolBudget budget;
    ServerSession session(again, budget);
    std::string_view in = "EHLO c\r\nSTARTTLS\r\n";
    EXPECT_EQ(session.feed(in), ServerEvent::start_tls);
    session.tls_started("TLSv1.2");
    session.take_replies();
    in = "MAIL FROM:<a@b.c>\r\nEHLO c\r\nSTARTTLS\r\n";
    session.feed(in);
    const auto replies = session.take_replies();
    EXPECT_EQ(codes(replies), "503 250 503");
    EXPECT_FALSE(replies.contains("STARTTLS\r\n250"));
    EXPECT_EQ(session.protocol(), "ESMTPS");
}

TEST(ServerSession, ClosesAfterTooManyErrors)
{
    std::string in;
    for (int i = 0; i < 30; ++i)
        in += "XYZZY\r\n";
    const auto said = talk(in, 100);
    EXPECT_TRUE(said.closed);
    EXPECT_TRUE(said.replies.ends_with("421 4.7.0 Too many errors\r\n"));
}

TEST(ServerSession, KeepsNothingOfALineWithoutEnd)
{
    const auto said = talk(std::string(1 << 20, 'x') + "\r\nNOOP\r\n", 1000);
    EXPECT_EQ(codes(said.replies), "220 500 250");
}

TEST(ServerSession, RefusesOnlyTheSurplusOfRecipients)
{
    ServerConfig config;
    config.recipients = 2;
    const auto said = talk(
        "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<1@b.c>\r\nRCPT TO:<2@b.c>\r\nRCPT TO:<3@b.c>\r\nDATA\r\nx\r\n.\r\n", 9,
        config);
    EXPECT_EQ(codes(said.replies), "220 250 250 250 250 452 354 250");
    EXPECT_EQ(said.envelopes, std::vector<std::string>{"a@b.c ,1@b.c,2@b.c"});
}

TEST(ServerSession, SpeaksLmtpWhereItShould)
{
    ServerConfig config;
    config.lmtp = true;
    const auto said = talk("EHLO c\r\nHELO c\r\nLHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<x>\r\nDATA\r\n", 4, config);
    EXPECT_EQ(codes(said.replies), "220 500 500 250 250 501 503");
}

TEST(ServerSession, RepliesStayOneLine)
{
    EXPECT_EQ(reply_octets({550, "5.7.1", "a\r\n250 b\x80"}), "550 5.7.1 a??250 b?\r\n");
    EXPECT_EQ(reply_octets({250, "2.0.0", std::string(2000, 'x')}).size(), 512U);
}

} // namespace mgw::smtp
