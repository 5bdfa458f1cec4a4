#include "lib/core/random.hpp"
#include "lib/mail/diff.hpp"
#include "lib/mail/edits_json.hpp"

#include <chrono>
#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

/// What holds of every pair.
void expect_exact(std::string_view before, std::string_view after, const Change& change)
{
    const auto there = replay(change, before);
    ASSERT_TRUE(there) << there.error().message;
    EXPECT_EQ(*there, after);
    const auto back = replay(reversed(change), after);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, before);
    const auto read = changes_from_json(to_json(change));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 1U);
    EXPECT_EQ(replay(read->front(), before).value(), after);
    EXPECT_EQ(to_json(read->front()), to_json(change));
}

std::string steps(const Change& change)
{
    std::string out;
    for (const auto& step : change.steps)
        out += (out.empty() ? "" : "|") + step.what;
    return out;
}

struct Case {
    const char* name;
    std::string before;
    std::string after;
    std::string what;
};
class Differs : public testing::TestWithParam<Case> {};

TEST_P(Differs, IsSaidAndIsExact)
{
    const auto& c = GetParam();
    const auto change = diff(c.before, c.after);
    EXPECT_EQ(steps(change), c.what);
    expect_exact(c.before, c.after, change);
    expect_exact(c.after, c.before, diff(c.after, c.before));
}

const std::string plain = "Received: a\nReceived: b\nFrom: x\nSubject: old\n\nline one\nline two\nline three\n";
const std::string two = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b\n"
                        "Content-Type: application/pdf\n\nPDF\n--b--\n";
const std::string three = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b\n"
                          "Content-Type: text/plain\n\nnotice\n--b\nContent-Type: application/pdf\n\nPDF\n--b--\n";
const std::string inner = "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b\n"
                          "Content-Type: application/pgp-signature\n\nsig\n--b--\n";

std::string with(std::string text, std::string_view old, std::string_view fresh)
{
    return text.replace(text.find(old), old.size(), fresh);
}

INSTANTIATE_TEST_SUITE_P(
    Diff, Differs,
    testing::Values(
        Case{"nothing", plain, plain, ""}, Case{"empty", "", "", ""},
        Case{"from_nothing", "", "A: b\n", "field A added"},
        Case{"field_added", plain, "X-New: 1\n" + plain, "field X-New added"},
        Case{"field_removed", plain, with(plain, "Received: b\n", ""), "field Received removed"},
        Case{"field_replaced", plain, with(plain, "old", "[tag] old"), "field Subject replaced"},
        Case{"two_added_one_replaced", plain, "A: 1\nB: 2\n" + with(plain, "old", "new"),
             "field A added|field B added|field Subject replaced"},
        Case{"folded_otherwise", with(plain, "old", "a b c"), with(plain, "old", "a b\n c"), "field Subject replaced"},
        Case{"body_octets", plain, with(plain, "two", "2"), "body: 3 octets replaced by 1"},
        Case{"body_line_added", plain, with(plain, "line two", "line\nline two"), "body: 5 octets added"},
        Case{"end_removed", plain, plain.substr(0, plain.size() - 1), "body: 1 octet removed"},
        Case{"empty_line_gone", "A: 1\n\n", "A: 1\n", "end of the header: 1 octet removed"},
        Case{"from_line", plain, "From x@y Tue Nov 24 05:47:35 2026\n" + plain, "From line: 34 octets added"},
        Case{"block", plain, "Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0C\nMgw-End:\n" + plain,
             "envelope line Mgw-Id added|envelope line Mgw-End added"},
        Case{"part_changed", two, with(two, "hello", "hullo"), "part 1.1 (text/plain): 1 octet replaced by 1"},
        Case{"part_header_changed", two, with(two, "application/pdf", "application/PDF"),
             "part 1.2 (application/pdf) header: 3 octets replaced by 3"},
        Case{"part_added", two, three, "part 1.2 (text/plain) added"},
        Case{"part_removed", three, two, "part 1.2 (text/plain) removed"},
        Case{"last_part_removed", two, with(two, "--b\nContent-Type: application/pdf\n\nPDF\n", ""),
             "part 1.2 (application/pdf) removed"},
        Case{"signed_part", inner, with(inner, "hello", "hallo"), "part 1.1 (text/plain): 1 octet replaced by 1"},
        Case{"utf8_whole", with(plain, "two", "\xC3\xA4"), with(plain, "two", "\xC3\xB6"),
             "body: 2 octets replaced by 2"},
        Case{"binary", std::string("A: b\n\n\0\xFF ", 9), std::string("A: b\n\n\0\xFE ", 9),
             "body: 1 octet replaced by 1"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Diff, FieldsAreCountedFromTheBottom)
{
    const auto change = diff(plain, with(plain, "Received: a", "Received: c"));
    ASSERT_EQ(change.steps.size(), 1U);
    EXPECT_EQ(change.steps[0].field, "Received");
    EXPECT_EQ(change.steps[0].instance, 2U);
    EXPECT_EQ(change.steps[0].removed, "Received: a\n");
    EXPECT_EQ(change.steps[0].inserted, "Received: c\n");
}

TEST(Diff, SaysWhereASignatureIsBroken)
{
    EXPECT_TRUE(diff(inner, with(inner, "hello", "hallo")).steps.at(0).is_in_signed);
    EXPECT_FALSE(diff(inner, "X: y\n" + inner).steps.at(0).is_in_signed);
    EXPECT_FALSE(diff(two, with(two, "hello", "hallo")).steps.at(0).is_in_signed);
}

TEST(Diff, StepsAreSmall)
{
    std::string before = "A: b\n\n";
    for (int i = 0; i < 2000; ++i)
        before += "line " + std::to_string(i) + " " + std::string(60, 'x') + "\n";
    const auto after =
        with(with(with(before, "line 20 ", "line zwanzig "), "line 1000 ", ""), "line 1999 ", "LINE 1999 ");
    const auto change = diff(before, after);
    expect_exact(before, after, change);
    EXPECT_EQ(change.steps.size(), 3U);
    std::size_t octets = 0;
    for (const auto& step : change.steps)
        octets += step.removed.size() + step.inserted.size();
    EXPECT_LT(octets, 40U);
}

TEST(Diff, AnyTwoMessagesGoThereAndBack)
{
    Random random{11};
    const std::string_view pieces[] = {"A: b\n",       "A: c\n",    " folded\n",
                                       "\n",           "--x\n",     "--x--\n",
                                       "text\n",       "\r\n",      "Content-Type: multipart/mixed; boundary=x\n",
                                       "\xC3\xA4\xC3", "From a b\n"};
    const auto make = [&] {
        std::string out;
        for (auto count = random.next() % 30; count > 0; --count)
            out += pieces[random.next() % std::size(pieces)];
        return out;
    };
    for (int i = 0; i < 3000; ++i) {
        const auto before = make();
        const auto after = make();
        const auto third = make();
        const auto change = diff(before, after);
        ASSERT_EQ(replay(change, before).value(), after);
        ASSERT_EQ(replay(reversed(change), after).value(), before);
        const auto whole = joined(change, diff(after, third));
        ASSERT_TRUE(whole) << whole.error().message;
        ASSERT_EQ(replay(*whole, before).value(), third);
        ASSERT_EQ(replay(reversed(*whole), third).value(), before);
    }
}

double seconds_for(const std::string& before, const std::string& after)
{
    const auto start = std::chrono::steady_clock::now();
    const auto change = diff(before, after);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(replay(change, before).value(), after);
    return took.count();
}

TEST(Diff, HostilePairsHaveABoundedCost)
{
    const std::string head = "A: b\n\n";
    std::string few; // two texts in turn, and the other way round: nothing is unique
    std::string other;
    std::string moved; // every line unique, in reverse order
    std::string back;
    for (int i = 0; i < 200000; ++i) {
        few += i % 3 == 0 ? "a\n" : "b\n";
        other += i % 5 == 0 ? "b\n" : "a\n";
        moved += std::to_string(i) + "\n";
        back += std::to_string(200000 - i) + "\n";
    }
    EXPECT_LT(seconds_for(head + few, head + other), 20);
    EXPECT_LT(seconds_for(head + moved, head + back), 20);
    EXPECT_LT(seconds_for(head + std::string(3000000, '\n'), head + std::string(2000000, '\n') + "x\n"), 20);
    EXPECT_LT(seconds_for(head + std::string(3000000, 'x'), head + std::string(3000000, 'y')), 20);
}

TEST(Diff, LineEndsAreToldApart)
{
    EXPECT_EQ(line_ends_changed("a\nb\n", "a\r\nb\r\n"), "LF became CRLF");
    EXPECT_EQ(line_ends_changed("a\r\nb\r\n", "a\nb\n"), "CRLF became LF");
    EXPECT_EQ(line_ends_changed("a\r\nb\n", "a\nb\r\n"), "line ends changed both ways");
    EXPECT_EQ(line_ends_changed("a\n", "a\n"), "");
    EXPECT_EQ(line_ends_changed("a\n", "a\r\nb"), "");
    EXPECT_EQ(line_ends_changed("a\rb", "ab"), "");
}

TEST(Change, IsRefusedOnAnotherMessage)
{
    const auto change = diff(plain, "X: 1\n" + plain);
    for (const auto& wrong : {std::string(), plain + "x", "X: 1\n" + plain, with(plain, "old", "new")}) {
        const auto out = replay(change, wrong);
        ASSERT_FALSE(out);
        EXPECT_EQ(out.error().status, Status::data);
    }
}

TEST(Change, DamagedStepsAreRefused)
{
    const auto good = diff(plain, with(plain, "old", "new"));
    const auto refused = [&](auto damage) {
        Change bad = good;
        damage(bad);
        const auto out = replay(bad, plain);
        return !out && out.error().status == Status::data;
    };
    EXPECT_TRUE(refused([](Change& c) { c.steps[0].offset += 1; }));
    EXPECT_TRUE(refused([](Change& c) { c.steps[0].offset = static_cast<std::size_t>(-1); }));
    EXPECT_TRUE(refused([](Change& c) { c.steps[0].inserted += "x"; }));
    EXPECT_TRUE(refused([](Change& c) { c.steps[0].inserted[0] ^= 1; }));
    EXPECT_TRUE(refused([](Change& c) { c.steps[0].removed[0] ^= 1; }));
    EXPECT_TRUE(refused([](Change& c) { c.steps.push_back(c.steps[0]); }));
    EXPECT_TRUE(refused([](Change& c) { c.steps.clear(); }));
    EXPECT_TRUE(refused([](Change& c) { c.sha256_after = c.sha256_before; }));
}

TEST(Change, EditsOfAStageAreTheSameThing)
{
    const Message message(plain);
    Edits edits;
    edits.remove_field(message.fields()[1]);
    edits.prepend_field(message, "X: 1");
    edits.prepend_field(message, "Y: 2");
    edits.replace_field(message, message.fields()[3], "Subject: new");
    auto change = change_of(plain, edits);
    ASSERT_TRUE(change);
    const auto after = edits.apply(plain).value();
    explain(*change, plain, after);
    EXPECT_EQ(steps(*change), "field X added|field Y added|field Received removed|field Subject replaced");
    expect_exact(plain, after, *change);
    EXPECT_EQ(edits_of(*change).apply(plain).value(), after);
    Edits twice;
    twice.remove_field(message.fields()[1]);
    twice.remove_field(message.fields()[1]);
    EXPECT_EQ(change_of(plain, twice).error().status, Status::temp_fail);
}

TEST(Change, StagesJoin)
{
    const std::string second = "A: 1\n" + with(plain, "old", "middle");
    const std::string third = "B: 2\n" + with(with(second, "middle", "new"), "A: 1\n", "");
    const auto first = diff(plain, second);
    const auto next = diff(second, third);
    const auto whole = joined(first, next);
    ASSERT_TRUE(whole);
    expect_exact(plain, third, *whole);
    EXPECT_EQ(joined(next, first).error().status, Status::data);
    EXPECT_TRUE(joined(first, reversed(first)).value().empty());
}

TEST(EditsJson, KeepsEveryOctet)
{
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    expect_exact("A: b\n\n", "A: b\n\n" + all, diff("A: b\n\n", "A: b\n\n" + all));
    const std::string hostile = "A: b\n\n\"\\\xE2\x80\xAE\xC2\x9B\xF0\x9F\x98\x80/\t\r\n";
    const auto json = to_json(diff("A: b\n\n", hostile));
    EXPECT_NE(json.find("\\u202e"), std::string::npos) << json;
    EXPECT_EQ(json.find('\xAE'), std::string::npos);
    expect_exact("A: b\n\n", hostile, diff("A: b\n\n", hostile));
}

TEST(EditsJson, SeveralObjectsFollowEachOther)
{
    const auto json = to_json(diff(plain, two));
    EXPECT_EQ(changes_from_json(json + "\n" + json + "\n").value().size(), 2U);
    EXPECT_EQ(changes_from_json(json + json).value().size(), 2U);
    std::string spread = json;
    for (std::size_t at = 0; (at = spread.find(",\"", at)) != std::string::npos; at += 3)
        spread.replace(at, 1, ",\n  ");
    EXPECT_EQ(changes_from_json(spread).value().size(), 1U);
}

TEST(EditsJson, AnythingElseIsRefused)
{
    const std::string good = to_json(diff("A: b\n\nx", "A: b\n\ny"));
    ASSERT_TRUE(changes_from_json(good));
    const std::pair<const char*, const char*> damages[] = {
        {"\"mgw-edits\":1", "\"mgw-edits\":2"},
        {"\"mgw-edits\":1", "\"mgw-edits\":true"},
        {"\"octets\":7", "\"octets\":-7"},
        {"\"octets\":7", "\"octets\":7.5"},
        {"\"sha256\":\"", "\"sha256\":\"g"},
        {"\"before\"", "\"earlier\""},
        {"\"edits\":[", "\"edits\":{\"a\":["},
        {"\"offset\":6", "\"offset\":\"6\""},
        {"\"offset\":6", "\"offset\":99999999999999999999999"},
        {"\"removed\":\"x\"", "\"removed\":[]"},
        {"\"removed\":\"x\"", "\"removed-base64\":\"?\""},
        {"\"removed\":\"x\"", "\"removed\":\"x\",\"removed-base64\":\"eA==\""},
        {"}]}", "}]"},
        {"}]}", "}]}x"},
    };
    for (const auto& [old, fresh] : damages) {
        ASSERT_NE(good.find(old), std::string::npos) << old << " in " << good;
        const auto read = changes_from_json(with(good, old, fresh));
        ASSERT_FALSE(read) << fresh;
        EXPECT_EQ(read.error().status, Status::data);
    }
    for (const char* text : {"", " \n", "{}", "[]", "null", "x", "{\"mgw-edits\":1}", "\"{\""})
        EXPECT_FALSE(changes_from_json(text)) << text;
    EXPECT_FALSE(changes_from_json(std::string(1000000, '[')));
    EXPECT_FALSE(changes_from_json("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}"));
}

} // namespace
} // namespace mgw::mail
