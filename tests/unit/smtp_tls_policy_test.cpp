#include "lib/smtp/client_dane.hpp"
#include "lib/smtp/client_tls_plan.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::smtp;

namespace
{

const std::string digest(64, 'a');

/// Answers like a zone, but is not trusted: a server somewhere in the network.
class Distant final : public dns::Resolver {
public:
    explicit Distant(std::unique_ptr<dns::Resolver> zone) : zone_(std::move(zone)) {}
    dns::Answer query(std::string_view name, dns::Type type) override { return zone_->query(name, type); }
    std::string describe() const override { return "distant"; }

private:
    std::unique_ptr<dns::Resolver> zone_;
};

std::unique_ptr<dns::Resolver> zone()
{
    const std::string text = R"(
$ORIGIN example.
$TTL 60
good 60 IN MX 10 mx.good
good SECURE
mx.good 60 IN A 192.0.2.1
mx.good SECURE
_25._tcp.mx.good 60 IN TLSA 3 1 1 )" +
                             digest + R"(
_25._tcp.mx.good 60 IN TLSA 1 0 1 )" +
                             digest + R"(
_25._tcp.mx.good SECURE
unsigned 60 IN MX 10 mx.unsigned
mx.unsigned 60 IN A 192.0.2.2
_25._tcp.mx.unsigned 60 IN TLSA 3 1 1 )" +
                             digest + R"(
_25._tcp.mx.unsigned SECURE
forged 60 IN MX 10 mx.forged
mx.forged 60 IN A 192.0.2.3
mx.forged SECURE
_25._tcp.mx.forged 60 IN TLSA 3 1 1 )" +
                             digest + R"(
useless 60 IN MX 10 mx.useless
mx.useless 60 IN A 192.0.2.4
mx.useless SECURE
_25._tcp.mx.useless 60 IN TLSA 1 1 1 )" +
                             digest + R"(
_25._tcp.mx.useless SECURE
broken 60 IN MX 10 mx.broken
broken 60 IN MX 20 mx.good
mx.broken 60 IN A 192.0.2.5
mx.broken SECURE
_25._tcp.mx.broken SERVFAIL
alias 60 IN MX 10 mx.alias
mx.alias CNAME mx.good
mx.alias SECURE
outside 60 IN MX 10 mx.outside
mx.outside CNAME mx.unsigned
mx.outside SECURE
_25._tcp.mx.outside 60 IN TLSA 3 1 1 )" +
                             digest + R"(
_25._tcp.mx.outside SECURE
)";
    auto resolver = dns::parse_zone(text, "test");
    EXPECT_TRUE(resolver) << resolver.error().message;
    return std::move(*resolver);
}

std::string decided(const std::string& destination, const TlsPlan& plan, dns::Resolver& resolver)
{
    const auto to = *parse_destination(destination);
    auto route = find_route(to, resolver, {"self.example", {}}, 1);
    decide_tls(route, to, plan, resolver);
    std::string text;
    for (const auto& host : route.hosts) {
        text += (text.empty() ? "" : ", ") + std::string(level_name(host.tls.level));
        if (!host.tls.tlsa.empty())
            text += " " + host.tls.tlsa_base + "/" + std::to_string(host.tls.tlsa.size());
        if (host.tls.refusal.code != 0)
            text += " refused " + host.tls.refusal.enhanced + " " + host.tls.trouble;
        else if (!host.tls.trouble.empty())
            text += " " + host.tls.trouble;
    }
    return text;
}

struct Case {
    const char* name;
    const char* destination;
    TlsLevel standard;
    const char* want;
};
class Dane_ : public testing::TestWithParam<Case> {};
TEST_P(Dane_, Decides)
{
    const auto resolver = zone();
    EXPECT_EQ(decided(GetParam().destination, {.standard = GetParam().standard}, *resolver), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Dane_,
    testing::Values(
        Case{"with_one_usable_record", "smtp:good.example", TlsLevel::may, "dane mx.good.example/1"},
        Case{"above_the_standard", "smtp:good.example", TlsLevel::none, "dane mx.good.example/1"},
        Case{"for_a_named_host", "smtp:[mx.good.example]", TlsLevel::may, "dane mx.good.example/1"},
        Case{"not_of_another_port", "smtp:[mx.good.example]:587", TlsLevel::may, "may"},
        Case{"not_for_an_address", "smtp:[192.0.2.1]", TlsLevel::may, "may"},
        Case{"not_where_addresses_are_unsigned", "smtp:unsigned.example", TlsLevel::may, "may"},
        Case{"not_by_unsigned_records", "smtp:forged.example", TlsLevel::may, "may"},
        Case{"to_encrypt_where_none_is_usable", "smtp:useless.example", TlsLevel::may, "encrypt tlsa-invalid"},
        Case{"to_verify_where_that_is_asked", "smtp:useless.example", TlsLevel::verify, "verify tlsa-invalid"},
        Case{"to_pass_over_a_host_whose_look_up_failed", "smtp:broken.example", TlsLevel::may,
             "may refused 4.7.5 dnssec-invalid, dane mx.good.example/1"},
        Case{"by_the_name_behind_aliases", "smtp:alias.example", TlsLevel::may, "dane mx.good.example/1"},
        Case{"by_the_alias_that_leads_outside", "smtp:outside.example", TlsLevel::may, "dane mx.outside.example/1"},
        Case{"that_it_is_missing", "smtp:unsigned.example", TlsLevel::dane, "dane refused 4.7.5 dane-required"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Dane, NeedsATrustedResolver)
{
    Distant distant(zone());
    EXPECT_EQ(decided("smtp:good.example", {}, distant), "may");
    EXPECT_EQ(decided("smtp:good.example", {.standard = TlsLevel::dane}, distant), "dane refused 4.7.5 dane-required");
}

TEST(Dane, CanBeSwitchedOff)
{
    const auto resolver = zone();
    EXPECT_EQ(decided("smtp:good.example", {.dane = false}, *resolver), "may");
}

TEST(Dane, KnowsUsableRecords)
{
    const auto record = [](int usage, int selector, int matching, std::size_t size) {
        return std::string{static_cast<char>(usage), static_cast<char>(selector), static_cast<char>(matching)} +
               std::string(size, 'x');
    };
    EXPECT_TRUE(is_usable_tlsa(record(3, 1, 1, 32)));
    EXPECT_TRUE(is_usable_tlsa(record(2, 0, 2, 64)));
    for (const auto& bad : {record(0, 1, 1, 32), record(1, 1, 1, 32), record(4, 1, 1, 32), record(3, 2, 1, 32),
                            record(3, 1, 3, 32), record(3, 1, 1, 31), record(3, 1, 2, 32), record(3, 0, 0, 40),
                            record(3, 1, 1, 0), record(255, 1, 1, 32), std::string{}, std::string("\3\1", 2)})
        EXPECT_FALSE(is_usable_tlsa(bad)) << bad.size();
}

TEST(Table, IsFoundByDomain)
{
    const auto table = TlsTable::parse("# levels\nexample.org verify # ours\n.example.org encrypt\n"
                                       ".a.example.org none\nbücher.example secure\n[mail.example.org] none\n",
                                       "t");
    ASSERT_TRUE(table) << table.error().message;
    const auto level = [&](const char* domain, bool brackets = false) {
        const auto* entry = table->find(domain, brackets);
        return entry == nullptr ? std::string("-") : std::string(level_name(entry->level)) + " " + entry->place;
    };
    EXPECT_EQ(level("example.org"), "verify t:2");
    EXPECT_EQ(level("b.example.org"), "encrypt t:3");
    EXPECT_EQ(level("x.y.a.example.org"), "none t:4");
    EXPECT_EQ(level("xn--bcher-kva.example"), "secure t:5");
    EXPECT_EQ(level("mail.example.org", true), "none t:6");
    EXPECT_EQ(level("mail.example.org"), "encrypt t:3");
    EXPECT_EQ(level("other.example"), "-");
}

TEST(Table, SaysWhereItIsWrong)
{
    const std::pair<const char*, const char*> bad[] = {{"example.org\n", "t:1: "},
                                                       {"\nexample.org maybe\n", "t:2: "},
                                                       {"a b c\n", "t:1: "},
                                                       {"a..b may\n", "t:1: "},
                                                       {"a.b may\nA.B none\n", "t:2: a.b has a level already"}};
    for (const auto& [text, message] : bad) {
        const auto table = TlsTable::parse(text, "t");
        ASSERT_FALSE(table) << text;
        EXPECT_EQ(table.error().message.substr(0, std::string_view(message).size()), message);
    }
}

} // namespace
