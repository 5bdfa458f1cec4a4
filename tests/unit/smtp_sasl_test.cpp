#include "lib/smtp/sasl.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/credential_keeper.hpp"
#include "lib/smtp/credentials.hpp"
#include "lib/smtp/server_session.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

namespace
{

using Step = SaslExchange::Step;

/// RFC 7677 section 3.
constexpr std::string_view server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

Credentials of_the_rfc()
{
    return *Credentials::parse(credential_line("user", "pencil", *strict_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096),
                               "test");
}

Step begin_scram(SaslExchange& exchange, const Credentials& credentials, std::string_view client_first)
{
    if (exchange.respond(client_first) != Step::question)
        return Step::malformed;
    return exchange.answer(credentials.answer(exchange.question()));
}

/// What comes of a response to PLAIN.
Step plain(std::string_view response, const Credentials& credentials)
{
    auto exchange = *SaslExchange::begin("plain", "");
    const auto step = exchange.respond(response);
    return step == Step::question ? exchange.answer(credentials.answer(exchange.question())) : step;
}

/// A whole session under TLS with a password file of one: user, pencil.
std::string session_codes(const std::string& text, ServerConfig config = {}, bool tls = true)
{
    const auto credentials = of_the_rfc();
    config.offer_auth = true;
    config.make_nonce = [] { return std::string(server_nonce); };
    SpoolBudget budget;
    ServerSession session(config, budget);
    if (tls)
        session.tls_started("TLSv1.3");
    std::string out;
    for (std::string_view in = text; !in.empty() && !session.is_closed();) {
        switch (session.feed(in)) {
        case ServerEvent::hello:
        case ServerEvent::mail:
        case ServerEvent::recipient:
            session.accept();
            break;
        case ServerEvent::credentials:
            session.answer_credentials(credentials.answer(session.question()));
            break;
        default:
            break;
        }
    }
    const auto replies = session.take_replies();
    for (const auto line : split(replies, '\n'))
        if (line.size() > 3 && line[3] == ' ')
            out += (out.empty() ? "" : " ") + std::string(line.substr(0, 3));
    return out + (session.login().empty() ? "" : " as " + session.login() + " by " + session.protocol());
}

} // namespace

TEST(Sasl, ScramOfTheRfc)
{
    const auto credentials = of_the_rfc();
    auto exchange = *SaslExchange::begin("SCRAM-SHA-256", std::string(server_nonce));
    EXPECT_EQ(exchange.start(), Step::challenge);
    EXPECT_EQ(begin_scram(exchange, credentials, first), Step::challenge);
    EXPECT_EQ(exchange.challenge(),
              "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    EXPECT_EQ(exchange.respond(last), Step::question);
    EXPECT_EQ(exchange.answer(credentials.answer(exchange.question())), Step::challenge);
    EXPECT_EQ(exchange.challenge(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    EXPECT_EQ(exchange.respond(""), Step::success);
    EXPECT_EQ(exchange.login(), "user");
}

TEST(Sasl, ScramRefusesWhatWasChanged)
{
    const auto credentials = of_the_rfc();
    for (std::size_t i = 0; i < last.size(); ++i) {
        auto exchange = *SaslExchange::begin("SCRAM-SHA-256", std::string(server_nonce));
        begin_scram(exchange, credentials, first);
        std::string changed(last);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        auto step = exchange.respond(changed);
        if (step == Step::question)
            step = exchange.answer(credentials.answer(exchange.question()));
        EXPECT_TRUE(step == Step::malformed || step == Step::wrong) << changed;
    }
    for (const std::string_view bad :
         {"", "n", "n,,", "n,,n=user", "n,,n=,r=x", "n,,n=user,r=", "p=tls-unique,,n=user,r=x", "n,,m=ext,n=user,r=x",
          "n,a=other,n=user,r=x", "n,,n=us=er,r=x", "n,,r=x,n=user", "n,n=user,r=x", "x,,n=user,r=x"}) {
        auto exchange = *SaslExchange::begin("SCRAM-SHA-256", "n");
        EXPECT_EQ(exchange.respond(bad), Step::malformed) << bad;
    }
    auto exchange = *SaslExchange::begin("SCRAM-SHA-256", "n");
    EXPECT_EQ(exchange.respond("y,a=us=2Cer,n=us=2Cer,r=x"), Step::question);
    EXPECT_EQ(exchange.login(), "us,er");
}

TEST(Sasl, PlainAndLogin)
{
    using namespace std::string_literals;
    using namespace std::string_view_literals;
    const auto credentials = of_the_rfc();
    EXPECT_EQ(plain("\0user\0pencil"sv, credentials), Step::success);
    EXPECT_EQ(plain("user\0user\0pencil"sv, credentials), Step::success);
    EXPECT_EQ(plain("\0user\0pencils"sv, credentials), Step::wrong);
    EXPECT_EQ(plain("\0nobody\0pencil"sv, credentials), Step::wrong);
    for (const auto bad : {""sv, "user"sv, "\0user"sv, "\0user\0"sv, "\0\0pencil"sv, "root\0user\0pencil"sv,
                           "\0user\0pencil\0"sv, "\0us\ner\0pencil"sv})
        EXPECT_EQ(plain(bad, credentials), Step::malformed) << printable(bad);
    EXPECT_EQ(plain("\0user\0"s + std::string(2000, 'x'), credentials), Step::malformed);
    auto exchange = *SaslExchange::begin("LOGIN", "");
    EXPECT_EQ(exchange.start(), Step::challenge);
    EXPECT_EQ(exchange.challenge(), "Username:");
    EXPECT_EQ(exchange.respond("user"), Step::challenge);
    EXPECT_EQ(exchange.respond("pencil"), Step::question);
    EXPECT_EQ(exchange.answer({.known = false}), Step::unknown);
    EXPECT_FALSE(SaslExchange::begin("CRAM-MD5", ""));
}

TEST(Sasl, Base64IsStrict)
{
    EXPECT_EQ(strict_base64("aGk="), "hi");
    EXPECT_EQ(strict_base64(""), "");
    for (const std::string_view bad : {"a", "aGk", "aGk=\n", "aG k=", "=", "====", "aGl=", "a===", "aG=k", "aGk=aGk="})
        EXPECT_FALSE(strict_base64(bad)) << bad;
}

TEST(Credentials, NameTheLineThatIsNone)
{
    const auto line = credential_line("user", "x", "salt", 4096);
    EXPECT_EQ(Credentials::parse("# two\n\n" + line + "\n" + credential_line("a:b", "x", "salt", 4096), "f")->size(),
              2U);
    for (const auto& bad :
         {std::string("user"), line + "x", line + "\n" + line, line.substr(4), credential_line("u", "x", "salt", 4095),
          credential_line("u", "x", "", 4096), std::string("u:SCRAM-SHA-256$")})
        EXPECT_EQ(Credentials::parse(bad, "f").error().status, Status::config) << bad;
    EXPECT_TRUE(Credentials::parse(line + "\nx", "f").error().message.starts_with("f:2: "));
}

TEST(Credentials, DoNotTellWhoIsThere)
{
    const auto credentials = of_the_rfc();
    const CredentialQuestion who{CredentialQuestion::Kind::salt, "nobody", "", ""};
    const auto answer = credentials.answer(who);
    EXPECT_EQ(answer.octets.size(), 16U);
    EXPECT_EQ(answer.iterations, 4096U);
    EXPECT_EQ(credentials.answer(who).octets, answer.octets);
    EXPECT_NE(credentials.answer({CredentialQuestion::Kind::salt, "nobody2", "", ""}).octets, answer.octets);
    // the keys of unknown logins are no keys either
    EXPECT_FALSE(credentials.answer({CredentialQuestion::Kind::proof, "nobody", std::string(32, '\0'), ""}).good);
}

TEST(CredentialPackets, AreReadAsTheyWereMade)
{
    const auto question =
        question_packet(7, {CredentialQuestion::Kind::proof, "a\nb", std::string("\0\n", 2), std::string(9000, 'x')});
    const auto read = read_question(question);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->serial, 7U);
    EXPECT_EQ(read->question.login + read->question.secret, std::string("a\nb\0\n", 5));
    EXPECT_EQ(read_answer(answer_packet(8, {true, true, 4096, "salt"}))->answer.octets, "salt");
    for (std::size_t n = 0; n < 40; ++n)
        EXPECT_FALSE(read_question(std::string_view(question).substr(0, n)));
    EXPECT_FALSE(read_question(question + "x"));
}

TEST(ServerAuth, Dialogues)
{
    const std::string hello = "EHLO c\r\n";
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN AHVzZXIAcGVuY2ls\r\n"), "250 235 as user by ESMTPSA");
    EXPECT_EQ(session_codes(hello + "AUTH plain\r\nAHVzZXIAcGVuY2ls\r\n"), "250 334 235 as user by ESMTPSA");
    EXPECT_EQ(session_codes(hello + "AUTH LOGIN\r\ndXNlcg==\r\ncGVuY2ls\r\n"), "250 334 334 235 as user by ESMTPSA");
    EXPECT_EQ(session_codes(hello + "AUTH LOGIN dXNlcg==\r\nd3Jvbmc=\r\nNOOP\r\n"), "250 334 535 250");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN =\r\n"), "250 501");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN\r\n*\r\nNOOP\r\n"), "250 334 501 250");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN\r\n!\r\nNOOP\r\n"), "250 334 501 250");
    EXPECT_EQ(session_codes(hello + "AUTH\r\nAUTH CRAM-MD5\r\n"), "250 501 504");
    EXPECT_EQ(session_codes("AUTH PLAIN AHVzZXIAcGVuY2ls\r\nHELO c\r\nAUTH PLAIN AHVzZXIAcGVuY2ls\r\n"), "503 250 503");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN AHVzZXIAcGVuY2ls\r\n", {}, false), "250 538");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN AHVzZXIAcGVuY2ls\r\nAUTH PLAIN AHVzZXIAcGVuY2ls\r\n"),
              "250 235 503 as user by ESMTPSA");
    EXPECT_EQ(session_codes(hello + "MAIL FROM:<a@b.c>\r\nAUTH PLAIN AHVzZXIAcGVuY2ls\r\n"), "250 250 503");
    // longer than a command may be, and than a response may be
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN\r\n" + std::string(12284, 'A') + "\r\n"), "250 334 501");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN\r\n" + std::string(12288, 'A') + "\r\nNOOP\r\n"), "250 334 500 250");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN " + std::string(5000, 'A') + "\r\n"), "250 501");
}

TEST(ServerAuth, SubmissionNeedsALoginThatOwnsTheSender)
{
    ServerConfig config;
    config.submission = true;
    config.domains = {"here.example"};
    config.may_send_as = [](const std::string& login, const std::string& path) { return path == login + "@b.c"; };
    const std::string hello = "EHLO c\r\n";
    EXPECT_EQ(session_codes(hello + "MAIL FROM:<user@b.c>\r\nRCPT TO:<x@y.z>\r\n", config), "250 530 503");
    EXPECT_EQ(session_codes(hello + "AUTH PLAIN AHVzZXIAcGVuY2ls\r\nMAIL FROM:<a@b.c>\r\nMAIL FROM:<user@b.c> "
                                    "AUTH=<>\r\nRCPT TO:<x@y.z>\r\nRSET\r\nMAIL FROM:<>\r\n",
                            config),
              "250 235 553 250 250 250 250 as user by ESMTPSA");
}

} // namespace mgw::smtp
