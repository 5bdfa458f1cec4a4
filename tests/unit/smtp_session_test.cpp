#include "lib/smtp/client_session.hpp"

#include <gtest/gtest.h>

using namespace mgw::smtp;

namespace
{

const std::string message = "A: b\r\n\r\n.x\r\n";

Mail mail_to(std::vector<std::string> to)
{
    Mail m{"a@x.example", "RET=HDRS ENVID=7", {}, message, survey(message)};
    for (auto& t : to)
        m.recipients.push_back({t, "NOTIFY=NEVER for=2"});
    return m;
}

/// A session after its greeting and EHLO.
Session opened(std::string_view hello, SessionOptions options = {"me.example"})
{
    Session s(options);
    s.receive("220 hi\r\n");
    (void)s.output();
    s.receive(hello);
    return s;
}

std::string all_output(Session& s)
{
    std::string out;
    for (auto piece = s.output(); !piece.empty(); piece = s.output())
        out += piece;
    return out;
}

TEST(Session, SaysHello)
{
    Session s({"me.example"});
    EXPECT_EQ(s.output(), "");
    s.receive("220 hi\r\n");
    EXPECT_EQ(s.output(), "EHLO me.example\r\n");
    s.receive("500 what\r\n");
    EXPECT_EQ(s.output(), "HELO me.example\r\n");
    s.receive("250 well\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
}

TEST(Session, SendsOneChunkWhereItMay)
{
    auto s = opened("250-there\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    const auto m = mail_to({"b@y.example", "c@y.example"});
    s.begin(m);
    EXPECT_EQ(all_output(s), "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\n");
    s.receive("250 ok\r\n550 5.1.1 no\r\n");
    EXPECT_EQ(all_output(s), "");
    s.receive("250 ok\r\n");
    EXPECT_EQ(all_output(s), "BDAT 12 LAST\r\nA: b\r\n\r\n.x"); // no dot is doubled, the last line end waits
    EXPECT_EQ(s.want(), Session::Want::commit);
    s.commit();
    EXPECT_EQ(all_output(s), "\r\n");
    s.receive("250 2.0.0 queued\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
    EXPECT_EQ(s.outcomes()[1].code, 250);
    s.begin(m);
    (void)all_output(s);
    s.receive("250 ok\r\n550 no\r\n550 no\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
    s.begin(m);
    EXPECT_EQ(all_output(s).substr(0, 10), "RSET\r\nMAIL");
}

TEST(Session, CountsTheOctetsOfAChunk)
{
    for (const std::string& text :
         {std::string("\n"), std::string("A: b\n\nlast"), "A: b\n\n" + std::string(200000, 'x'),
          "A: b\n\n" + std::string(65531, 'x') + "\n.\n..\n"}) {
        auto s = opened("250-there\r\n250 CHUNKING\r\n");
        auto m = mail_to({"b@y.example"});
        m.message = text;
        m.survey = survey(text);
        s.begin(m);
        (void)all_output(s);
        s.receive("250 ok\r\n");
        (void)all_output(s);
        s.receive("250 ok\r\n");
        const auto line = "BDAT " + std::to_string(m.survey.wire_octets) + " LAST\r\n";
        auto out = all_output(s);
        EXPECT_EQ(s.want(), Session::Want::commit);
        s.commit();
        out += all_output(s);
        EXPECT_EQ(out.substr(0, line.size()), line);
        EXPECT_EQ(out.size(), line.size() + m.survey.wire_octets);
        EXPECT_TRUE(out.ends_with("\r\n"));
    }
}

TEST(Session, KnowsTheLimitsOfAServer)
{
    const auto s = opened("250-there\r\n250 LIMITS rcptmax=20 MAILMAX=3 X=1\r\n");
    EXPECT_EQ(s.most_recipients(), 20U);
    EXPECT_EQ(s.most_mails(), 3U);
    for (const char* hello : {"250 there\r\n", "250-there\r\n250 LIMITS RCPTMAX=0 MAILMAX=x\r\n"})
        EXPECT_EQ(opened(hello).most_recipients(), 1000000U) << hello;
}

TEST(Session, WritesALabelsWhereUtf8IsNotTaken)
{
    auto m = mail_to({"b@b\xC3\xBC"
                      "cher.example"});
    m.parameters.clear();
    auto s = opened("250 there\r\n");
    s.begin(m);
    EXPECT_EQ(all_output(s), "MAIL FROM:<a@x.example>\r\n");
    s.receive("250 ok\r\n");
    EXPECT_EQ(all_output(s), "RCPT TO:<b@xn--bcher-kva.example>\r\n");
    auto utf8 = opened("250-there\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n");
    utf8.begin(m);
    EXPECT_EQ(all_output(utf8), "MAIL FROM:<a@x.example> SMTPUTF8\r\nRCPT TO:<b@b\xC3\xBC"
                                "cher.example>\r\nDATA\r\n");
}

TEST(Session, PipelinesWhereItMay)
{
    auto s = opened("250-there\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 DSN\r\n");
    const auto m = mail_to({"b@y.example", "c@y.example"});
    s.begin(m);
    EXPECT_EQ(all_output(s),
              "MAIL FROM:<a@x.example> SIZE=12 RET=HDRS ENVID=7\r\nRCPT TO:<b@y.example> NOTIFY=NEVER\r\n"
              "RCPT TO:<c@y.example> NOTIFY=NEVER\r\nDATA\r\n");
    s.receive("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n");
    EXPECT_EQ(all_output(s), "A: b\r\n\r\n..x\r\n");
    EXPECT_EQ(s.want(), Session::Want::commit);
    s.commit();
    EXPECT_EQ(s.output(), ".\r\n");
    s.receive("250 2.0.0 queued\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
    EXPECT_EQ(s.outcomes()[0].code, 550);
    EXPECT_EQ(s.outcomes()[0].stage, "RCPT TO");
    EXPECT_EQ(s.outcomes()[1].code, 250);
}

TEST(Session, AsksOneByOneWithoutPipelining)
{
    auto s = opened("250 there\r\n");
    const auto m = mail_to({"b@y.example"});
    s.begin(m);
    EXPECT_EQ(all_output(s), "MAIL FROM:<a@x.example>\r\n");
    s.receive("250 ok\r\n");
    EXPECT_EQ(all_output(s), "RCPT TO:<b@y.example>\r\n");
    s.receive("450 4.2.0 busy\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle) << "no DATA without a recipient";
    EXPECT_EQ(s.outcomes()[0].code, 450);
    s.begin(m);
    EXPECT_EQ(all_output(s), "RSET\r\n");
}

TEST(Session, EndsDataThatNobodyWants)
{
    auto s = opened("250-there\r\n250 PIPELINING\r\n");
    const auto m = mail_to({"b@y.example"});
    s.begin(m);
    (void)all_output(s);
    s.receive("250 ok\r\n550 no\r\n354 go\r\n");
    EXPECT_EQ(all_output(s), ".\r\n");
    s.receive("554 no recipients\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
    EXPECT_EQ(s.outcomes()[0].code, 550);
}

struct Ending {
    const char* name;
    std::string_view replies; ///< to MAIL, RCPT, DATA
    int code;
    const char* enhanced;
};
class Endings : public testing::TestWithParam<Ending> {};
TEST_P(Endings, DecideTheRecipient)
{
    auto s = opened("250-there\r\n250 PIPELINING\r\n");
    const auto m = mail_to({"b@y.example"});
    s.begin(m);
    (void)all_output(s);
    s.receive(GetParam().replies);
    EXPECT_EQ(s.outcomes()[0].code, GetParam().code);
    EXPECT_EQ(s.outcomes()[0].enhanced, GetParam().enhanced);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Endings,
    testing::Values(Ending{"mail_refused", "550 5.7.1 no\r\n503 no\r\n503 no\r\n", 550, "5.7.1"},
                    Ending{"mail_deferred", "451 later\r\n503 no\r\n503 no\r\n", 451, "4.0.0"},
                    Ending{"too_many_recipients", "250 ok\r\n552 5.5.3 many\r\n503 no\r\n", 452, "4.5.3"},
                    Ending{"data_refused", "250 ok\r\n250 ok\r\n554 5.7.1 no\r\n", 554, "5.7.1"},
                    Ending{"closing_leaves_it_open", "421 bye\r\n", 0, ""},
                    Ending{"not_smtp_leaves_it_open", "250 ok\r\nwhat\r\n", 0, ""},
                    Ending{"odd_code_is_temporary", "250 ok\r\n354 odd\r\n503 no\r\n", 451, "4.0.0"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Session, DoesNotKnowAfterTheDot)
{
    auto s = opened("250-there\r\n250 PIPELINING\r\n");
    const auto m = mail_to({"b@y.example"});
    s.begin(m);
    (void)all_output(s);
    s.receive("250 ok\r\n250 ok\r\n354 go\r\n");
    (void)all_output(s);
    s.commit();
    s.lost("connection lost");
    EXPECT_EQ(s.outcomes()[0].code, 451);
    EXPECT_NE(s.outcomes()[0].text.find("may have been delivered"), std::string::npos);
}

TEST(Session, HasOneReplyForEachRecipientInLmtp)
{
    auto s = opened("250-there\r\n250 PIPELINING\r\n", {"me.example", true});
    const auto m = mail_to({"b@y.example", "c@y.example", "d@y.example"});
    s.begin(m);
    (void)all_output(s);
    s.receive("250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
    (void)all_output(s);
    s.commit();
    s.receive("250 stored\r\n452 4.2.2 full\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
    EXPECT_EQ(s.outcomes()[0].code, 250);
    EXPECT_EQ(s.outcomes()[1].code, 550);
    EXPECT_EQ(s.outcomes()[2].code, 452);
}

TEST(Session, TakesTlsBeforeMail)
{
    auto s = opened("250-there\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
    EXPECT_EQ(s.output(), "STARTTLS\r\n");
    s.receive("220 go\r\n");
    ASSERT_EQ(s.want(), Session::Want::start_tls);
    s.tls_started();
    EXPECT_EQ(s.output(), "EHLO me.example\r\n");
    s.receive("250 there\r\n");
    EXPECT_EQ(s.want(), Session::Want::idle);
    const auto m = mail_to({"b@y.example"});
    s.begin(m);
    EXPECT_EQ(s.output(), "MAIL FROM:<a@x.example>\r\n") << "what was offered in clear is forgotten";
}

TEST(Session, RefusesTextInjectedBeforeTls)
{
    auto s = opened("250-there\r\n250 STARTTLS\r\n");
    (void)s.output();
    s.receive("220 go\r\n250 injected\r\n");
    EXPECT_EQ(s.want(), Session::Want::closed);
}

TEST(Session, DoesNotGoOnInClearWhereTlsIsRequired)
{
    auto s = opened("250 there\r\n", {"me.example", false, TlsLevel::encrypt});
    EXPECT_EQ(s.want(), Session::Want::closed);
    EXPECT_EQ(s.failure().enhanced, "4.7.4");
}

TEST(Session, RefusesWhatTheServerCannotTake)
{
    auto small = opened("250-there\r\n250 SIZE 5\r\n");
    const auto m = mail_to({"b@y.example"});
    small.begin(m);
    EXPECT_EQ(small.outcomes()[0].enhanced, "5.3.4");
    EXPECT_EQ(small.want(), Session::Want::idle);
    auto seven = opened("250 there\r\n");
    auto eight = m;
    eight.message = "A: b\n\n\xC3\xA4\n";
    eight.survey = survey(eight.message);
    seven.begin(eight);
    EXPECT_EQ(seven.outcomes()[0].enhanced, "5.6.3");
    auto utf8 = mail_to({"b\xC3\xA4@y.example"});
    seven.begin(utf8);
    EXPECT_EQ(seven.outcomes()[0].enhanced, "5.6.7");
}

TEST(Session, KeepsThePromiseOfRequireTls)
{
    auto m = mail_to({"b@y.example"});
    m.parameters = "REQUIRETLS";
    auto clear = opened("250-there\r\n250 REQUIRETLS\r\n", {"me.example", false, TlsLevel::none});
    clear.begin(m);
    EXPECT_EQ(clear.outcomes()[0].enhanced, "5.7.30");
    EXPECT_EQ(all_output(clear), "");
    for (const auto level : {TlsLevel::may, TlsLevel::verify}) {
        for (const std::string hello : {"250-there\r\n250 REQUIRETLS\r\n", "250 there\r\n"}) {
            SessionOptions options{"me.example", false, level};
            options.known_server = level == TlsLevel::verify;
            auto s = opened("250-there\r\n250 STARTTLS\r\n", options);
            (void)all_output(s);
            s.receive("220 go\r\n");
            s.tls_started();
            (void)all_output(s);
            s.receive(hello);
            s.begin(m);
            const bool kept = level == TlsLevel::verify && hello.contains("REQUIRETLS");
            EXPECT_EQ(all_output(s), kept ? "MAIL FROM:<a@x.example> REQUIRETLS\r\n" : "") << hello;
            EXPECT_EQ(s.outcomes()[0].code, kept ? 0 : 550);
        }
    }
    auto lmtp = opened("250 there\r\n", {"me.example", true, TlsLevel::none}); // within the site (RFC 8689 section 1)
    lmtp.begin(m);
    EXPECT_EQ(all_output(lmtp), "MAIL FROM:<a@x.example>\r\n");
}

TEST(Session, KnowsPathsThatWouldBecomeCommands)
{
    EXPECT_TRUE(is_safe_path("a@b"));
    EXPECT_TRUE(is_safe_path("\"a b<>\"@c"));
    EXPECT_TRUE(is_safe_path(""));
    for (const char* bad : {"a@b\r\nRCPT TO:<c@d>", "a@b> SIZE=1", "a b@c", "\"a@b", "\"\\\n\"@c", "a\x7f@b"})
        EXPECT_FALSE(is_safe_path(bad)) << bad;
}

} // namespace
