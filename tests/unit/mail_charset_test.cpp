#include "lib/core/text.hpp"
#include "lib/mail/charset.hpp"
#include "lib/mail/charset_labels.hpp"
#include "lib/mail/idn.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;
const std::string replaced = "\xEF\xBF\xBD";

struct Case {
    const char* name;
    const char* charset;
    std::string in;
    std::string want;
};
class Charsets : public testing::TestWithParam<Case> {};
TEST_P(Charsets, BecomeUtf8)
{
    EXPECT_EQ(to_utf8(GetParam().in, GetParam().charset), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(
    Mail, Charsets,
    testing::Values(
        Case{"empty", "", "a", "a"}, Case{"empty_text", "utf-16", "", ""}, Case{"utf8", "UTF-8", "ä", "ä"},
        Case{"utf8_old", "unicode-1-1-utf-8", "ä", "ä"}, Case{"utf8_bad", "utf-8", "\xE4\xFF", replaced + replaced},
        Case{"utf8_cut", "utf-8", "\xE2\x82", replaced},
        Case{"utf8_cut_in_text", "utf-8", "a\xF0\x9F\x98z", "a" + replaced + "z"},
        Case{"utf8_over_long", "utf-8", "\xC0\xAF", replaced + replaced},
        Case{"utf8_surrogate", "utf-8", "\xED\xA0\x80", replaced + replaced + replaced},
        Case{"utf8_beyond", "utf-8", "\xF5\xB1\xB1\xB1", replaced + replaced + replaced + replaced},
        Case{"latin1_is_windows", "ISO-8859-1", "a\x80\xE4\x81", "a€ä\xC2\x81"},
        Case{"ascii_is_windows", "us-ascii", "a\xE4", "aä"}, Case{"quoted_label", "\"latin1\"", "\xE4", "ä"},
        Case{"blanks_around", "  latin1 ", "\xE4", "ä"}, Case{"latin9", "l9", "\xA4", "€"},
        Case{"windows_1254_for_latin5", "iso-8859-9", "\x80\xFD", "€ı"},
        Case{"cyrillic", "x-cp1251", "\xEF\xF0\xE8", "при"}, Case{"koi8", "koi", "\xD0\xD2\xC9", "при"},
        Case{"ibm866", "866", "\xAF\xE0\xA8", "при"}, Case{"mac", "x-mac-roman", "\x8A", "ä"},
        Case{"mac_ukrainian", "x-mac-ukrainian", "\x8F\xA2", "ПҐ"}, Case{"greek", "sun_eu_greek", "\xE1", "α"},
        Case{"hebrew_logical", "logical", "\xE0", "א"}, Case{"thai", "tis-620", "\xA1\x80", "ก€"},
        Case{"gb2312_is_gb18030", "gb2312", "\xD6\xD0\x81\x30\x89\x38", "中ß"},
        Case{"gbk_euro", "gbk", "\xA2\xE3", "€"}, Case{"big5", "x-x-big5", "\xA4\xA4\x87\x40", "中䏰"},
        Case{"korean_is_cp949", "ks_c_5601-1987", "\xC7\xD1\x81\x41", "한갂"},
        Case{"sjis_is_cp932", "x-sjis", "\x93\xFA\x87\x40", "日①"},
        Case{"euc_jp", "x-euc-jp", "\xC6\xFC\xAD\xA1", "日①"},
        Case{"iso_2022_jp", "csiso2022jp", "\x1B$B$\"\x1B(B", "あ"},
        Case{"iso_2022_jp_kana", "iso-2022-jp", "\x1B(I1\x1B(B", "ｱ"},
        Case{"iso_2022_kr", "iso-2022-kr", "\x1B$)C\x0E\x47\x51\x0F", "한"},
        Case{"hz", "hz-gb-2312", "a~{VPND~}~~\n", "a中文~\n"}, Case{"hz_plain", "hz-gb-2312", "abc", "abc"},
        Case{"utf7", "utf-7", "+AOQ-", "ä"}, Case{"utf16", "utf-16", "\xE4\0"s, "ä"},
        Case{"utf16_mark", "utf-16", "\xFE\xFF\0\xE4"s, "ä"}, Case{"utf16be", "utf-16be", "\0\xE4"s, "ä"},
        Case{"utf16_odd", "utf-16le", "\xE4\0x"s, "ä" + replaced},
        Case{"user_defined", "x-user-defined", "a\x80", "a\xEF\x9E\x80"},
        Case{"ebcdic", "ibm037", "\x88\x85\x93\x93\x96", "hello"}, Case{"ebcdic_looks_like_text", "ibm037", "@@", "  "},
        Case{"dos", "cp850", "\x84", "ä"}, Case{"unknown", "no-such", "a\xE4", "a" + replaced},
        Case{"unknown_but_utf8", "no-such", "ä", "ä"}, Case{"iconv_option", "utf-8//IGNORE", "a\xE4", "a" + replaced},
        Case{"held_back", "windows-1255", "\xE0", "א"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Charset, IsReplacedInPiecesOfAnySize)
{
    EXPECT_EQ(to_utf8(std::string(10000, '\xE4'), "latin1").size(), 20000U);
    EXPECT_EQ(to_utf8(std::string(5000, '\xE0'), "windows-1251").size(), 10000U);
    EXPECT_EQ(to_utf8("a\xE4", std::string(100, 'x')), "a" + replaced);
}

TEST(Charset, LabelsAreSortedAndEachIsUnderstood)
{
    EXPECT_TRUE(std::ranges::is_sorted(charset_labels, {}, &CharsetLabel::label));
    EXPECT_EQ(charset_labels.size(), 228U);
    for (const auto& [label, encoding] : charset_labels) {
        EXPECT_EQ(encoding_of(label), encoding);
        if (encoding == "utf-16le" || encoding == "utf-16be" || label == "replacement")
            continue;
        EXPECT_EQ(to_utf8("hello", label), "hello") << label;
        // a converter is there: without one only replacements would come out
        std::string all;
        for (int c = 0x80; c < 0x100; ++c)
            all += to_utf8(std::string{static_cast<char>(c), static_cast<char>(c)}, label);
        std::string none;
        for (int i = 0; i < 0x100; ++i)
            none += replaced;
        EXPECT_TRUE(is_valid_utf8(all)) << label;
        if (encoding != "utf-8" && !label.starts_with("iso-2022") && !label.starts_with("csiso2022") &&
            label != "hz-gb-2312") {
            EXPECT_NE(all, none) << label;
        }
    }
    EXPECT_EQ(encoding_of("ISO-8859-1 "), "windows-1252");
    EXPECT_EQ(encoding_of("cp850"), "");
    EXPECT_EQ(encoding_of(""), "");
}

TEST(Idn, KnowsBothForms)
{
    EXPECT_EQ(ascii_domain("Bücher.Example"), "xn--bcher-kva.example");
    EXPECT_EQ(ascii_domain("例子.中国"), "xn--fsqu00a.xn--fiqs8s");
    EXPECT_EQ(ascii_domain("faß.de"), "xn--fa-hia.de"); // not transitional
    EXPECT_EQ(ascii_domain("EXAMPLE.org."), "example.org.");
    EXPECT_EQ(ascii_domain("a\xFF.de"), "");
    EXPECT_EQ(ascii_domain("ä" + std::string(2000, 'x')), "");
    EXPECT_EQ(ascii_domain("ä\0.de"s), "");
    EXPECT_EQ(ascii_domain(std::string(300, 'a')), "");
    EXPECT_EQ(ascii_domain(""), "");
    EXPECT_EQ(unicode_domain("xn--bcher-kva.example"), "bücher.example");
    EXPECT_EQ(unicode_domain("XN--BCHER-KVA.example"), "bücher.example");
    EXPECT_EQ(unicode_domain("example.org"), "example.org");
    EXPECT_EQ(unicode_domain("xn--0.example"), "xn--0.example"); // no punycode
    EXPECT_EQ(unicode_domain("xn--abc.example").find('\0'), std::string::npos);
}

TEST(Idn, ComparesByTheALabel)
{
    EXPECT_TRUE(same_domain("bücher.example", "XN--bcher-kva.EXAMPLE."));
    EXPECT_TRUE(same_domain("BÜCHER.example", "bücher.example"));
    EXPECT_TRUE(same_domain("bu\xCC\x88"
                            "cher.example",
                            "bücher.example")); // decomposed
    EXPECT_TRUE(same_domain("Example.org", "example.ORG."));
    EXPECT_FALSE(same_domain("example.org", "example.com"));
    EXPECT_FALSE(same_domain("bücher.example", "bucher.example"));
    EXPECT_FALSE(same_domain("a\xFF", "b\xFF"));
    EXPECT_TRUE(same_domain("a\xFF", "a\xFF"));
}

TEST(Idn, WritesAddresses)
{
    EXPECT_EQ(ascii_address("Jörg@Bücher.example"), "Jörg@xn--bcher-kva.example");
    EXPECT_EQ(unicode_address("a@xn--bcher-kva.example"), "a@bücher.example");
    EXPECT_EQ(ascii_address("\"a@b\"@c"), "\"a@b\"@c");
    EXPECT_EQ(ascii_address("root"), "root");
    EXPECT_TRUE(needs_smtputf8("jörg@example.org"));
    EXPECT_FALSE(needs_smtputf8("j@bücher.example"));
    EXPECT_TRUE(needs_smtputf8("j@\xFF"));
    EXPECT_FALSE(needs_smtputf8("j@example.org"));
}

} // namespace
} // namespace mgw::mail
