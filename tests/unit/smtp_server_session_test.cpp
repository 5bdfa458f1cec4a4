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
    bool closed = false;
};

constexpr std::string_view first_id = "01JDF3M1S8W7Q2E5T9XK4V6B01";

/// Ids that count: …01, …02.
std::function<std::string()> counting_ids()
{
    return [n = 0]() mutable {
        ++n;
        return std::string(first_id.substr(0, 24)) + (n < 10 ? "0" : "") + std::to_string(n);
    };
}

/// The next event but hello, which is accepted.
ServerEvent feed_on(ServerSession& session, std::string_view& octets)
{
    auto event = session.feed(octets);
    for (; event == ServerEvent::hello; event = session.feed(octets))
        session.accept();
    return event;
}

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
            case ServerEvent::xclient:
            case ServerEvent::hello:
            case ServerEvent::mail:
            case ServerEvent::recipient:
            case ServerEvent::data:
                session.accept();
                break;
            case ServerEvent::message: {
                said.faults.push_back(session.fault());
                said.messages.emplace_back(session.message().view());
                const auto& envelope = session.envelope();
                std::string shown = envelope.from + " " + envelope.from_parameters;
                for (const auto& to : envelope.to)
                    shown += "," + to.path + (to.parameters.empty() ? "" : " " + to.parameters);
                said.envelopes.push_back(shown);
                auto reply = session.fault() == DataFault::none ? ServerReply{250, "2.0.0", "queued"}
                                                                : data_refusal(session.fault(), config.data);
                session.finish(std::vector(config.lmtp ? envelope.to.size() : 1, reply));
                break;
            }
            case ServerEvent::credentials:
                session.answer_credentials(
                    {.good = !session.question().secret.starts_with("wrong"), .iterations = 4096, .octets = "salt"});
                break;
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

TEST(ServerSession, RefusedChunksCountAsRefusedDataDoes)
{
    ServerConfig config;
    config.idle_commands = 2;
    config.errors = 2;
    for (const std::string_view message : {"DATA\r\n", "BDAT 1 LAST\r\nx", "BDAT 0 LAST\r\n"}) {
        SpoolBudget budget;
        ServerSession session(config, budget);
        std::string_view hello = "EHLO c\r\n";
        feed_on(session, hello);
        int messages = 0;
        for (; messages < 20 && !session.is_closed(); ++messages) {
            const auto text = "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n" + std::string(message) + "RSET\r\n";
            for (std::string_view octets = text; !octets.empty() && !session.is_closed();) {
                const auto event = feed_on(session, octets);
                if (event == ServerEvent::data)
                    session.refuse({452, "4.3.1", "Later"});
                else if (event == ServerEvent::mail || event == ServerEvent::recipient)
                    session.accept();
            }
        }
        EXPECT_LT(messages, 6) << message;
    }
}

} // namespace

struct Dialogue {
    const char* name;
    std::string_view in;
    std::string_view codes; // after the greeting
    void (*configure)(ServerConfig&) = [](ServerConfig&) {};
};
class ServerDialogue : public testing::TestWithParam<Dialogue> {};

TEST_P(ServerDialogue, IsAnsweredAtEverySplit)
{
    const auto want = std::string("220 ") + std::string(GetParam().codes);
    ServerConfig config;
    GetParam().configure(config);
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, GetParam().in.size()})
        EXPECT_EQ(codes(talk(GetParam().in, step, config).replies), want) << "step " << step;
    for (std::size_t at = 1; at < GetParam().in.size(); ++at)
        EXPECT_EQ(codes(talk(GetParam().in, std::string::npos, config, at).replies), want) << "split at " << at;
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
                 "SIZE=99999999999\r\nMAIL FROM:<a@b.c> FOO=1\r\nMAIL FROM:<a@b.c> SIZE=99999999999999999999\r\n"
                 "MAIL FROM:<a@b.c> SIZE=x\r\nMAIL FROM:<a@b.c> SIZE=1 SIZE=1\r\nMAIL FROM:<a@b.c> "
                 "BODY=BINARYMIME\r\nMAIL FROM:<a@b.c> =\r\n",
                 "250 250 250 552 555 552 501 501 501 501"},
        Dialogue{"dsn",
                 "EHLO c\r\nMAIL FROM:<a@b.c> RET=HDRS ENVID=x+2B1\r\nRCPT TO:<d@e.f> NOTIFY=SUCCESS,DELAY "
                 "ORCPT=rfc822;d@e.f\r\nRCPT TO:<g@e.f> NOTIFY=NEVER,SUCCESS\r\nRCPT TO:<g@e.f> NOTIFY=DELAY "
                 "NOTIFY=DELAY\r\nRCPT TO:<g@e.f> FOO\r\nRSET\r\nMAIL FROM:<a@b.c> RET=ALL\r\n",
                 "250 250 250 501 501 555 250 501"},
        Dialogue{"parameters_need_ehlo",
                 "HELO c\r\nMAIL FROM:<a@b.c> SIZE=1\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f> NOTIFY=NEVER\r\n",
                 "250 555 250 555"},
        Dialogue{"utf8",
                 "EHLO c\r\nMAIL FROM:<\xc3\xa4@b.c>\r\nMAIL FROM:<\xc3\xa4@b\xc3\xbc.c> SMTPUTF8\r\nRCPT "
                 "TO:<\xc3\xb6@e.f>\r\nRCPT TO:<\xff@e.f>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<\xc3\xb6@e.f>\r\n"
                 "VRFY \xc3\xb6 SMTPUTF8\r\nRSET\r\nMAIL FROM:<a@b.c> SMTPUTF8=1\r\n",
                 "250 553 250 250 501 250 250 553 252 250 501"},
        Dialogue{"require_tls_in_clear", "EHLO c\r\nMAIL FROM:<a@b.c> REQUIRETLS\r\n", "250 555"},
        Dialogue{"chunks",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 4\r\na\r\n.BDAT 0\r\nNOOP\r\nBDAT 4 "
                 "LAST\r\nb\r\n\nNOOP\r\n"
                 "QUIT\r\n",
                 "250 250 250 250 250 250 550 250 221"},
        Dialogue{"bare_lf_in_the_last_chunk",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 5\r\na\r\n.\rbdat 3 last\r\n\nb\nBDAT "
                 "5\r\n12345NOOP\r\n",
                 "250 250 250 250 550 503 250"},
        Dialogue{"chunk_without_mail", "EHLO c\r\nBDAT 12 LAST\r\nRCPT TO:<x>\nBDAT 6\r\nQUIT\r\nBDAT 0\r\nNOOP\r\n",
                 "250 503 503 503 250"},
        Dialogue{"chunk_without_recipient",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nBDAT 6 LAST\r\nQUIT\r\nRCPT TO:<x>\r\nBDAT 6 LAST\r\nQUIT\r\nRCPT "
                 "TO:<d@e.f>\r\nBDAT 3 LAST\r\na\r\n",
                 "250 250 503 501 554 250 250"},
        Dialogue{"chunk_without_ehlo",
                 "HELO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                 "250 250 250 503 250"},
        Dialogue{"data_after_chunk",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 3\r\na\r\nDATA\r\nRCPT TO:<g@e.f>\r\nMAIL "
                 "FROM:<x@y.z>\r\nBDAT 0 LAST\r\n",
                 "250 250 250 250 503 503 503 250"},
        Dialogue{"chunk_after_data",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nx\r\n.\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                 "250 250 250 354 250 503 250"},
        Dialogue{"rset_between_chunks",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 3\r\na\r\nRSET\r\nBDAT 3 LAST\r\nb\r\nMAIL "
                 "FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n.\r\n",
                 "250 250 250 250 250 503 250 250 354 250"},
        Dialogue{"chunk_syntax", "EHLO c\r\nBDAT x\r\nNOOP\r\n", "250 501"},
        Dialogue{"chunk_no_size", "EHLO c\r\nBDAT\r\nNOOP\r\n", "250 501"},
        Dialogue{"chunk_negative", "EHLO c\r\nBDAT -1\r\nNOOP\r\n", "250 501"},
        Dialogue{"chunk_junk", "EHLO c\r\nBDAT 3 FOO\r\nabcNOOP\r\n", "250 501"},
        Dialogue{"chunk_three_words", "EHLO c\r\nBDAT 3 LAST LAST\r\nabcNOOP\r\n", "250 501"},
        Dialogue{"chunk_bare_lf", "EHLO c\r\nBDAT 6\nNOOP\r\n", "250 500"},
        Dialogue{"chunk_bare_cr", "EHLO c\r\nbdat\r 6\r\nNOOP\r\n", "250 500"},
        Dialogue{"chunk_nul", "EHLO c\r\nBDAT 6\0\r\nNOOP\r\n"sv, "250 501"},
        Dialogue{"chunk_long_line", "EHLO c\r\nBDAT 6                                \r\nNOOP\r\n", "250 500",
                 [](ServerConfig& c) { c.line_octets = 32; }},
        Dialogue{"other_long_line", "EHLO c\r\nMAIL FROM:<a@b.c> RET=FULL ENVID=x\r\nNOOP\r\n", "250 500 250",
                 [](ServerConfig& c) { c.line_octets = 32; }},
        Dialogue{"chunk_huge", "EHLO c\r\nBDAT 18446744073709551615 LAST\r\nabcNOOP\r\n", "250 521"},
        Dialogue{"chunk_more_than_a_number", "EHLO c\r\nBDAT 99999999999999999999999\r\nabcNOOP\r\n", "250 521"},
        Dialogue{"chunks_too_large",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 8\r\n123456\r\nBDAT 8\r\n123456\r\nBDAT 8 "
                 "LAST\r\n123456\r\n"
                 "MAIL FROM:<a@b.c>\r\n",
                 "250 250 250 250 552 503 250", [](ServerConfig& c) { c.data.message_octets = 12; }},
        Dialogue{"chunk_too_large",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 16 LAST\r\n12345678123456\r\nNOOP\r\n",
                 "250 250 250 552 250", [](ServerConfig& c) { c.data.message_octets = 12; }},
        Dialogue{"chunks_of_a_refused_message_are_no_errors",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 1\r\n\nBDAT 1\r\nxBDAT "
                 "1\r\nxBDAT 1 LAST\r\nxNOOP\r\nX\r\nX\r\n",
                 "250 250 250 550 503 503 503 250 500 500 421", [](ServerConfig& c) { c.errors = 1; }},
        Dialogue{
            "lmtp_chunks",
            "LHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<1@e.f>\r\nRCPT TO:<2@e.f>\r\nBDAT 1\r\n\nBDAT 1 LAST\r\nxMAIL "
            "FROM:<a@b.c>\r\nRCPT TO:<1@e.f>\r\nRCPT TO:<2@e.f>\r\nBDAT 3 LAST\r\nx\r\nBDAT 0 LAST\r\n",
            "250 250 250 250 250 550 550 250 250 250 250 250 503", [](ServerConfig& c) { c.lmtp = true; }},
        Dialogue{"nul_in_data", "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\na\0b\r\n.\r\nNOOP\r\n"sv,
                 "250 250 250 354 550 250"},
        Dialogue{"strict",
                 "EHLO !!!\r\nEHLO [192.0.2.1]\r\nMAIL FROM: <a@b.c>\r\nMAIL FROM:a@b.c\r\nMAIL FROM:<a@b.c>\r\nRCPT "
                 "TO:d@e.f\r\n",
                 "501 250 501 501 250 501", [](ServerConfig& c) { c.strict = true; }},
        Dialogue{"bare_lf_where_it_is_mended", "EHLO c\nMAIL FROM:<a@b.c>\nRCPT TO:<d@e.f>\r\nNO\rOP\n",
                 "250 250 250 500", [](ServerConfig& c) { c.data.normalize = true; }},
        Dialogue{"messages_of_a_session",
                 "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\nNOOP\r\n",
                 "250 250 250 250 250 421", [](ServerConfig& c) { c.messages = 2; }},
        Dialogue{"etrn", "ETRN b.c\r\nEXPN list SMTPUTF8\r\nHELP MAIL\r\n", "502 502 214"},
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
        PathCase{"utf8", "TO:<\xc3\xa4@c.d>", 0, "\xc3\xa4@c.d"},
        PathCase{"u_label",
                 "TO:<a@b\xc3\xbc"
                 "cher.d>",
                 0,
                 "a@b\xc3\xbc"
                 "cher.d"},
        PathCase{"quoted_utf8", "TO:<\"\xc3\xa4 b\"@c.d>", 0, "\"\xc3\xa4 b\"@c.d"},
        PathCase{"latin1", "TO:<\xe4@c.d>", 501, ""}, PathCase{"overlong", "TO:<\xc0\xaf@c.d>", 501, ""},
        PathCase{"surrogate", "TO:<\xed\xa0\x80@c.d>", 501, ""}, PathCase{"c1_control", "TO:<a\xc2\x85@c.d>", 501, ""},
        PathCase{"right_to_left_override", "TO:<a\xe2\x80\xae@c.d>", 501, ""},
        PathCase{"no_idna_label", "TO:<a@-\xc3\xbc.d>", 501, ""},
        PathCase{"u_label_with_dot", "TO:<a@\xc3\xbc.d.>", 501, ""}, PathCase{"del", "TO:<a\x7f@c.d>", 501, ""},
        PathCase{"literal_words", "TO:<a@[abc]>", 501, ""}, PathCase{"literal_empty", "TO:<a@[]>", 501, ""},
        PathCase{"literal4_short", "TO:<a@[192.0.2]>", 501, ""},
        PathCase{"literal4_large", "TO:<a@[192.0.2.256]>", 501, ""},
        PathCase{"literal6_without_tag", "TO:<a@[2001:db8::1]>", 501, ""},
        PathCase{"literal6_colons", "TO:<a@[IPv6:::::]>", 501, ""},
        PathCase{"literal6_case", "TO:<a@[ipv6:::1]>", 0, "a@[ipv6:::1]"},
        PathCase{"literal6_mapped", "TO:<a@[IPv6:::ffff:192.0.2.1]>", 0, "a@[IPv6:::ffff:192.0.2.1]"},
        PathCase{"value_with_equals", "TO:<a@b.c> X=a=b", 501, ""}, PathCase{"value_empty", "TO:<a@b.c> X=", 501, ""},
        PathCase{"junk_behind", "TO:<a@b.c>x", 501, ""}, PathCase{"no_colon", "TO <a@b.c>", 501, ""},
        PathCase{"from", "FROM:<a@b.c>", 501, ""},
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
        const auto in = session_with("text" + std::string(sequence) + "more\r\n.\r\nQUIT\r\n");
        for (std::size_t at = 1; at < in.size(); ++at) {
            const auto said = talk(in, std::string::npos, {}, at);
            ASSERT_EQ(said.faults, std::vector{DataFault::nul}) << "split at " << at;
            EXPECT_TRUE(said.closed);
        }
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

TEST(ServerData, ChunksAreStoredAsTheyCame)
{
    const auto in = std::string(hello) + "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nBDAT 5\r\na\r\n.\r"
                                         "BDAT 13\r\n\nNOOP\r\n.\r\nx\r\nBDAT 2 LAST\r\n.yNOOP\r\n";
    for (std::size_t at = 1; at < in.size(); ++at) {
        const auto said = talk(in, std::string::npos, {}, at);
        EXPECT_EQ(said.messages, std::vector<std::string>{"a\r\n.\r\nNOOP\r\n.\r\nx\r\n.y"}) << "split at " << at;
        EXPECT_EQ(codes(said.replies), "220 250 250 250 250 250 250 250") << "split at " << at;
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
    config.data.message_octets = 20;
    const auto said = talk(session_with("12345678\r\n12345678\r\n") + "3\r\n.\r\nNOOP\r\n", 5, config);
    ASSERT_EQ(said.faults.size(), 1U);
    EXPECT_EQ(said.faults[0], DataFault::too_large);
    EXPECT_EQ(codes(said.replies), "220 250 250 250 354 552 250");
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
    EXPECT_EQ(feed_on(session, in), ServerEvent::start_tls);
    session.tls_started("TLSv1.2");
    session.take_replies();
    in = "MAIL FROM:<a@b.c>\r\nEHLO c\r\nSTARTTLS\r\n";
    feed_on(session, in);
    const auto replies = session.take_replies();
    EXPECT_EQ(codes(replies), "503 250 503");
    EXPECT_FALSE(replies.contains("STARTTLS\r\n250"));
    EXPECT_EQ(session.protocol(), "ESMTPS");
}

TEST(ServerSession, TakesNothingThatStoodBehindStarttls)
{
    ServerConfig config;
    config.offer_tls = true;
    const std::string in = "EHLO c\r\nMAIL FROM:<a@b.c>\r\nSTARTTLS\r\nRCPT TO:<x@y.z>\r\nRSET\r\nEHLO evil\r\n";
    for (std::size_t at = 1; at < in.size(); ++at) {
        SpoolBudget budget;
        ServerSession session(config, budget);
        auto event = ServerEvent::none;
        for (auto piece : {std::string_view(in).substr(0, at), std::string_view(in).substr(at)}) {
            while (event != ServerEvent::start_tls && (event = feed_on(session, piece)) == ServerEvent::mail)
                session.accept();
            if (event == ServerEvent::start_tls)
                break; // the front reads the next octets from the handshake
        }
        ASSERT_EQ(event, ServerEvent::start_tls) << "split at " << at;
        EXPECT_EQ(codes(session.take_replies()), "250 250 220") << "split at " << at;
        session.tls_started("TLSv1.3");
        EXPECT_TRUE(session.helo().empty() && session.envelope().from.empty() && session.id().empty());
    }
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

TEST(ServerSession, AnnouncesWhatWorksInItsOrder)
{
    ServerConfig config;
    config.offer_tls = true;
    config.data.message_octets = 1000;
    const auto said = talk("EHLO c\r\nSTARTTLS\r\n", std::string::npos, config);
    EXPECT_EQ(said.replies, "220 mx.example ESMTP mgw-recv\r\n250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n"
                            "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-CHUNKING\r\n"
                            "250-STARTTLS\r\n250 LIMITS RCPTMAX=1000\r\n220 2.0.0 Ready to start TLS\r\n[TLS]");
    SpoolBudget budget;
    config.messages = 7;
    config.recipients = 1;
    ServerSession session(config, budget);
    session.tls_started("TLSv1.3");
    std::string_view in = "EHLO c\r\nMAIL FROM:<a@b.c> REQUIRETLS\r\n";
    EXPECT_EQ(feed_on(session, in), ServerEvent::mail);
    session.accept();
    EXPECT_TRUE(session.take_replies().ends_with(
        "250-CHUNKING\r\n250-REQUIRETLS\r\n250 LIMITS RCPTMAX=1 MAILMAX=7\r\n250 2.1.0 Ok\r\n"));
    EXPECT_EQ(session.envelope().from_parameters, "REQUIRETLS");
}

TEST(ServerSession, EndsWhatItSaysOfAMessageWithItsId)
{
    ServerConfig config;
    config.make_id = counting_ids();
    const auto said = talk(
        "EHLO c\r\nMAIL FROM:<x\r\nRCPT TO:<y@b.c>\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<x>\r\nXYZZY\r\nRCPT TO:<d@e.f>\r\n"
        "BDAT 2 LAST\r\n\r\nDATA\r\n",
        std::string::npos, config);
    std::vector<std::string> ends;
    for (const auto line : split(said.replies, '\n'))
        if (line.size() > 4 && line[3] == ' ')
            ends.emplace_back(line.substr(0, 3))
                .append(line.contains(first_id.substr(0, 24)) ? std::string(line.substr(line.size() - 3, 2)) : "");
    EXPECT_EQ(ends,
              (std::vector<std::string>{"220", "250", "50101", "50301", "250", "50102", "500", "250", "25002", "503"}));
    EXPECT_EQ(reply_octets({550, "5.7.1", std::string(600, 'x')}, first_id).size(), 512U);
    EXPECT_TRUE(
        reply_octets({550, "5.7.1", std::string(600, 'x')}, first_id).ends_with("x " + std::string(first_id) + "\r\n"));
}

TEST(ServerSession, KeepsAClientOutWhoseHelloIsRefused)
{
    ServerConfig config;
    SpoolBudget budget;
    ServerSession session(config, budget);
    std::string_view in = "EHLO c\r\nMAIL FROM:<a@b.c>\r\nEHLO d\r\nNOOP\r\n";
    EXPECT_EQ(session.feed(in), ServerEvent::hello);
    EXPECT_EQ(session.helo(), "c");
    session.refuse({550, "5.7.1", "Not you"});
    EXPECT_EQ(session.feed(in), ServerEvent::hello);
    session.refuse({554, "5.7.1", "Nor you"}, true);
    EXPECT_TRUE(session.is_closed());
    EXPECT_EQ(codes(session.take_replies()), "550 503 554");
    const auto refusals = session.take_refusals();
    ASSERT_EQ(refusals.size(), 3U); // MAIL as well
    EXPECT_EQ(refusals[0].command + refusals[0].id + std::to_string(refusals[0].reply.code), "EHLO550");
}

TEST(ServerSession, TellsWhatItRefused)
{
    ServerConfig config;
    config.make_id = counting_ids();
    SpoolBudget budget;
    ServerSession session(config, budget);
    std::string_view in = "EHLO c\r\nXYZZY\r\nMAIL FROM:<a@b.c> FOO\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n";
    EXPECT_EQ(feed_on(session, in), ServerEvent::mail);
    session.accept();
    EXPECT_EQ(feed_on(session, in), ServerEvent::recipient);
    session.refuse({550, "5.1.1", "No such user"});
    const auto refusals = session.take_refusals();
    ASSERT_EQ(refusals.size(), 2U);
    EXPECT_EQ(refusals[0].command + refusals[0].from + std::to_string(refusals[0].reply.code), "MAILa@b.c555");
    EXPECT_EQ(refusals[1].command + refusals[1].from + refusals[1].to + refusals[1].id,
              "RCPTa@b.cd@e.f" + std::string(first_id.substr(0, 24)) + "02");
    EXPECT_EQ(session.error_count(), 3U);
    EXPECT_TRUE(session.take_refusals().empty());
}

TEST(ServerSession, SwallowsAChunkThatIsRefusedForWantOfMemory)
{
    ServerConfig config;
    config.lmtp = true;
    SpoolBudget budget;
    for (const bool last : {false, true}) {
        ServerSession session(config, budget);
        const auto text = "LHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<1@e.f>\r\nRCPT TO:<2@e.f>\r\nBDAT 6" +
                          std::string(last ? " LAST" : "") + "\r\nQUIT\r\nNOOP\r\n";
        std::string_view in = text;
        for (auto event = session.feed(in); event != ServerEvent::none; event = session.feed(in)) {
            if (event == ServerEvent::data) {
                EXPECT_EQ(session.announced_octets(), 6U);
                session.refuse({452, "4.3.1", "Out of memory"});
            } else {
                session.accept();
            }
        }
        EXPECT_EQ(codes(session.take_replies()), last ? "250 250 250 250 452 452 250" : "250 250 250 250 452 250");
    }
}

TEST(ServerSession, CarriesWhatWasAskedOfTheMessage)
{
    const auto said =
        talk("EHLO c\r\nMAIL FROM:<\xc3\xa4@b.c> size=10 body=8BITMIME SMTPUTF8 RET=hdrs ENVID=a+2Bb\r\n"
             "RCPT TO:<d@e.f> notify=SUCCESS,FAILURE ORCPT=rfc822;x+40y@e.f\r\nRCPT TO:<g@e.f>\r\nRCPT TO:<h@e.f> "
             "ORCPT=utf-8;\xc3\xa4+\xf0\x9f\x98\x80@e.f\r\nDATA\r\n.\r\n",
             5);
    EXPECT_EQ(said.envelopes, std::vector<std::string>{"\xc3\xa4@b.c BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=a+2Bb,d@e.f "
                                                       "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+40y@e.f,g@e.f,h@e.f "
                                                       "ORCPT=utf-8;\\x{E4}\\x{2B}\\x{1F600}@e.f"});
}

TEST(ServerSession, ComparesDomainsAsALabels)
{
    ServerConfig config;
    config.domains = {"b\xc3\xbc"
                      "cher.example",
                      ".xn--bcher-kva.test"};
    const auto said =
        talk("EHLO c\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<a@XN--bcher-kva.example>\r\nRCPT TO:<a@B\xc3\x9c"
             "CHER.example>\r\nRCPT TO:<a@mx.b\xc3\xbc"
             "cher.test>\r\nRCPT TO:<a@b\xc3\xbc"
             "cher.test>\r\nRCPT TO:<a@bucher.example>\r\n",
             std::string::npos, config);
    EXPECT_EQ(codes(said.replies), "220 250 250 250 250 250 550 550");
}

TEST(ServerSession, TellsStrangersNoPaths)
{
    EXPECT_EQ(without_local_paths("delivered to /srv/mail/a b"), "delivered to [path] b");
    EXPECT_EQ(without_local_paths("cannot open \"/var/spool/x\": No space left"),
              "cannot open \"[path]\": No space left");
    EXPECT_EQ(without_local_paths("/a/b: full (/c) file=/d"), "[path]: full ([path]) file=[path]");
    EXPECT_EQ(without_local_paths("see https://example.org/why and/or 5.7.1/2 / x"),
              "see https://example.org/why and/or 5.7.1/2 / x");
}

} // namespace mgw::smtp
