#include "lib/core/random.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/compose.hpp"
#include "lib/mail/encode_body.hpp"
#include "lib/mail/parts.hpp"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace mgw::mail
{
namespace
{

std::string composed(const Composed& what)
{
    Random random{5};
    auto text = compose(what, random);
    EXPECT_TRUE(text) << text.error().message;
    return text.value_or("");
}

Status refused(const Composed& what)
{
    Random random{5};
    const auto text = compose(what, random);
    return text ? Status::ok : text.error().status;
}

std::string tree(const Parts& parts)
{
    std::string out;
    for (const auto& part : parts.all())
        out += (out.empty() ? "" : "|") + part.path() + " " + part.type.value + " " + part.encoding_name;
    return out;
}

std::string python_defects(const std::string& message)
{
    const std::string path = testing::TempDir() + "composed.eml";
    std::ofstream(path, std::ios::binary) << message;
    const std::string command =
        "python3 -c 'import sys, email, email.policy\n"
        "m = email.message_from_binary_file(open(sys.argv[1], \"rb\"), policy=email.policy.SMTP)\n"
        "for p in m.walk():\n"
        "  print(*p.defects, *[d for v in p.values() for d in getattr(v, \"defects\", [])], sep=\"\")\n"
        "  if not p.is_multipart(): p.get_payload(decode=True)\n"
        "' '" +
        path + "' 2>&1 | tr -d '\\n'";
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr)
        return "no python3";
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;)
        out += static_cast<char>(c);
    return ::pclose(pipe) == 0 ? out : "python3 failed: " + out;
}

/// What holds of all that is composed: CRLF alone, short lines, one of each MIME field, read back without anything odd.
void expect_good(const std::string& text)
{
    EXPECT_TRUE(has_fit_lines(text));
    const Message message(text);
    EXPECT_EQ(message.find_all("MIME-Version").size(), 1U);
    EXPECT_EQ(message.find_all("Content-Type").size(), 1U);
    const Parts parts(message);
    EXPECT_EQ(parts.oddities(), Oddity::none) << oddity_names(parts.oddities()) << "\n" << text;
    for (std::size_t at = 0; at < message.header_end();) {
        const auto end = text.find("\r\n", at);
        EXPECT_LE(end - at, 76U) << text.substr(at, end - at);
        at = end + 2;
    }
    EXPECT_EQ(python_defects(text), "");
}

const std::vector<std::pair<std::string, std::string>> head{{"Date", "Tue, 24 Nov 2026 05:47:35 +0000"},
                                                            {"From", mailbox("Gr\xC3\xBC\xC3\x9F"
                                                                             "e, Mail",
                                                                             "a@example.net")},
                                                            {"To", mailbox("Doe, \"J\" \\", "b@example.org")},
                                                            {"Subject", "Gr\xC3\xBC\xC3\x9F"
                                                                        "e und sehr viele weitere Worte, die nicht in "
                                                                        "ein einziges Wort passen \xF0\x9F\x98\x80"},
                                                            {"Message-ID", "<1@example.net>"}};

TEST(Compose, AReportReadsBack)
{
    Composed report{.fields = head, .content_type = "multipart/report; report-type=delivery-status"};
    report.parts = {{.fields = {{"Content-Description", "Notification"}}, .body = "Sorry\n"},
                    {.content_type = "message/delivery-status", .body = "Reporting-MTA: dns; x\n\nAction: failed\n"},
                    {.content_type = "text/rfc822-headers", .body = "Subject: \xE4\r\nX: " + std::string(2000, 'x')}};
    const auto text = composed(report);
    expect_good(text);
    const Message message(text);
    EXPECT_EQ(decode_words(*message.value_of("Subject")), head[3].second);
    const Parts parts(message);
    EXPECT_EQ(tree(parts), "1 multipart/report |1.1 text/plain |1.2 message/delivery-status |1.3 text/rfc822-headers "
                           "quoted-printable");
    EXPECT_EQ(decode(parts.all()[3], 10000), "Subject: \xE4\r\nX: " + std::string(2000, 'x'));
}

TEST(Compose, AMixedMessageWithAlternativesAndAnAttachedMessage)
{
    std::string octets;
    for (int i = 0; i < 1000; ++i)
        octets += static_cast<char>(i * 7);
    Composed text{.content_type = "multipart/alternative"};
    text.parts = {{.body = "plain \xC3\xA4\n"},
                  {.content_type = "text/html; charset=utf-8", .body = "<p>\xC3\xA4</p>\n"}};
    Composed mixed{.fields = head, .content_type = "multipart/mixed"};
    mixed.parts = {text,
                   {.fields = {{"Content-Disposition", "attachment" + parameter("filename", "\xC3\xA4 b.bin")}},
                    .content_type = "application/octet-stream",
                    .body = octets},
                   {.content_type = "message/rfc822",
                    .body = "Subject: in\n\nb\xC3\xB6"
                            "dy\n"}};
    const auto out = composed(mixed);
    expect_good(out);
    const Message message(out);
    const Parts parts(message);
    EXPECT_EQ(tree(parts),
              "1 multipart/mixed |1.1 multipart/alternative |1.1.1 text/plain quoted-printable|1.1.2 text/html "
              "quoted-printable|1.2 application/octet-stream base64|1.3 message/rfc822 8bit|1.3.1 text/plain ");
    EXPECT_EQ(decode(parts.all()[4], 10000), octets);
    EXPECT_EQ(parts.all()[4].file_names, std::vector<std::string>{"\xC3\xA4 b.bin"});
    EXPECT_EQ(decode(parts.all()[2], 1000), "plain \xC3\xA4\r\n");
}

struct Body {
    const char* name;
    std::string text;
    std::string encoding;
};
class Bodies : public testing::TestWithParam<Body> {};

TEST_P(Bodies, GoAsTheyAreOrEncoded)
{
    const auto& body = GetParam();
    const auto text = composed({.fields = head, .body = body.text});
    expect_good(text);
    const Message message(text);
    const Parts parts(message);
    EXPECT_EQ(parts.all()[0].encoding_name, body.encoding);
    std::string wire;
    for (std::size_t i = 0; i < body.text.size(); ++i)
        wire.append(body.text[i] == '\n' && (i == 0 || body.text[i - 1] != '\r') ? "\r" : "").append(1, body.text[i]);
    EXPECT_EQ(decode(parts.all()[0], 1U << 20), wire);
}

INSTANTIATE_TEST_SUITE_P(Compose, Bodies,
                         testing::Values(Body{"ascii", "one\ntwo\r\n", ""}, Body{"empty", "", ""},
                                         Body{"no_line_end", "x", ""},
                                         Body{"umlaut", "sch\xC3\xB6n\n", "quoted-printable"},
                                         Body{"japanese", "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\n", "base64"},
                                         Body{"long_line", std::string(999, 'x') + "\n", "quoted-printable"},
                                         Body{"longest_line", std::string(998, 'x') + "\n", ""},
                                         Body{"nul", std::string("a\0b\n", 4), "quoted-printable"},
                                         Body{"bare_cr", "a\rb words and words\n", "quoted-printable"},
                                         Body{"blanks", "x \t\n= \xC3\xA4 \n \nlots of ascii here", "quoted-printable"},
                                         Body{"from", "\xC3\xA4\nFrom here to there\n.\n", "quoted-printable"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Compose, LongFieldsAreFoldedAndNothingIsLost)
{
    std::string references = "<0@example.net>";
    for (int i = 1; i < 200; ++i)
        references += " <" + std::to_string(i) + "@example.net>";
    std::string words = "one";
    for (int i = 0; i < 100; ++i)
        words += i % 7 == 0 ? "  double" : " word";
    const auto text = composed({.fields = {{"References", references}, {"Subject", words}, {"X-A", ""}}, .body = "x"});
    expect_good(text);
    const Message message(text);
    EXPECT_EQ(message.value_of("References"), references);
    EXPECT_EQ(message.value_of("Subject"), words);
    EXPECT_EQ(refused({.fields = {{"X-Long", std::string(999, 'x')}}}), Status::data);
}

TEST(Compose, RefusesWhatWouldBreakTheHeader)
{
    EXPECT_EQ(refused({.fields = {{"To", "a\r\nBcc: x@y"}}}), Status::data);
    EXPECT_EQ(refused({.fields = {{"To", "\xFF"}}}), Status::data);
    EXPECT_EQ(refused({.content_type = "message/rfc822", .body = std::string("A: b\n\n\0", 7)}), Status::data);
    EXPECT_EQ(refused({.content_type = "message/rfc822", .body = std::string(999, 'x')}), Status::data);
}

TEST(Compose, ABodyWithItsEncodingNamedIsReady)
{
    const auto text = composed({.fields = {{"Content-Transfer-Encoding", "base64"}}, .body = "eA==\n"});
    EXPECT_TRUE(text.ends_with("\r\n\r\neA==\r\n")) << text;
}

TEST(Compose, MailboxesAndParameters)
{
    EXPECT_EQ(mailbox("", "a@b"), "<a@b>");
    EXPECT_EQ(mailbox("Mail System", "a@b"), "Mail System <a@b>");
    EXPECT_EQ(mailbox("Doe, J. \"x\\", "a@b"), "\"Doe, J. \\\"x\\\\\" <a@b>");
    EXPECT_EQ(mailbox("\xC3\xA4", "a@b"), "=?UTF-8?B?w6Q=?= <a@b>");
    EXPECT_EQ(parameter("name", "a.pdf"), "; name=a.pdf");
    EXPECT_EQ(parameter("name", "a b\".pdf"), "; name=\"a b\\\".pdf\"");
    EXPECT_EQ(parameter("name", ""), "; name=\"\"");
    EXPECT_EQ(parse_content_type("attachment" + parameter("filename", "\xC3\xA4%'*;.pdf")).parameter("filename"),
              "\xC3\xA4%'*;.pdf");
}

TEST(Compose, QuotedPrintableKeepsTo76Characters)
{
    const std::string text = std::string(75, 'a') + "\xC3\xA4\r\n" + std::string(76, 'b') + "\r\n" +
                             std::string(77, 'c') + "\r\n" + std::string(75, 'd') + " \r\n";
    const auto encoded = qp_encode(text);
    for (std::size_t at = 0; at < encoded.size();) {
        const auto end = encoded.find("\r\n", at);
        EXPECT_LE(end - at, 76U);
        at = end + 2;
    }
    EXPECT_NE(encoded.find("\r\n" + std::string(76, 'b') + "\r\n"), std::string::npos);
    EXPECT_EQ(qp_decode(encoded), text);
}

} // namespace
} // namespace mgw::mail
