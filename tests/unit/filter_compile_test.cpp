#include "lib/filter/compiler.hpp"

#include <gtest/gtest.h>

using namespace mgw::filter;

namespace
{

struct Case {
    const char* name;
    std::string script;
    const char* want; ///< "" for a script that compiles, else the first problem without the script's name
};

class Compile : public testing::TestWithParam<Case> {};

TEST_P(Compile, SaysWhatIsWrongAndWhere)
{
    const auto compiled = compile(GetParam().script, {.name = "p"});
    EXPECT_EQ(compiled.program.has_value(), compiled.problems.empty());
    EXPECT_EQ(compiled.problems.empty() ? "" : describe(compiled.problems.front(), "p").substr(2), GetParam().want);
}

std::string nested(std::size_t levels)
{
    std::string out = "if ";
    for (std::size_t i = 0; i < levels; ++i)
        out += "not ";
    return out + "true { keep; }";
}

INSTANTIATE_TEST_SUITE_P(
    Scripts, Compile,
    testing::Values(
        Case{"Empty", "", ""}, Case{"Comments", "# one\r\n/* two */ keep; # three", ""},
        Case{"IfElse", "if true { keep; } elsif false { discard; } else { stop; }", ""},
        Case{"Numbers", "if size :over 4G { discard; }", ""},
        Case{"MultiLine", "require \"reject\";\nreject text: # why\nNo.\n..dot\n.\n;", ""},
        Case{"OldComment", "/* keep;", "1:1: this comment is never closed"},
        Case{"OpenString", "keep;\n  redirect \"a", "2:12: this string is never closed"},
        Case{"HugeNumber", "if size :over 99999999999999999999 { keep; }", "1:15: this number is too large"},
        Case{"HugeQuantifier", "if size :over 99999999999G { keep; }", "1:15: this number is too large"},
        Case{"MissingSemicolon", "keep", "1:5: expected ';' or a block after \"keep\", found the end of the script"},
        Case{"UnclosedBlock", "if true { keep;", "1:9: this block is never closed"},
        Case{"StrayBrace", "keep; }", "1:7: expected a command, found '}'"},
        Case{"UnknownCommand", "keep;\nfrobnicate;", "2:1: unknown command \"frobnicate\""},
        Case{"UnknownTest", "if frob { keep; }", "1:4: unknown test \"frob\""},
        Case{"UnknownExtension", "require \"vacation\";", "1:9: the extension \"vacation\" is not supported"},
        Case{"LateRequire", "keep; require \"fileinto\";", "1:7: \"require\" must stand before all other commands"},
        Case{"NotRequired", "fileinto \"x\";", "1:1: \"fileinto\" needs the extension \"fileinto\""},
        Case{"ElseAlone", "else { keep; }", "1:1: \"else\" without an \"if\" before it"},
        Case{"ElsifAfterElse", "if true {} else {} elsif true {}", "1:20: \"elsif\" without an \"if\" before it"},
        Case{"NoTest", "if { keep; }", "1:1: \"if\" needs exactly one test"},
        Case{"Colon", "if exists \"Subject:\" { keep; }", "1:11: \"Subject:\" is no name of a header field"},
        Case{"NoAddressField", "if address \"subject\" \"a\" { keep; }",
             "1:12: the field \"subject\" holds no addresses"},
        Case{"TwoMatchTypes", "if header :is :contains \"a\" \"b\" { keep; }", "1:15: there is a second match type"},
        Case{"LateTag", "if header \"a\" :is \"b\" { keep; }",
             "1:15: tags such as \":is\" stand before the other arguments"},
        Case{"NumericContains",
             "require \"comparator-i;ascii-numeric\"; if header :contains :comparator \"i;ascii-numeric\" \"a\" \"b\" "
             "{ keep; }",
             "1:59: i;ascii-numeric compares whole numbers: it cannot be used with \":contains\""},
        Case{"TooMany", "keep \"x\";", "1:6: \"keep\" has an argument too many here"},
        Case{"BadRedirect", "redirect \"nobody\";", "1:10: \"nobody\" is no address"},
        Case{"VirusOverride", "require \"vnd.mgw.verdict\"; accept :class \"virus\";",
             "1:42: an accept of class \"virus\" would let viruses pass"},
        Case{"ErrorClass", "require \"vnd.mgw.verdict\"; defer :class \"error\" \"x\";",
             "1:41: the class \"error\" is the tools' own"},
        Case{"WrongCode", "require [\"ereject\", \"vnd.mgw.verdict\"]; ereject :code 250 \"x\";",
             "1:55: \"ereject\" answers with a code of 5xx"},
        Case{"Nested", nested(20), ""},
        Case{"TooDeep", nested(2000), "1:132: blocks and tests nest deeper than 32 levels"},
        Case{"Nul", std::string("keep;\0", 6), "1:6: unexpected character with octet value 0"}),
    [](const auto& info) { return info.param.name; });

TEST(Compile, ReportsEveryProblemInOrder)
{
    const auto compiled = compile("frob;\nkeep 1;\nfileinto \"x\";\n", {.name = "p"});
    ASSERT_EQ(compiled.problems.size(), 3U);
    EXPECT_EQ(compiled.problems[0].at.line, 1U);
    EXPECT_EQ(compiled.problems[2].at.line, 3U);
}

TEST(Compile, TheVirusOverrideIsAllowedWhereTheToolSaysSo)
{
    const auto compiled =
        compile("require \"vnd.mgw.verdict\"; accept :class \"virus\";", {.name = "p", .allow_virus_override = true});
    EXPECT_TRUE(compiled.program.has_value());
}

TEST(Compile, KnowsWhetherRecipientsDiffer)
{
    EXPECT_FALSE(
        compile("require \"envelope\"; if envelope \"from\" \"a\" { keep; }", {}).program->differs_by_recipient);
    EXPECT_TRUE(compile("require \"envelope\"; if envelope \"to\" \"a\" { keep; }", {}).program->differs_by_recipient);
}

} // namespace
