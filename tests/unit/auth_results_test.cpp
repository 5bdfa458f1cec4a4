#include "lib/auth/authres.hpp"
#include "lib/auth/dmarc.hpp"
#include "lib/auth/domain.hpp"
#include "lib/core/fd.hpp"

#include <gtest/gtest.h>

namespace mgw::auth
{
namespace
{

struct Claim {
    const char* value;
    bool ours;
};
TEST(Results, ClaimsAreSeenHoweverTheyAreWritten)
{
    for (const auto& each :
         {Claim{" mx.example.org; dkim=pass", true}, Claim{" MX.Example.ORG.;", true},
          Claim{"\r\n\t(c (n) \\) x) mx.example.org 1; x", true}, Claim{" \"mx.example\\.org\" ;", true},
          Claim{" mx.example.org/1; spf=pass", true}, Claim{" mx.example.org", true},
          Claim{" (unclosed mx.example.org; dkim=pass", true}, Claim{" \"mx.example.org; dkim=pass", true},
          Claim{" other.example; (mx.example.org)", false}, Claim{" sub.mx.example.org; none", false}, Claim{"", false},
          Claim{" mx.example.organ; none", false}})
        EXPECT_EQ(claims(each.value, "mx.example.org"), each.ours) << each.value;
}

TEST(Results, ForgedFieldsAreFoundAndOthersLeft)
{
    const auto octets = read_file(MGW_TEST_DATA "/auth/forged-results.eml");
    ASSERT_TRUE(octets);
    EXPECT_EQ(forged_results(mail::Message(*octets), "mx.example.org").size(), 3U);
}

TEST(Results, ForgedFieldsBehindTheLimitsAreFound)
{
    std::string octets;
    for (int i = 0; i < 1500; ++i)
        octets += "X: y\n";
    octets += "Authentication-Results: mx.example.org; dkim=pass\n\nbody\n";
    EXPECT_EQ(forged_results(mail::Message(octets), "mx.example.org").size(), 1U);
}

TEST(Results, ForeignValuesCannotLeaveTheirPlace)
{
    const auto field =
        results_field("mx.example.org",
                      {{"spf", "pass", "a) b=c (d", "say \"no\"\r\nX: y", {{"smtp.mailfrom", "a\n b;c@example.net"}}}});
    for (std::size_t at = field.find('\n'); at != std::string::npos; at = field.find('\n', at + 1))
        EXPECT_EQ(field[at + 1], ' ') << field;
    EXPECT_NE(field.find("smtp.mailfrom=\""), std::string::npos) << field;
    EXPECT_NE(field.find("\\\"no\\\""), std::string::npos) << field;
}

TEST(Domain, HasOneForm)
{
    EXPECT_EQ(normal_domain("EXAMPLE.net."), "example.net");
    EXPECT_EQ(normal_domain("b\xc3\xbc"
                            "cher.example"),
              "xn--bcher-kva.example");
    EXPECT_EQ(normal_domain("B\xc3\x9c"
                            "cher.example"),
              "xn--bcher-kva.example");
    for (const auto* bad : {"", ".", "a..b", "a b", "-\n", "\xff.example"})
        EXPECT_EQ(normal_domain(bad), "") << bad;
    EXPECT_EQ(normal_domain(std::string(64, 'a') + ".example"), "");
}

struct RecordCase {
    const char* text;
    bool usable;
    Policy p;
};
TEST(Dmarc, RecordsAreReadStrictlyWhereTheLibraryIsNot)
{
    for (const auto& each :
         {RecordCase{"v=DMARC1; p=reject", true, Policy::reject},
          RecordCase{"v=DMARC1;p=REJECT;", true, Policy::reject}, RecordCase{"p=reject; v=DMARC1", false, Policy::none},
          RecordCase{"v=dmarc1; p=reject", false, Policy::none}, RecordCase{"v=DMARC1; p=rej", false, Policy::none},
          RecordCase{"v=DMARC1; p=rej; rua=mailto:a@b.example", true, Policy::none},
          RecordCase{"v=DMARC1; p=none; p=reject", false, Policy::none},
          RecordCase{"v=DMARC1; p=reject; pct=101; ri=x; fo=q; aspf=z", true, Policy::reject},
          RecordCase{"v=DMARC1; sp=none", false, Policy::none},
          RecordCase{"v=DMARC1; p=quarantine; garbage; x=y", true, Policy::quarantine}}) {
        const auto record = parse_dmarc(each.text, "example.net");
        EXPECT_EQ(record.has_value(), each.usable) << each.text;
        if (record) {
            EXPECT_EQ(record->p, each.p) << each.text;
        }
    }
    const auto full =
        parse_dmarc("v=DMARC1; p=reject; np=none; psd=n; t=y; adkim=s; rua=mailto:a@b.example!10m,mailto:c@d.example",
                    "example.net");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->np, Policy::none);
    EXPECT_EQ(full->psd, 'n');
    EXPECT_TRUE(full->testing && full->strict_dkim && !full->strict_spf);
    EXPECT_EQ(full->rua, (std::vector<std::string>{"mailto:a@b.example", "mailto:c@d.example"}));
}

/// Counts look-ups.
class Counting : public dns::Resolver {
public:
    dns::Answer query(std::string_view, dns::Type) override
    {
        ++count;
        return {code, {}, 0, false};
    }
    std::string describe() const override { return "none"; }
    int count = 0;
    dns::Code code = dns::Code::no_name;
};

TEST(Dmarc, AWalkAsksAtMostEightTimes)
{
    Counting resolver;
    find_org_domain("a.b.c.d.e.f.g.h.i.j.k.example.net", resolver, Discovery::walk);
    EXPECT_EQ(resolver.count, 8);
}

TEST(Dmarc, AFailedLookUpIsTemporaryAndSeveralAuthorsCountAsTheWorst)
{
    Counting resolver;
    resolver.code = dns::Code::servfail;
    EXPECT_EQ(check_dmarc("example.net", {}, resolver, Discovery::walk).result, "temperror");
    auto zone = dns::parse_zone(
        "_dmarc.a.example. TXT \"v=DMARC1; p=none\"\n_dmarc.b.example. TXT \"v=DMARC1; p=reject; t=y\"\n", "t");
    ASSERT_TRUE(zone);
    const auto result =
        check_dmarc_authors({"a.example", "B.example"}, {{"spf", "a.example", "pass"}}, **zone, Discovery::walk);
    EXPECT_EQ(result.result, "fail");
    EXPECT_EQ(result.from_domain, "b.example");
    EXPECT_EQ(result.asked, Policy::reject);
    EXPECT_EQ(result.policy, Policy::quarantine);
    EXPECT_EQ(check_dmarc_authors({}, {}, **zone, Discovery::walk).result, "permerror");
}

} // namespace
} // namespace mgw::auth
