#include "lib/filter/compiler.hpp"
#include "lib/filter/decide.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::filter;

namespace
{

constexpr std::string_view message = "From: Alice <alice+news@Example.NET>\r\n"
                                     "To: bob@example.org, Carol <carol@example.org>\r\n"
                                     "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= and\r\n a fold\r\n"
                                     "X-Score: 12\r\n"
                                     "Received: one\r\nReceived: two\r\n"
                                     "\r\nhello\r\n";

mail::Block two_recipients()
{
    mail::Block block;
    block.set_id("01JDF3M1S8W7Q2E5T9XK4V6B0C");
    block.set_client({.ip = "192.0.2.7", .name = "mail.example.net"});
    block.set_from("alice@example.net");
    block.add_recipient("1", "bob@example.org");
    block.add_recipient("2", "carol+lists@example.org", "NOTIFY=NEVER");
    block.add_result("mgw-auth", {{"dmarc", "fail"}, {"policy", "reject"}});
    block.add_result("mgw-scan", {{"virus", "clean"},
                                  {"parts", "3"},
                                  {"file.1", "a.zip"},
                                  {"type.1", "application/zip"},
                                  {"true.1", "application/zip"},
                                  {"member.1.1", "evil.exe"},
                                  {"member-true.1.1", "application/x-executable"}});
    return block;
}

/// The lines that a script adds to the block; or "error: …".
std::string added_by(const std::string& script)
{
    const auto compiled = compile(script, {.name = "p.sieve"});
    if (!compiled.program)
        return describe(compiled.problems.front(), "p.sieve");
    auto block = two_recipients();
    const auto before = block.lines();
    const auto decision = decide(*compiled.program, message, block, {}, {}, true);
    if (!decision) {
        EXPECT_EQ(block.lines(), before) << "a failed evaluation must not decide anything";
        return "error: " + decision.error().message;
    }
    return block.lines().substr(before.size());
}

struct Case {
    const char* name;
    std::string script;
    const char* want;
};

class Decides : public testing::TestWithParam<Case> {};
TEST_P(Decides, Lines)
{
    EXPECT_EQ(added_by(GetParam().script), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    Actions, Decides,
    testing::Values(
        Case{"ImplicitKeep", "", ""}, Case{"Keep", "keep;", ""}, Case{"Stop", "stop; discard;", ""},
        Case{"Discard", "discard;",
             "Mgw-Verdict: discard * class=policy by=mgw-filter at=p.sieve:1 text=Discarded by policy\n"},
        Case{"DiscardAndKeep", "discard; keep;", ""},
        Case{"Ereject", "require \"ereject\";\nereject \"Go\r\naway\xC3\xA9\";",
             "Mgw-Verdict: reject * 550 5.7.1 class=policy by=mgw-filter at=p.sieve:2 text=Go??away??\n"},
        Case{"Codes",
             "require [\"ereject\", \"vnd.mgw.verdict\"]; ereject :class \"content\" :code 554 :enhanced \"5.6.0\" "
             "\"No\";",
             "Mgw-Verdict: reject * 554 5.6.0 class=content by=mgw-filter at=p.sieve:1 text=No\n"},
        Case{"Quarantine", "require \"vnd.mgw.verdict\"; quarantine :class \"auth\";",
             "Mgw-Verdict: quarantine * class=auth by=mgw-filter at=p.sieve:1 text=Held for review\n"},
        Case{"Defer", "require \"vnd.mgw.verdict\"; defer \"Later\";",
             "Mgw-Verdict: defer * 451 4.7.1 class=policy by=mgw-filter at=p.sieve:1 text=Later\n"},
        Case{"Accept", "require \"vnd.mgw.verdict\"; accept :class \"spam\" \"a friend\";",
             "Mgw-Verdict: accept * class=spam by=mgw-filter at=p.sieve:1 text=a friend\n"},
        Case{"Fileinto", "require \"fileinto\"; fileinto \"A b\";", "Mgw-Mark: folder=A+20b * by=p.sieve:1\n"},
        Case{"PerRecipient",
             "require [\"envelope\", \"ereject\"]; if envelope \"to\" \"bob@example.org\" { ereject \"No\"; }",
             "Mgw-Verdict: reject 1 550 5.7.1 class=policy by=mgw-filter at=p.sieve:1 text=No\n"},
        Case{"EqualForAll",
             "require [\"envelope\", \"ereject\"]; if envelope :domain \"to\" \"example.org\" { ereject \"No\"; }",
             "Mgw-Verdict: reject * 550 5.7.1 class=policy by=mgw-filter at=p.sieve:1 text=No\n"},
        Case{"Redirect", "redirect \"x@example.com\";",
             "Mgw-To: 1.1 <x@example.com>\nMgw-To: 2.1 <x@example.com> NOTIFY=NEVER\n"},
        Case{"RedirectCopyForOne",
             "require [\"envelope\", \"copy\"]; if envelope :localpart \"to\" \"bob\" { redirect :copy "
             "\"x@example.com\"; }",
             "Mgw-To: 1.1 <x@example.com>\nMgw-To: 1.2 <bob@example.org>\n"},
        Case{"RejectAfterKeep", "require \"reject\"; keep;\nreject \"No\";",
             "error: p.sieve:2: reject: cannot follow the action of line 1: a message is either delivered or refused"},
        Case{"ReasonFromVariables",
             "require [\"ereject\", \"variables\"]; if header :matches \"subject\" \"* and*\" { set :upper \"w\" "
             "\"${1}\"; ereject \"${w} no\"; }",
             "Mgw-Verdict: reject * 550 5.7.1 class=policy by=mgw-filter at=p.sieve:1 text=GR????E no\n"}),
    [](const auto& info) { return info.param.name; });

struct Truth {
    const char* name;
    const char* test;
    bool want;
};

class Tests : public testing::TestWithParam<Truth> {};

TEST_P(Tests, AreTrueOrFalse)
{
    const std::string script =
        "require [\"envelope\", \"relational\", \"comparator-i;ascii-numeric\", \"subaddress\", \"variables\", "
        "\"environment\", \"encoded-character\", \"vnd.mgw.result\", \"vnd.mgw.attachment\"];\nif " +
        std::string(GetParam().test) + " { discard; }";
    const auto lines = added_by(script);
    EXPECT_EQ(lines.starts_with("Mgw-Verdict: discard"), GetParam().want) << lines;
    EXPECT_EQ(lines.empty(), !GetParam().want) << lines;
}

INSTANTIATE_TEST_SUITE_P(
    All, Tests,
    testing::Values(Truth{"HeaderDecoded",
                          "header :is \"Subject\" \"Gr\xC3\xBC\xC3\x9F"
                          "e and a fold\"",
                          true},
                    Truth{"HeaderCase", "header :contains \"SUBJECT\" \"AND A F\"", true},
                    Truth{"Octet", "header :contains :comparator \"i;octet\" \"subject\" \"AND\"", false},
                    Truth{"Matches", "header :matches \"subject\" \"Gr??e*fold\"", true},
                    Truth{"MatchesEnd", "header :matches \"subject\" \"*fol\"", false},
                    Truth{"Escaped", "header :matches \"subject\" \"*\\\\*\"", false},
                    Truth{"Exists", "exists [\"from\", \"x-score\"]", true},
                    Truth{"ExistsNot", "exists [\"from\", \"x-none\"]", false},
                    Truth{"CountHeader", "header :count \"eq\" \"received\" \"2\"", true},
                    Truth{"CountTen", "address :count \"lt\" \"to\" \"10\"", true},
                    Truth{"Value", "header :value \"gt\" :comparator \"i;ascii-numeric\" \"x-score\" \"9\"", true},
                    Truth{"ValueText", "header :value \"gt\" \"x-score\" \"9\"", false},
                    Truth{"AddressAll", "address \"from\" \"alice+news@example.net\"", true},
                    Truth{"AddressDomain", "address :domain \"from\" \"example.net\"", true},
                    Truth{"AddressUser", "address :user \"from\" \"alice\"", true},
                    Truth{"AddressDetail", "address :detail \"from\" \"news\"", true},
                    Truth{"NoDetail", "address :detail :matches \"to\" \"*\"", false},
                    Truth{"EnvelopeFrom", "envelope :localpart \"from\" \"alice\"", true},
                    Truth{"SizeOver", "size :over 1K", false}, Truth{"SizeUnder", "size :under 1K", true},
                    Truth{"Allof", "allof (true, not false, size :under 1M)", true},
                    Truth{"AllofNot", "allof (true, false, true)", false},
                    Truth{"Anyof", "anyof (false, false, true)", true},
                    Truth{"AnyofNot", "not anyof (true, false)", false},
                    Truth{"Encoded", "header :is \"x-score\" \"${hex:31 32}\"", true},
                    Truth{"Environment", "environment \"remote-ip\" \"192.0.2.7\"", true},
                    Truth{"NoSuchItem", "environment :matches \"vnd.other\" \"*\"", false},
                    Truth{"StringTest", "string :is \"${unset}\" \"\"", true},
                    Truth{"Result", "result \"mgw-auth\" \"dmarc\" \"fail\"", true},
                    Truth{"NoResult", "result :matches \"mgw-crypt\" \"signed\" \"*\"", false},
                    Truth{"ResultNumbered", "result :matches \"mgw-scan\" \"member\" \"*.exe\"", true},
                    Truth{"AttachmentName", "attachment :matches [\"*.scr\", \"*.exe\"]", true},
                    Truth{"AttachmentTrue", "attachment :truetype \"application/x-executable\"", true},
                    Truth{"AttachmentType", "attachment :type :contains \"pdf\"", false}),
    [](const auto& info) { return info.param.name; });

TEST(Decide, WithoutRecipientsTheMessageIsJudgedAsAWhole)
{
    mail::Block block;
    const auto program = compile("require \"fileinto\"; fileinto \"x\";", {.name = "p"}).program;
    ASSERT_TRUE(decide(*program, message, block, {}, {}, false));
    EXPECT_EQ(block.lines(), "Mgw-Mark: folder=x * by=p:1\n");
    EXPECT_FALSE(decide(*compile("redirect \"a@b.example\";", {}).program, message, block, {}, {}, false));
}

TEST(Decide, NamesAttachmentsItselfButRefusesToGuessTrueTypes)
{
    constexpr std::string_view mail = "Content-Type: application/zip; name=\"a.exe\"\n\nx\n";
    mail::Block block;
    const auto run = [&](const char* test) {
        const auto script = std::string("require \"vnd.mgw.attachment\"; if ") + test + " { discard; }";
        return decide(*compile(script, {}).program, mail, block, {}, {}, false).has_value();
    };
    EXPECT_TRUE(run("attachment \"a.exe\""));
    EXPECT_EQ(block.verdicts().size(), 1U);
    EXPECT_FALSE(run("attachment :truetype \"x/y\""));
}

TEST(Decide, AttachmentsThatALimitHidesAreNoReasonToLetAMessagePass)
{
    std::string mail = "Content-Type: multipart/mixed; boundary=b\n\n";
    for (const char* name : {"a.txt", "b.txt", "c.txt"})
        mail += std::string("--b\nContent-Type: x/y; name=") + name + "\n\nx\n";
    mail += "--b--\n";
    Limits limits;
    const auto run = [&](const char* test, mail::Block& block) {
        const auto script =
            std::string("require [\"vnd.mgw.attachment\", \"relational\"]; if ") + test + " { discard; }";
        return decide(*compile(script, {}).program, mail, block, limits, {}, false);
    };
    mail::Block whole;
    ASSERT_TRUE(run("attachment \"d.exe\"", whole));
    EXPECT_TRUE(whole.verdicts().empty());
    limits.parts = 3; // the multipart is one
    mail::Block cut;
    const auto outcome = run("attachment \"d.exe\"", cut);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().status, Status::temp_fail);
    EXPECT_NE(outcome.error().message.find("more attachments than the limits admit"), std::string::npos);
    EXPECT_FALSE(run("attachment :count \"eq\" \"2\"", cut));
    // what is seen decides all the same, and so does what mgw-scan saw, which has flags of its own
    EXPECT_TRUE(run("attachment \"a.txt\"", cut));
    mail::Block scanned;
    scanned.add_result("mgw-scan", {{"scan", "clean"}});
    EXPECT_TRUE(run("attachment \"d.exe\"", scanned));
}

TEST(Decide, LimitsHold)
{
    std::string script = "require \"variables\"; set \"a\" \"aaaaaaaaaaaaaaaa\";";
    for (int i = 0; i < 40; ++i)
        script += "set \"a\" \"${a}${a}${a}${a}\";";
    mail::Block block;
    RunLimits limits;
    limits.memory_octets = 100'000;
    EXPECT_FALSE(decide(*compile(script, {}).program, message, block, {}, limits, false));
    limits = {};
    limits.steps = 3;
    EXPECT_FALSE(
        decide(*compile("if header \"a\" \"b\" { keep; } keep;", {}).program, message, block, {}, limits, false));
    EXPECT_EQ(block.lines(), "");
}

TEST(Decide, ExplainsWhatItSaw)
{
    mail::Block block;
    const auto program = compile("if header :is \"x-score\" \"12\" { discard; }", {.name = "p"}).program;
    const auto decision = decide(*program, message, block, {}, {}, true);
    ASSERT_TRUE(decision);
    ASSERT_EQ(decision->trace.size(), 2U);
    EXPECT_EQ(decision->trace[0], "p:1: header :is \"x-score\" [\"12\"] is true; saw \"12\"");
    EXPECT_EQ(decision->trace[1], "p:1: discard");
    EXPECT_EQ(decision->lines, std::vector<std::string>{"p:1"});
}

} // namespace
