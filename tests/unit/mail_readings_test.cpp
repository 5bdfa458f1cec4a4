#include "lib/mail/codec.hpp"
#include "lib/mail/lenient_codec.hpp"
#include "lib/mail/lenient_header.hpp"
#include "lib/mail/readings.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

constexpr char hidden_octets[] = "PK\x03\x04 what is hidden in here, \n\r\x00\xFF and long enough to be found as it is";
const std::string secret(hidden_octets, sizeof hidden_octets - 1);

std::string lines(std::string text)
{
    std::string out;
    for (const char c : text)
        out += c == '\n' ? "\r\n" : std::string(1, c);
    return out;
}

/// Every octet encoded, with soft line breaks.
std::string escaped(std::string_view octets)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const auto c = static_cast<unsigned char>(octets[i]);
        out.append("=").append(1, digits[c >> 4]).append(1, digits[c & 15]);
        if (i % 20 == 19)
            out += "=\n";
    }
    return out;
}

std::string replaced(std::string text, std::string_view what, std::string_view with)
{
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

/// Puts `with` behind every `every` characters.
std::string sprinkled(std::string_view text, std::size_t every, std::string_view with)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (i % every == every - 1)
            out += with;
    }
    return out;
}

const std::string b64 = base64_encode(secret, 76, "\n");
const std::string one_line = base64_encode(secret, 0);
const std::string file_header = "Content-Type: application/zip; name=x.zip\n";
const std::string b64_header = file_header + "Content-Transfer-Encoding: base64\n\n";
const std::string mixed = "Content-Type: multipart/mixed; boundary=bound\n\n";
const std::string file_part = "--bound\n" + b64_header + b64;
const std::string in_mixed = "--bound\n\ntext\n" + file_part + "--bound--\n";

struct Seen {
    bool strict = false;
    bool other = false;
    std::string names;
    ReadingsSummary summary;
};

Seen look_for(std::string_view wanted, const std::string& octets, const Limits& limits = {})
{
    const Message message(octets, limits);
    const Parts parts(message, limits);
    Seen seen;
    seen.summary = for_each_content(message, parts, limits, [&](const Content& content) {
        if (content.octets != wanted)
            return;
        (content.reading == Reading::strict ? seen.strict : seen.other) = true;
        for (const auto& name : content.file_names)
            seen.names += name + "|";
    });
    return seen;
}

struct Case {
    const char* name;
    std::string in; ///< with LF; it is read with CRLF
    Oddity flag;    ///< one of those that it must have
    bool strict;    ///< whether the strict reading finds it, too
};
class Hidden : public testing::TestWithParam<Case> {};
TEST_P(Hidden, IsFlaggedAndFound)
{
    const auto& c = GetParam();
    const auto seen = look_for(secret, lines(c.in));
    EXPECT_TRUE(has(seen.summary.oddities, c.flag)) << oddity_names(seen.summary.oddities);
    EXPECT_EQ(seen.strict, c.strict);
    EXPECT_TRUE(seen.strict || seen.other);
    EXPECT_FALSE(seen.summary.is_cut);
}

std::string encoded_as(const std::string& field, const std::string& body)
{
    return file_header + field + "\n\n" + body;
}

INSTANTIATE_TEST_SUITE_P(
    Structure, Hidden,
    testing::Values(
        Case{"no_boundary", "Content-Type: multipart/mixed\n\n" + in_mixed, Oddity::no_boundary, false},
        Case{"empty_boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n" + replaced(in_mixed, "--bound", "--"),
             Oddity::odd_boundary, false},
        Case{"second_boundary", "Content-Type: multipart/mixed; boundary=a; boundary=bound\n\n" + in_mixed,
             Oddity::duplicate_boundary, false},
        Case{"both_forms", "Content-Type: multipart/mixed; boundary=a; boundary*=''bound\n\n" + in_mixed,
             Oddity::duplicate_boundary, true},
        Case{"second_type", "Content-Type: text/plain\n" + mixed + in_mixed, Oddity::duplicate_content_type, false},
        Case{"delimiter_goes_on", mixed + replaced(in_mixed, "--bound\n", "--boundX\n"), Oddity::prefix_boundary,
             false},
        Case{"delimiter_breaks_off", replaced(mixed, "=bound", "=bound X") + in_mixed, Oddity::odd_content_type, false},
        Case{"mid_line", mixed + "--bound\n\nx\n  x--bound\n" + b64_header + b64, Oddity::mid_line_delimiter, false},
        Case{"after_blanks", mixed + "--bound\n\nx\n \r--bound\n" + b64_header + b64 + "--bound--\n",
             Oddity::mid_line_delimiter, false},
        Case{"after_the_end", mixed + "--bound\n\nx\n--bound--\n--other\n" + b64_header + b64 + "--other--\n",
             Oddity::stray_delimiter, false},
        Case{"no_part", mixed + "--bound--\n--other\n" + b64_header + b64, Oddity::empty_multipart, false},
        Case{"unclosed", mixed + file_part, Oddity::unclosed_multipart, true},
        Case{"inner_unclosed",
             mixed + "--bound\nContent-Type: multipart/mixed; boundary=in\n\n--in\n\nx\n" + file_part + "--bound--\n",
             Oddity::unclosed_multipart, true},
        Case{"long_boundary", replaced(mixed + in_mixed, "bound\n", "bound" + std::string(80, 'y') + "\n"),
             Oddity::long_boundary, false},
        Case{"boundary_is_a_word", "Content-Type: multipart/mixed; boundary=\"=?us-ascii?Q?bound?=\"\n\n" + in_mixed,
             Oddity::odd_boundary, false},
        Case{"boundary_in_quotes", "Content-Type: multipart/mixed; boundary='bound'\n\n" + in_mixed,
             Oddity::odd_boundary, false},
        Case{"escaped_name", "Content-Type: multipart/mixed; bou\\ndary=bound\n\n" + in_mixed, Oddity::odd_content_type,
             false},
        Case{"comment", "Content-Type: multipart/mixed; (boundary=bound)\n\n" + in_mixed, Oddity::odd_content_type,
             false},
        Case{"quoted_type", "Content-Type: \"multipart/mixed\"; boundary=bound\n\n" + in_mixed,
             Oddity::odd_content_type, false},
        Case{"pieces_backwards", "Content-Type: multipart/mixed; boundary*1=nd; boundary*0=bou\n\n" + in_mixed,
             Oddity::odd_parameter, true},
        Case{"encoded_multipart",
             replaced(mixed, "\n\n", "\nContent-Transfer-Encoding: base64\n\n") +
                 base64_encode(lines(in_mixed), 76, "\n"),
             Oddity::encoded_multipart, true},
        Case{"encoded_message",
             "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
                 base64_encode(lines(mixed + in_mixed), 76, "\n"),
             Oddity::encoded_multipart, true},
        Case{"encoded_message_of_another_kind",
             "Content-Type: message/x\nContent-Transfer-Encoding: base64\n\n" +
                 base64_encode(lines(mixed + in_mixed), 76, "\n"),
             Oddity::encoded_multipart, false},
        Case{"hidden_message",
             "Content-Type: x/y\nContent-Transfer-Encoding: base64;\n\n" +
                 base64_encode(lines(mixed + in_mixed), 76, "\n"),
             Oddity::odd_encoding, false}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Headers, Hidden,
    testing::Values(
        Case{"no_header", "no field\n" + b64_header + b64, Oddity::no_header, false},
        Case{"ends_early", file_header + "junk\nContent-Transfer-Encoding: base64\n\n" + b64, Oddity::header_ends_early,
             false},
        Case{"no_empty_line", file_header + "Content-Transfer-Encoding: base64\n" + b64, Oddity::header_ends_early,
             true},
        Case{"blank_line", replaced(b64_header, "\n\n", "\n \n") + b64, Oddity::blank_line_in_header, true},
        Case{"starts_with_blank_line", mixed + "--bound\n \n" + b64_header + b64 + "--bound--\n", Oddity::no_header,
             false},
        Case{"late", mixed + "--bound\n\n" + b64_header + b64 + "--bound--\n", Oddity::late_header, false},
        Case{"blank_before_colon", replaced(b64_header, "coding:", "coding :") + b64, Oddity::blank_before_colon, true},
        Case{"bare_cr", "X-A: b\rContent-Transfer-Encoding: base64\n" + file_header + "\n" + b64,
             Oddity::control_in_header, false},
        Case{"nul", replaced(b64_header, "Encoding", std::string("Enc\0oding", 9)) + b64, Oddity::nul, false},
        Case{"byte_order_mark", "\xEF\xBB\xBF" + b64_header + b64, Oddity::byte_order_mark, false},
        Case{"in_a_fold", "X-A: b\n Content-Transfer-Encoding: base64\n" + file_header + "\n" + b64,
             Oddity::hidden_field, false},
        Case{"two_encodings", encoded_as("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64", b64),
             Oddity::duplicate_encoding, false},
        Case{"empty_encoding", encoded_as("Content-Transfer-Encoding:\nX: y", b64), Oddity::empty_encoding, false},
        Case{"unknown_encoding", encoded_as("Content-Transfer-Encoding: xbase64", b64), Oddity::unknown_encoding,
             false},
        Case{"oddly_spelt", encoded_as("Content-Transfer-Encoding: base64 (c)", b64), Oddity::odd_encoding, true},
        Case{"encoding_is_a_word",
             encoded_as("Content-Transfer-Encoding: =?utf-8?Q?quoted-printable?=", escaped(secret)),
             Oddity::unknown_encoding, false}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Encodings, Hidden,
    testing::Values(
        Case{"junk_in_base64", b64_header + sprinkled(one_line, 1, "#"), Oddity::base64_junk, true},
        Case{"comment_in_base64", b64_header + sprinkled(one_line, 20, "#abcdef01\n"), Oddity::base64_junk, false},
        Case{"lines_of_junk", b64_header + "begin: 12\n" + b64, Oddity::base64_junk, false},
        Case{"lines_that_are_too_long", b64_header + sprinkled(one_line, 8, "XX\n"), Oddity::base64_junk, false},
        Case{"padding_inside", b64_header + sprinkled(one_line, 5, "="), Oddity::base64_after_padding, false},
        Case{"padding_for_zero", b64_header + replaced(one_line, "A", "="), Oddity::base64_after_padding, false},
        Case{"after_padding", b64_header + one_line + "=\nabcd\n", Oddity::base64_after_padding, false},
        Case{"two_pieces", b64_header + base64_encode(secret.substr(0, 10)) + base64_encode(secret.substr(10)),
             Oddity::base64_after_padding, true},
        Case{"lines_for_themselves", b64_header + "UA\nSwM\n" + base64_encode(secret.substr(3), 76, "\n"),
             Oddity::base64_junk, false},
        Case{"escapes_undeclared", file_header + "\n" + escaped(secret), Oddity::embedded_encoding, false},
        Case{"base64_undeclared", file_header + "\n" + b64, Oddity::embedded_encoding, false},
        Case{"soft_break_with_control",
             encoded_as("Content-Transfer-Encoding: quoted-printable", replaced(escaped(secret), "=\n", "=\x0b\n")),
             Oddity::odd_quoted_printable, false},
        Case{"uuencode_in_base64",
             "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" +
                 base64_encode("hello\nbegin-base64 644 x\n" + b64 + "====\n", 76, "\n"),
             Oddity::embedded_encoding, false},
        Case{"url_alphabet", b64_header + replaced(replaced(b64, "/", "_"), "+", "-"), Oddity::base64_junk, false},
        Case{"wrong_escapes",
             encoded_as("Content-Transfer-Encoding: quoted-printable", replaced(escaped(secret), "=\n", "=0X=\n")),
             Oddity::odd_quoted_printable, false},
        Case{"lower_case_escapes",
             encoded_as("Content-Transfer-Encoding: quoted-printable", replaced(escaped(secret), "=6F", "=6f")),
             Oddity::odd_quoted_printable, true},
        Case{"line_ends_in_binary",
             encoded_as("Content-Transfer-Encoding: quoted-printable", replaced(escaped(secret), "=0A", "\n")),
             Oddity::odd_quoted_printable, false},
        Case{"base64_in_text", "Subject: x\nContent-Type: text/plain\n\nbegin-base64 644 x.zip\n" + b64 + "====\n",
             Oddity::embedded_encoding, false}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Readings, PlainMailIsReadOnce)
{
    const auto octets = lines(mixed + in_mixed);
    const Message message(octets);
    const Parts parts(message);
    EXPECT_EQ(parts.oddities(), Oddity::none) << oddity_names(parts.oddities());
    std::string order;
    const auto summary = for_each_content(message, parts, {}, [&](const Content& c) { order += c.describe() + "|"; });
    EXPECT_EQ(order, "part 1.1|part 1.2|");
    EXPECT_EQ(summary.more, 0U);
}

TEST(Readings, EqualContentsComeOnce)
{
    const auto octets = lines("X: y\nContent-Type: text/plain\n" + mixed + in_mixed);
    const auto seen = look_for(secret, octets);
    EXPECT_TRUE(seen.other);
    EXPECT_EQ(seen.names, "x.zip|");
}

TEST(Readings, SayWhereAContentCameFrom)
{
    const auto octets = lines("Content-Type: multipart/mixed\n\n" + in_mixed);
    const Message message(octets);
    const Parts parts(message);
    for_each_content(message, parts, {}, [&](const Content& c) {
        if (c.octets != secret)
            return;
        EXPECT_EQ(base64_decode(octets.substr(c.begin, c.end - c.begin)), secret);
        EXPECT_EQ(c.way, "base64");
        EXPECT_TRUE(has(c.why, Oddity::no_boundary));
        EXPECT_EQ(c.type, "application/zip");
    });
}

TEST(Readings, UuencodeAndYencAreFoundInText)
{
    const std::string uu = "Subject: x\n\nhello\nbegin 644 a.exe\n#0V%T\n`\nend\n";
    EXPECT_EQ(look_for("Cat", lines(uu)).names, "a.exe|");
    EXPECT_TRUE(look_for("Cat", "X: y\r\nContent-Transfer-Encoding: x-uue\r\n\r\n#0V%T\r\n").other);
    const std::string yenc = "Subject: x\n\nhello\n=ybegin line=128 size=3 name=b.exe\nm\x8b\x9e\n=yend size=3\n";
    EXPECT_EQ(look_for("Cat", lines(yenc)).names, "b.exe|");
}

TEST(Readings, StayWithinTheirBudget)
{
    Limits limits;
    limits.parts = 50;
    std::string octets = "Content-Type: text/plain\n" + mixed;
    for (int i = 0; i < 200; ++i)
        octets += file_part;
    const auto seen = look_for(secret, lines(octets), limits);
    EXPECT_TRUE(seen.other);
    EXPECT_TRUE(seen.summary.is_cut);

    std::string inner = lines(in_mixed);
    for (int i = 0; i < 12; ++i)
        inner = "Content-Type: x/y\r\nContent-Transfer-Encoding: base64;\r\n\r\n" + base64_encode(inner);
    EXPECT_TRUE(is_ambiguous(look_for(secret, inner).summary.oddities)); // and comes to an end
}

struct Inline {
    const char* name;
    std::string in;
    std::string names = "a.exe|";
};
class InText : public testing::TestWithParam<Inline> {};
TEST_P(InText, IsFlaggedAndFound)
{
    const auto seen = look_for("Cat", GetParam().in);
    EXPECT_TRUE(seen.other);
    EXPECT_TRUE(is_ambiguous(seen.summary.oddities));
    EXPECT_EQ(seen.names, GetParam().names);
}
const std::string uu_lines = "#0V%T\r\n`\r\nend\r\n";
INSTANTIATE_TEST_SUITE_P(
    Forms, InText,
    testing::Values(
        Inline{"as_outlook_reads_it", "A: b\r\n\r\nbegin  a.exe\r\n" + uu_lines},
        Inline{"many_blanks", "A: b\r\n\r\nbegin   644 \t a.exe\r\n" + uu_lines},
        Inline{"tabs", "A: b\r\n\r\nbegin\t644\ta.exe\r\n" + uu_lines},
        Inline{"quoted_name", "A: b\r\n\r\nbegin 644 \"a.exe\"\r\n" + uu_lines},
        Inline{"lines_end_in_cr", replaced("A: b\r\n\r\nx\nbegin 644 a.exe\n#0V%T\n`\nend\n", "\n", "\r")},
        Inline{"padded_lines", "A: b\r\n\r\nbegin 644 a.exe\r\n#0V%T           \r\n`\r\nend\r\n"},
        Inline{"lower_case", "A: b\r\n\r\nbegin 644 a.exe\r\n#pVeT\r\n`\r\nend\r\n"},
        Inline{"behind_yenc_without_end", "A: b\r\n\r\n=ybegin line=1 name=x\r\nbegin 644 a.exe\r\n" + uu_lines},
        Inline{"behind_base64_without_end", "A: b\r\n\r\nbegin-base64 644 x\r\nbegin 644 a.exe\r\n" + uu_lines},
        Inline{"yenc_behind_uuencode_without_end",
               "A: b\r\n\r\nbegin 644 x\r\n=ybegin line=128 size=3 name=a.exe\r\nm\x8b\x9e\r\n=yend size=3\r\n"},
        Inline{"before_the_parts",
               lines(mixed) + "begin 644 a.exe\r\n" + uu_lines + "--bound\r\n\r\nx\r\n--bound--\r\n"},
        Inline{"behind_the_parts", lines(mixed) + "--bound\r\n\r\nx\r\n--bound--\r\nbegin 644 a.exe\r\n" + uu_lines},
        Inline{"second_of_declared",
               "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x.txt\r\n#8F]O\r\n`\r\nend\r\n"
               "begin 644 a.exe\r\n" +
                   uu_lines}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Readings, TheNameInABeginLineCounts)
{
    const std::string in =
        "Content-Type: x/y; name=a.txt\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a.exe\r\n" + uu_lines;
    const auto seen = look_for("Cat", in);
    EXPECT_TRUE(seen.strict);
    EXPECT_TRUE(seen.names.starts_with("a.txt|a.exe|")) << seen.names;
    EXPECT_TRUE(has(seen.summary.oddities, Oddity::conflicting_names));
}

TEST(Readings, TextThatSpeaksOfBeginningIsText)
{
    for (const std::string text : {"begin  with this", "begin 6 months ago", "begin", "begin ", "beginning\tx"}) {
        const auto seen = look_for("Cat", "A: b\r\n\r\n" + text + "\r\nOtherwise we are late.\r\n");
        EXPECT_EQ(has(seen.summary.oddities, Oddity::embedded_encoding), text == "begin 6 months ago") << text;
    }
}

TEST(Readings, MoreFilesThanAreReadIsALimit)
{
    std::string in = "A: b\r\n\r\n";
    for (int i = 0; i < 2000; ++i)
        in += "begin 644 x" + std::to_string(i) + "\r\n#8F]O\r\n`\r\nend\r\n";
    EXPECT_TRUE(look_for("Cat", in + "begin 644 a.exe\r\n" + uu_lines).summary.is_cut);
}

TEST(Readings, ANameBehindManyParametersIsFound)
{
    std::string in = "Content-Type: x/y";
    for (int i = 0; i < 70; ++i)
        in += "; p" + std::to_string(i) + "=v";
    const auto seen = look_for("Cat", in + "; name=a.exe\r\n\r\nCat");
    EXPECT_EQ(seen.names, "a.exe|");
    EXPECT_TRUE(has(seen.summary.oddities, Oddity::odd_parameter));
}

struct Name {
    const char* name;
    std::string in;
    std::string wanted;
};
class Names : public testing::TestWithParam<Name> {};
TEST_P(Names, AreAllFound)
{
    const auto values = lenient_values(GetParam().in, "name", 64);
    std::string all;
    for (const auto& value : values)
        all += value + "|";
    EXPECT_NE(std::ranges::find(values, GetParam().wanted), values.end()) << all;
}
INSTANTIATE_TEST_SUITE_P(
    Forms, Names,
    testing::Values(
        Name{"plain", "A: b; filename=a.exe; c=d", "a.exe"}, Name{"quoted", "A: b; name=\"a;b.exe\"", "a;b.exe"},
        Name{"half_quoted", "A: b; name=\"a\".exe", "a.exe"}, Name{"stray_quote", "A: b; name=a\".exe", "a.exe"},
        Name{"single_quotes", "A: b; name='a.exe'", "a.exe"}, Name{"comment", "A: b; name(c)=a.exe", "a.exe"},
        Name{"comment_behind", "A: b; name=a.exe(.gif)", "a.exe"}, Name{"blank", "A: b; name =a.exe", "a.exe"},
        Name{"fold", "A: b; name\r\n =\r\n a.exe", "a.exe"}, Name{"backslash", "A: b; na\\me=a.exe", "a.exe"},
        Name{"semicolon", "A: b; name=a;b.exe", "a;b.exe"}, Name{"no_end_quote", "A: b; name=\"a.exe", "a.exe"},
        Name{"second", "A: b; name=a.gif; name=a.exe", "a.exe"},
        Name{"extended", "A: b; name*=utf-8''a%2Eexe", "a.exe"},
        Name{"by_number", "A: b; name*1=exe; name*0=a.", "a.exe"},
        Name{"as_they_stand", "A: b; name*1=a.; name*0=exe", "a.exe"},
        Name{"with_a_gap", "A: b; name*0=a.; name*2=exe", "a.exe"},
        Name{"first_of_a_number", "A: b; name*0=a.; name*0=x; name*1=exe", "a.exe"},
        Name{"last_of_a_number", "A: b; name*0=x; name*0=a.; name*1=exe", "a.exe"},
        Name{"over_two_fields", "A: b; name*0=a.\r\nC: d; name*1=exe", "a.exe"},
        Name{"plain_and_a_piece", "A: b; name=a.; name*1=exe", "a.exe"}, Name{"percent", "A: b; name=a%2Eexe", "a.exe"},
        Name{"quoted_piece", "A: b; name*='a.exe'", "a.exe"},
        Name{"word", "A: b; name=\"=?utf-8?Q?a=2Eexe?=\"", "a.exe"},
        Name{"utf16", "A: b; name*=utf-16''%00a%00.%00e%00x%00e", "a.exe"},
        Name{"utf16_little", "A: b; name*=utf-16''a%00.%00e%00x%00e%00", "a.exe"},
        Name{"nul", std::string("A: b; na\0me=a.exe", 17), "a.exe"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Base64, LinesAreEvenOrNot)
{
    const auto is_even = [](const std::string& text) { return has_even_lines(text, base64_decode(text).size()); };
    for (const std::size_t size : {1U, 2U, 3U, 56U, 57U, 58U, 114U, 115U, 1000U})
        for (const char* line_end : {"\r\n", "\n"})
            EXPECT_TRUE(is_even(base64_encode(std::string(size, 'x'), 76, line_end))) << size;
    EXPECT_TRUE(is_even(""));
    EXPECT_TRUE(is_even("QUJD\nQUJDQUJD\nQQ==\n"));
    EXPECT_FALSE(is_even("QUJDXX\nQUJDXX\nQUJDXX\n"));
    EXPECT_FALSE(is_even("QUJDQUJD\nQU\nJDQU\nQUJD\n"));
    EXPECT_FALSE(is_even("QUJDQUJD\nQUJDQ\nUJ\nQUJD\n"));
}

/// One file as BinHex 4.0, without sums.
std::string binhex(const std::string& name, const std::string& octets)
{
    const auto number = [](std::size_t n) {
        return std::string{static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
                           static_cast<char>(n)};
    };
    const std::string plain = std::string(1, static_cast<char>(name.size())) + name + std::string(1, '\0') +
                              "TEXTttxt" + std::string(2, '\0') + number(octets.size()) + number(0) +
                              std::string(2, '\0') + octets + std::string(4, '\0');
    static constexpr char alphabet[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    std::string out = "(This file must be converted with BinHex 4.0)\n:";
    unsigned bits = 0;
    unsigned have = 0;
    for (const char c : plain) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (have += 8; have >= 6; have -= 6)
            out += alphabet[bits >> (have - 6) & 63];
    }
    return out + alphabet[bits << (6 - have) & 63] + ":\n";
}

TEST(Binhex, GivesTheDataForksOfAllFiles)
{
    const auto text = "see\n" + binhex("a.txt", "hi") + "and\n" + binhex("b.exe", "MZ1");
    const auto files = binhex_decode(text, 100);
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].name, "a.txt");
    EXPECT_EQ(files[0].octets, "hi");
    EXPECT_EQ(files[1].name, "b.exe");
    EXPECT_EQ(files[1].octets, "MZ1");
    EXPECT_EQ(binhex_decode(text, 3).back().octets, "M");
    EXPECT_TRUE(binhex_decode("no file", 100).empty());
    EXPECT_TRUE(binhex_decode("BinHex :::", 100).empty());
}

TEST(Scripts, WhatTheyDecodeIsFound)
{
    const auto found = [](const std::string& script) {
        std::string out;
        for (const auto& block : script_blocks(script, 1000, 10))
            out += block.octets + "|";
        return out;
    };
    EXPECT_EQ(found("x = atob(\"aGk=\");"), "hi|");
    EXPECT_EQ(found("window.atob (\n 'aG' + \"k=\" )"), "hi|");
    EXPECT_EQ(found("atob(`aGk=`); atob('eW91')"), "hi|you|");
    EXPECT_TRUE(found("/* atob(\" */ atob('aGk=') \"").ends_with("|hi|")); // a comment hides none
    EXPECT_EQ(found("atob(x), atob('"), "");
    bool cut = false;
    std::string many;
    for (int i = 0; i < 20; ++i)
        many += "atob('aGk=');";
    EXPECT_EQ(script_blocks(many, 1000, 10, &cut).size(), 10U);
    EXPECT_TRUE(cut);
}

TEST(Readings, SeeWhatAPageDecodes)
{
    const std::string page = "<script>save(atob('" + one_line + "'))</script>\n";
    for (const std::string& header : {std::string("Content-Type: text/html\n\n"),
                                      std::string("Content-Type: application/octet-stream; name=open.htm\n\n")}) {
        const std::string octets = header + page;
        const Limits limits;
        const Message message(octets, limits);
        const Parts parts(message, limits);
        bool seen = false;
        const auto summary =
            for_each_content(message, parts, limits, [&](const Content& content) { seen |= content.octets == secret; });
        EXPECT_TRUE(seen) << header;
        EXPECT_TRUE(has(summary.oddities, Oddity::embedded_encoding));
    }
}

} // namespace
} // namespace mgw::mail
