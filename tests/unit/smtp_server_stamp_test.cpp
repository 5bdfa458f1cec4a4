#include "lib/smtp/server_stamp.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

namespace
{

Arrival arrival()
{
    Arrival out;
    out.id = "01JDF3M1S8W7Q2E5T9XK4V6B0C";
    out.hostname = "mx.example";
    out.client.ip = "2001:db8::7";
    out.client.helo = "client.example";
    out.client.proto = "ESMTPS";
    out.client.tls = "TLSv1.3";
    out.time = Time{std::chrono::seconds(1764000000)};
    return out;
}

struct Case {
    const char* name;
    const char* proto;
    bool utf8;
    const char* keyword;
};
class TraceProtocol : public testing::TestWithParam<Case> {};

TEST_P(TraceProtocol, IsTheRegisteredKeyword)
{
    auto from = arrival();
    from.client.proto = GetParam().proto;
    ServerEnvelope envelope;
    envelope.utf8 = GetParam().utf8;
    const auto want = " with " + std::string(GetParam().keyword) + " id 01JDF3M1S8W7Q2E5T9XK4V6B0C";
    EXPECT_TRUE(received_field(from, envelope).contains(want)) << received_field(from, envelope);
}

} // namespace

INSTANTIATE_TEST_SUITE_P(All, TraceProtocol,
                         testing::Values(Case{"smtp", "SMTP", false, "SMTP"}, Case{"esmtp", "ESMTP", false, "ESMTP"},
                                         Case{"esmtps", "ESMTPS", false, "ESMTPS"},
                                         Case{"esmtpsa", "ESMTPSA", false, "ESMTPSA"},
                                         Case{"lmtp", "LMTP", false, "LMTP"}, Case{"utf8", "ESMTP", true, "UTF8SMTP"},
                                         Case{"utf8_tls", "ESMTPS", true, "UTF8SMTPS"},
                                         Case{"utf8_tls_auth", "ESMTPSA", true, "UTF8SMTPSA"},
                                         Case{"utf8_lmtp", "LMTPS", true, "UTF8LMTPS"}),
                         [](const auto& info) { return info.param.name; });

TEST(Received, NamesTheClientAsFarAsItIsKnown)
{
    auto from = arrival();
    ServerEnvelope envelope;
    envelope.to.push_back({"b@example.org", "NOTIFY=NEVER"});
    EXPECT_EQ(
        received_field(from, envelope),
        "Received: from client.example ([IPv6:2001:db8::7])\r\n\tby mx.example with ESMTPS id "
        "01JDF3M1S8W7Q2E5T9XK4V6B0C\r\n\t(TLSv1.3)\r\n\tfor <b@example.org>; Mon, 24 Nov 2025 16:00:00 +0000\r\n");
    from.client.name = "host.example";
    EXPECT_TRUE(received_field(from, envelope)
                    .starts_with("Received: from client.example (host.example [IPv6:2001:db8::7])\r\n"));
    envelope.to.push_back({"c@example.org", ""});
    EXPECT_FALSE(received_field(from, envelope).contains("for <"));
    from.client.helo = std::string(255, '\x80');
    from.client.name = std::string(253, 'n');
    EXPECT_LT(received_field(from, envelope).find("\r\n"), 998U);
}

TEST(Submission, GetsTheFieldsThatAreMissing)
{
    auto from = arrival();
    EXPECT_EQ(missing_fields(from, "Subject: x\r\n\r\nDate: body\r\n"),
              "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\nMessage-ID: <01jdf3m1s8w7q2e5t9xk4v6b0c@mx.example>\r\n");
    EXPECT_EQ(missing_fields(from, "date: x\r\nMESSAGE-ID: <y>\r\n\r\n"), "");
    const std::string message = "Date: x\r\nSubject: x\r\n\r\nhi\r\n";
    for (const bool submitted : {false, true}) {
        from.submitted = submitted;
        Spool spool;
        ASSERT_TRUE(spool.append(message));
        const auto frame = stamped_frame(from, {}, std::move(spool));
        EXPECT_EQ(frame.head.contains("Message-ID: <01jdf3m1s8w7q2e5t9xk4v6b0c@mx.example>\r\n"), submitted);
        std::string rest;
        for (const auto piece : frame.pieces)
            rest += piece;
        EXPECT_EQ(rest, message);
    }
}

} // namespace mgw::smtp
