#include "lib/dns/cache.hpp"
#include "lib/dns/message.hpp"

#include <gtest/gtest.h>

using namespace mgw::dns;
using namespace std::string_literals;

namespace
{

std::string number(unsigned value, int octets)
{
    std::string out;
    for (int i = octets - 1; i >= 0; --i)
        out += static_cast<char>(i < 4 ? value >> (8 * i) : 0);
    return out;
}

std::string wire(std::string_view name)
{
    std::string out;
    while (!name.empty()) {
        const auto dot = std::min(name.find('.'), name.size());
        out += static_cast<char>(dot);
        out += name.substr(0, dot);
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return out + '\0';
}

std::string record(std::string_view owner, Type type, unsigned ttl, const std::string& data)
{
    return wire(owner) + number(static_cast<unsigned>(type), 2) + number(1, 2) + number(ttl, 4) +
           number(static_cast<unsigned>(data.size()), 2) + data;
}

std::string reply(std::string_view name, Type type, const std::vector<std::string>& answers, unsigned flags = 0x8180,
                  const std::string& authority = "")
{
    std::string out = number(7, 2) + number(flags, 2) + number(1, 2) +
                      number(static_cast<unsigned>(answers.size()), 2) + number(authority.empty() ? 0 : 1, 2) +
                      number(0, 2) + wire(name) + number(static_cast<unsigned>(type), 2) + number(1, 2);
    for (const auto& answer : answers)
        out += answer;
    return out + authority;
}

std::string text(std::string_view strings)
{
    std::string out;
    while (!strings.empty()) {
        const auto piece = strings.substr(0, 255);
        out += static_cast<char>(piece.size());
        out += piece;
        strings.remove_prefix(piece.size());
    }
    return out;
}

} // namespace

TEST(Query, HasNameTypeAndAnOptRecordAtItsEnd)
{
    const auto query = build_query("a.example", Type::mx, 0x1234);
    EXPECT_EQ(query,
              "\x12\x34\x01\x20\0\1\0\0\0\0\0\1"s + "\1a\7example\0\0\x0f\0\1"s + "\0\0\x29\x04\xd0\0\0\0\0\0\0"s);
}

TEST(Reply, FollowsAliasesAndJoinsStrings)
{
    const std::string longer(600, 'x');
    const auto answer = parse_reply(reply("A.example", Type::txt,
                                          {record("a.example", Type::cname, 60, wire("b.example")),
                                           record("B.EXAMPLE", Type::txt, 300, text(longer)),
                                           record("c.example", Type::txt, 300, text("not asked for"))},
                                          0x81a0),
                                    "a.example", Type::txt);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, Code::ok);
    ASSERT_EQ(answer->records.size(), 1U);
    EXPECT_EQ(answer->records[0].data, longer);
    EXPECT_EQ(answer->ttl_seconds, 60U);
    EXPECT_TRUE(answer->secure);
}

TEST(Reply, UndoesCompressionBackwardsOnly)
{
    // The name after the preference is "mail" and a pointer to octet 12, the question.
    const auto good =
        parse_reply(reply("example.net", Type::mx, {record("example.net", Type::mx, 9, "\0\x0a\4mail\xc0\x0c"s)}),
                    "example.net", Type::mx);
    ASSERT_TRUE(good);
    ASSERT_EQ(good->records.size(), 1U);
    EXPECT_EQ(good->records[0].data, "mail.example.net");
    EXPECT_EQ(good->records[0].preference, 10);
    // A pointer to itself ends nowhere: the record is left out.
    const auto message = reply("example.net", Type::mx, {record("example.net", Type::mx, 9, "\0\x0a\xc0\x36"s)});
    const auto bad = parse_reply(message, "example.net", Type::mx);
    ASSERT_TRUE(bad);
    EXPECT_EQ(bad->code, Code::no_data);
}

TEST(Reply, CircleOfAliasesIsAFailure)
{
    std::vector<std::string> circle = {record("a.example", Type::cname, 60, wire("b.example")),
                                       record("b.example", Type::cname, 60, wire("a.example"))};
    EXPECT_EQ(parse_reply(reply("a.example", Type::a, circle), "a.example", Type::a)->code, Code::servfail);
    std::vector<std::string> chain;
    for (int i = 0; i < 2000; ++i)
        chain.push_back(record("n" + std::to_string(i), Type::cname, 60, wire("n" + std::to_string(i + 1))));
    EXPECT_EQ(parse_reply(reply("n0", Type::a, chain), "n0", Type::a)->code, Code::servfail);
}

TEST(Reply, TakesThousandsOfRecordsAndLongTexts)
{
    const std::vector<std::string> many(3000, record("x", Type::a, 60, "\x01\x02\x03\x04"));
    EXPECT_EQ(parse_reply(reply("x", Type::a, many), "x", Type::a)->records.size(), 3000U);
    const std::string big(65000, 'y');
    EXPECT_EQ(
        parse_reply(reply("x", Type::txt, {record("x", Type::txt, 60, text(big))}), "x", Type::txt)->records[0].data,
        big);
}

TEST(Reply, NegativeAnswersLiveAsLongAsTheSoaSays)
{
    const auto soa = record("example", Type::soa, 120, wire("ns") + wire("hm") + number(1, 16) + number(77, 4));
    const auto answer = parse_reply(reply("x.example", Type::a, {}, 0x8183, soa), "x.example", Type::a);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->code, Code::no_name);
    EXPECT_EQ(answer->ttl_seconds, 77U);
    EXPECT_EQ(parse_reply(reply("x.example", Type::a, {}, 0x8182), "x.example", Type::a)->code, Code::servfail);
}

TEST(Reply, ToAnotherQuestionIsNone)
{
    const auto message = reply("a.example", Type::a, {});
    EXPECT_FALSE(parse_reply(message, "b.example", Type::a));
    EXPECT_FALSE(parse_reply(message, "a.example", Type::aaaa));
    EXPECT_FALSE(parse_reply(reply("a.example", Type::a, {}, 0x0100), "a.example", Type::a)) << "a question";
}

TEST(Reply, CutAnywhereIsNeverReadBeyondItsEnd)
{
    const auto whole = reply("a.example", Type::mx,
                             {record("a.example", Type::cname, 60, wire("b.example")),
                              record("b.example", Type::mx, 60, "\0\1"s + wire("mail.example"))});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const std::string cut = whole.substr(0, length);
        const auto answer = parse_reply(cut, "a.example", Type::mx);
        if (answer)
            ADD_FAILURE() << "complete at " << length << " of " << whole.size();
    }
    EXPECT_TRUE(parse_reply(whole, "a.example", Type::mx));
}

TEST(Cache, KeepsAnswersForTheirTime)
{
    Cache cache;
    const Cache::Time start{};
    const auto key = Cache::key("Mail.Example", Type::a);
    EXPECT_EQ(key, Cache::key("mail.example", Type::a));
    EXPECT_NE(key, Cache::key("mail.example", Type::aaaa));
    cache.store(key, {.code = Code::ok, .records = {{"192.0.2.1"}}, .ttl_seconds = 60}, start);
    ASSERT_NE(cache.find(key, start + std::chrono::seconds(59)), nullptr);
    EXPECT_EQ(cache.find(key, start + std::chrono::seconds(61)), nullptr);
    cache.store(key, {.code = Code::servfail, .ttl_seconds = 1000}, start);
    EXPECT_NE(cache.find(key, start + std::chrono::seconds(4)), nullptr) << "a dead server costs one wait";
    EXPECT_EQ(cache.find(key, start + std::chrono::seconds(6)), nullptr);
}

TEST(Cache, DoesNotGrowWithoutBound)
{
    Cache cache;
    for (int i = 0; i < 30000; ++i)
        cache.store(Cache::key("n" + std::to_string(i), Type::a), {.ttl_seconds = 3600}, {});
    EXPECT_LE(cache.size(), 10000U);
}
