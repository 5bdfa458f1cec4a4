#include "lib/auth/auth.hpp"
#include "lib/core/fd.hpp"
#include "lib/mail/edits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mgw::auth
{
namespace
{

const std::string data = MGW_TEST_DATA "/auth/";
const Time now{std::chrono::seconds(1795500000)};

std::string file(const std::string& name)
{
    auto text = read_file(data + name);
    EXPECT_TRUE(text) << name;
    return text ? *text : std::string();
}

DkimResult verify(const std::string& octets, Time time = now)
{
    DkimVerifier verifier;
    auto zone = dns::open_zone(data + "zone.db");
    EXPECT_TRUE(zone) << (zone ? "" : zone.error().message);
    return verifier.verify(mail::Message(octets), **zone, time);
}

struct Case {
    const char* file;
    const char* overall;
    std::vector<std::string> results;
    const char* reason; ///< part of the first signature's reason
};
class Sample : public testing::TestWithParam<Case> {};
TEST_P(Sample, IsJudged)
{
    const auto& want = GetParam();
    const auto result = verify(file(want.file));
    EXPECT_EQ(result.result, want.overall);
    ASSERT_EQ(result.signatures.size(), want.results.size());
    for (std::size_t i = 0; i < want.results.size(); ++i)
        EXPECT_EQ(result.signatures[i].result, want.results[i]) << result.signatures[i].reason;
    if (!result.signatures.empty()) {
        EXPECT_NE(result.signatures[0].reason.find(want.reason), std::string::npos) << result.signatures[0].reason;
    }
}
INSTANTIATE_TEST_SUITE_P(Dkim, Sample,
                         testing::Values(Case{"unsigned.eml", "none", {}, ""}, Case{"clean.eml", "pass", {"pass"}, ""},
                                         Case{"rsa.eml", "pass", {"pass"}, ""},
                                         Case{"rsa-crlf.eml", "pass", {"pass"}, ""},
                                         Case{"two-signatures.eml", "pass", {"pass", "pass"}, ""},
                                         Case{"broken.eml", "fail", {"fail"}, "body hash"},
                                         Case{"appended.eml", "policy", {"policy"}, "l= covers"},
                                         Case{"sha1.eml", "policy", {"policy"}, "RFC 8301"},
                                         Case{"testing-broken.eml", "neutral", {"neutral"}, "testing"},
                                         Case{"revoked.eml", "permerror", {"permerror"}, "revoked"},
                                         Case{"temperror.eml", "temperror", {"temperror"}, "look-up"},
                                         Case{"two-from.eml", "policy", {"policy"}, "From"}),
                         [](const auto& info) {
                             std::string name = info.param.file;
                             std::replace_if(
                                 name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
                             return name;
                         });

TEST(Dkim, OneBrokenSignatureDoesNotHideAGoodOne)
{
    const auto result = verify("DKIM-Signature: v=1; a=rsa-sha256; d=example.net\n" + file("rsa.eml"));
    ASSERT_EQ(result.signatures.size(), 2U);
    EXPECT_EQ(result.signatures[0].result, "permerror") << result.signatures[0].reason;
    EXPECT_EQ(result.signatures[1].result, "pass") << result.signatures[1].reason;
    EXPECT_EQ(result.result, "pass");
}

TEST(Dkim, WorkIsBoundedByTheNumberOfSignatures)
{
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += "DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=none; h=from; bh=x; b=x\n";
    const auto result = verify(many + file("rsa.eml"));
    ASSERT_EQ(result.signatures.size(), 201U);
    EXPECT_EQ(result.signatures[150].result, "policy");
    EXPECT_EQ(result.signatures[200].reason, "too many signatures");
}

TEST(Dkim, OddMessagesHaveResultsToo)
{
    const std::string nul("DKIM-Signature: v=1;\0 d=\0\nFrom: a@b\n\n\0", 38);
    for (const auto& octets : {std::string(), std::string("\r\r\r"), nul, std::string("DKIM-Signature:\n"),
                               std::string("DKIM-Signature: ;;;=\n\nx")})
        EXPECT_NE(verify(octets).result, "pass");
}

class Signing : public testing::TestWithParam<const char*> {};
TEST_P(Signing, VerifiesForBothLineEnds)
{
    const std::string selector = GetParam();
    auto signer = DkimSigner::open(
        {"example.net", selector == "ed" ? "ed" : "rsa", file(selector == "ed" ? "ed25519.pem" : "rsa.pem"), 3600});
    ASSERT_TRUE(signer) << signer.error().message;
    const auto lf = file("unsigned.eml");
    std::string crlf;
    for (const char c : lf)
        crlf += c == '\n' ? "\r\n" : std::string(1, c);
    for (const auto& octets : {lf, crlf}) {
        const mail::Message message(octets);
        const auto field = signer->sign(message, now);
        ASSERT_TRUE(field);
        mail::Edits edits;
        edits.prepend_field(message, *field);
        const auto out = edits.apply(octets);
        ASSERT_TRUE(out);
        EXPECT_TRUE(out->ends_with(octets));
        const auto result = verify(*out);
        EXPECT_EQ(result.result, "pass") << *out << (result.signatures.empty() ? "" : result.signatures[0].reason);
        EXPECT_EQ(verify(*out, now + std::chrono::hours(2)).signatures.at(0).reason, "the signature expired");
        EXPECT_EQ(verify("Subject: another\r\n" + *out).result, "fail") << "a second Subject must break it";
        EXPECT_EQ(verify("From: other@example.org\r\n" + *out).result, "fail");
    }
}
INSTANTIATE_TEST_SUITE_P(Keys, Signing, testing::Values("ed", "rsa"));

TEST(Signing, RefusesWhatCannotSign)
{
    EXPECT_FALSE(DkimSigner::open({"example.net", "rsa", "no key", 0}));
    EXPECT_FALSE(DkimSigner::open({"not a domain", "rsa", file("rsa.pem"), 0}));
    EXPECT_FALSE(DkimSigner::open({"example.net", "a;b", file("rsa.pem"), 0}));
    auto signer = DkimSigner::open({"example.net", "rsa", file("rsa.pem"), 0});
    ASSERT_TRUE(signer);
    EXPECT_EQ(signer->sign(mail::Message("Subject: no author\n\nx\n"), now).error().status, Status::data);
}

struct Whole {
    const char* file;
    const char* ip;
    const char* from;
    const char* spf;
    const char* dmarc;
    Policy policy;
};
TEST(Measure, JudgesWholeMessages)
{
    for (const auto& each : {Whole{"clean.eml", "127.0.0.1", "alice@example.net", "pass", "pass", Policy::reject},
                             Whole{"spoofed.eml", "127.0.0.1", "x@spoofer.example", "pass", "fail", Policy::reject},
                             Whole{"spoofed.eml", "192.0.2.66", "x@bank.example", "fail", "fail", Policy::reject},
                             Whole{"clean.eml", "", "", "none", "pass", Policy::reject},
                             Whole{"broken.eml", "192.0.2.7", "alice@example.net", "pass", "pass", Policy::reject},
                             Whole{"broken.eml", "192.0.2.1", "alice@example.net", "fail", "fail", Policy::reject}}) {
        DkimVerifier verifier;
        auto zone = dns::open_zone(data + "zone.db");
        ASSERT_TRUE(zone);
        const auto octets = file(each.file);
        const auto found = measure(mail::Message(octets), {each.ip, "mail.example", each.from, "mx.example.org"},
                                   verifier, **zone, Discovery::walk, now);
        EXPECT_EQ(found.spf.result, each.spf) << each.file << " " << each.from;
        EXPECT_EQ(found.dmarc.result, each.dmarc) << each.file << " " << found.dmarc.reason;
        EXPECT_EQ(found.dmarc.policy, each.policy) << each.file;
    }
}

} // namespace
} // namespace mgw::auth
