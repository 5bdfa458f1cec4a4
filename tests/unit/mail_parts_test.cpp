#include "lib/mail/codec.hpp"
#include "lib/mail/compose.hpp"
#include "lib/mail/parts.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

/// "1 multipart/mixed|1.1 text/plain" of a message.
std::string tree(const Parts& parts)
{
    std::string out;
    for (const auto& p : parts.all())
        out.append(out.empty() ? "" : "|").append(p.path()).append(" ").append(p.type.value);
    return out;
}

struct Case {
    const char* name;
    std::string in;
    std::string tree;
    std::vector<std::string> bodies; ///< decoded, of parts without parts
    Oddity oddities;
};
class Tree : public testing::TestWithParam<Case> {};
TEST_P(Tree, IsBuilt)
{
    const auto& c = GetParam();
    const Message message(c.in);
    const Parts parts(message);
    EXPECT_EQ(tree(parts), c.tree);
    EXPECT_EQ(oddity_names(parts.oddities()), oddity_names(c.oddities));
    std::vector<std::string> bodies;
    for (const auto& p : parts.all())
        if (!p.is_multipart && !p.is_message)
            bodies.push_back(decode(p, 1000));
    EXPECT_EQ(bodies, c.bodies);
}

const std::string mixed = "Content-Type: multipart/mixed; boundary=b\n\n";
INSTANTIATE_TEST_SUITE_P(
    Messages, Tree,
    testing::Values(
        Case{"single", "A: b\n\nx\n", "1 text/plain", {"x\n"}, Oddity::none},
        Case{"two",
             mixed + "pre\n--b\n\nx\n--b\nContent-Type: text/html\n\ny\n\n--b--\npost\n",
             "1 multipart/mixed|1.1 text/plain|1.2 text/html",
             {"x", "y\n"},
             Oddity::none},
        Case{"crlf",
             "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
             "1 multipart/mixed|1.1 text/plain",
             {"x"},
             Oddity::none},
        Case{"empty_part",
             mixed + "--b\n--b\n\n--b--\n",
             "1 multipart/mixed|1.1 text/plain|1.2 text/plain",
             {"", ""},
             Oddity::no_header},
        Case{"no_boundary",
             "Content-Type: multipart/mixed\n\n--b\n\nx\n--b--\n",
             "1 multipart/mixed",
             {},
             Oddity::no_boundary},
        Case{"unclosed", mixed + "--b\n\nx\n", "1 multipart/mixed|1.1 text/plain", {"x\n"}, Oddity::unclosed_multipart},
        Case{"never_opened",
             mixed + "x\n",
             "1 multipart/mixed",
             {},
             Oddity::unclosed_multipart | Oddity::empty_multipart},
        Case{"first_boundary_counts",
             "Content-Type: multipart/mixed; boundary=b; boundary=c\n\n--b\n\nx\n--c\n--b--\n",
             "1 multipart/mixed|1.1 text/plain",
             {"x\n--c"},
             Oddity::duplicate_boundary},
        Case{"duplicate_type",
             "Content-Type: text/html\n" + mixed + "--b\n\nx\n--b--\n",
             "1 text/html",
             {"--b\n\nx\n--b--\n"},
             Oddity::duplicate_content_type},
        Case{"prefix_is_not_it",
             mixed + "--b\n\nx\n--bc\n --b\n--b\t \n\ny\n--b--\n",
             "1 multipart/mixed|1.1 text/plain|1.2 text/plain",
             {"x\n--bc\n --b", "y"},
             Oddity::prefix_boundary | Oddity::mid_line_delimiter},
        Case{"boundary_like_an_encoded_word",
             "Content-Type: multipart/mixed; boundary=\"=?utf-8?Q?b?=\"\n\n--=?utf-8?Q?b?=\n\nx\n--=?utf-8?Q?b?=--\n",
             "1 multipart/mixed|1.1 text/plain",
             {"x"},
             Oddity::odd_boundary},
        Case{"digest",
             "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b\nContent-Type: "
             "text/html\n\nz\n--b--\n",
             "1 multipart/digest|1.1 message/rfc822|1.1.1 text/plain|1.2 text/html",
             {"y", "z"},
             Oddity::none},
        Case{"message",
             "Content-Type: message/rfc822\n\nContent-Type: text/html\n\nx\n",
             "1 message/rfc822|1.1 text/html",
             {"x\n"},
             Oddity::none},
        Case{"encoded_message",
             "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64_encode("A: b\n\nx\n"),
             "1 message/rfc822|1.1 text/plain",
             {"x\n"},
             Oddity::encoded_multipart},
        Case{"encodings",
             mixed + "--b\nContent-Transfer-Encoding: BASE64 (c)\n\naGk=\n--b\nContent-Transfer-Encoding: "
                     "Quoted-Printable\n\n=41\n--b--\n",
             "1 multipart/mixed|1.1 text/plain|1.2 text/plain",
             {"hi", "A"},
             Oddity::odd_encoding},
        Case{"unknown_encoding",
             "Content-Transfer-Encoding: rot13\n\nuv\n",
             "1 text/plain",
             {"uv\n"},
             Oddity::unknown_encoding},
        Case{"nested",
             mixed + "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\nx\n--b\n\ny\n--b--\n",
             "1 multipart/mixed|1.1 multipart/alternative|1.1.1 text/plain|1.2 text/plain",
             {"x", "y"},
             Oddity::unclosed_multipart},
        Case{"empty", "", "1 text/plain", {""}, Oddity::no_header}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Parts, NamesComeFromEveryPlace)
{
    const std::string octets =
        "Content-Type: a/b; name=\"one.txt\"\nContent-Disposition: Attachment; filename=\"two.exe\"; "
        "filename*=utf-8''three\n\n";
    const Message m(octets);
    const Parts parts(m);
    EXPECT_EQ(parts.all()[0].file_names, (std::vector<std::string>{"three", "two.exe", "one.txt"}));
    EXPECT_EQ(parts.all()[0].disposition, "attachment");
}

std::string nested(std::size_t depth)
{
    std::string out;
    for (std::size_t i = 0; i < depth; ++i)
        out += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "x\n\n--b" + std::to_string(i) + "x\n";
    return out + "\nx\n";
}

TEST(Parts, EightBitIsFoundAnywhereInTheHeader)
{
    const std::string plain = "A: " + std::string(200, 'x') + "\n\n\xC3\xA4\n";
    EXPECT_EQ(Parts(Message(plain)).oddities(), Oddity::none);
    for (std::size_t at = 3; at < 203; ++at) {
        std::string octets = plain;
        octets[at] = '\x80';
        EXPECT_EQ(oddity_names(Parts(Message(octets)).oddities()), "8bit-header") << at;
    }
}

TEST(Parts, EveryContentTypeNamesAFile)
{
    const std::string octets = "Content-Type: text/plain; name=a\nContent-Type: text/html; name=b\n\nx";
    const Message message(octets);
    const Parts parts(message);
    EXPECT_EQ(parts.all()[0].type.value, "text/plain");
    EXPECT_EQ(parts.all()[0].file_names, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(oddity_names(parts.oddities()), "duplicate-content-type,conflicting-names");
}

TEST(Parts, NestingStopsAtTheLimit)
{
    const std::string octets = nested(100);
    const Message m(octets);
    const Parts parts(m);
    EXPECT_EQ(parts.all().size(), Limits{}.nesting);
    EXPECT_TRUE(has(parts.oddities(), Oddity::too_deep));
    std::string messages;
    for (int i = 0; i < 100; ++i)
        messages += "Content-Type: message/rfc822\n\n";
    const Message n(messages);
    EXPECT_EQ(Parts(n).all().size(), Limits{}.nesting);
}

TEST(Parts, AHundredThousandStopAtTheLimit)
{
    std::string octets = mixed;
    for (int i = 0; i < 100000; ++i)
        octets += "--b\n\nx\n";
    const Message m(octets);
    const Parts parts(m);
    EXPECT_EQ(parts.all().size(), Limits{}.parts);
    EXPECT_TRUE(has(parts.oddities(), Oddity::too_many_parts));
}

TEST(Parts, DecodedMessagesStayWithinTheirFactor)
{
    std::string inner = "A: b\n\nx\n";
    for (int i = 0; i < 10; ++i)
        inner = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64_encode(inner);
    const Message m(inner);
    const Parts parts(m);
    std::size_t decoded = 0;
    for (std::size_t i = 1; i < parts.all().size(); ++i)
        decoded += parts.all()[i].header.size() + parts.all()[i].body.size();
    EXPECT_LE(decoded, Limits{}.decoded_factor * inner.size());
    EXPECT_GT(parts.all().size(), 4U);
}

struct Odd {
    const char* name;
    std::string in;
    std::string oddities;
};
class Oddities : public testing::TestWithParam<Odd> {};
TEST_P(Oddities, AreNamed)
{
    const Message message(GetParam().in);
    EXPECT_EQ(oddity_names(Parts(message).oddities()), GetParam().oddities);
}
const std::string outlook = "Content-Type: multipart/mixed;\n\tboundary=\"----=_NextPart_000_0000_01D\"\n\n";
INSTANTIATE_TEST_SUITE_P(
    Messages, Oddities,
    testing::Values(
        Odd{"ordinary",
            outlook +
                "This is a multi-part message.\n\n------=_NextPart_000_0000_01D\nContent-Type: "
                "text/plain;\n\tcharset=\"utf-8\";\n\n-- \nBob\n-----\nFrom: me\n\n------=_NextPart_000_0000_01D--\n",
            ""},
        Odd{"ordinary_names",
            "Content-Type: application/pdf; name=\"my report.pdf\"\nContent-Disposition: attachment;\n filename=\"my "
            "report.pdf\"; filename*=utf-8''my%20report.pdf\n\nx",
            ""},
        Odd{"signature_lists_fields",
            "DKIM-Signature: v=1; h=from:to:\n content-type:mime-version; bh=a/b=\n"
            "DKIM-Signature: v=1; h=from:\n Content-Transfer-Encoding:Content-Type; b=c\n\nx",
            ""},
        Odd{"names", "Content-Type: a/b; name=x\nContent-Disposition: attachment; filename=y\n\nz",
            "conflicting-names"},
        Odd{"disposition", "Content-Disposition: inline\nContent-Disposition: attachment\n\nx",
            "duplicate-disposition"},
        Odd{"types_disagree", "Content-Type: a/b\nContent-Type: c/d\n\nx", "duplicate-content-type"},
        Odd{"no_subtype", "Content-Type: text\n\nx", "odd-content-type"},
        Odd{"unquoted", "Content-Type: a/b; name=x y\n\nz", "odd-content-type"},
        Odd{"gap_in_pieces", "Content-Type: a/b; name*0=x; name*2=y\n\nz", "conflicting-names,odd-parameter"},
        Odd{"single_quotes", "Content-Disposition: attachment; filename='x'\n\nz", "odd-parameter"},
        Odd{"extended_boundary", "Content-Type: multipart/mixed; boundary*=''b\n\n--b\n\nx\n--b--\n", "odd-boundary"},
        Odd{"percent", "Content-Disposition: attachment; filename=x%20y\n\nz", "odd-parameter"},
        Odd{"percent_behind_another", "Content-Disposition: attachment; filename=\"a%zz%20y\"\n\nz", "odd-parameter"},
        Odd{"no_charset", "Content-Disposition: attachment; filename*=x\n\nz", "odd-parameter"},
        Odd{"control", "A: b\x01\n\nx", "control-in-header"},
        Odd{"hidden", "A: b\n Content-Type: text/html\n\nx", "hidden-field"},
        Odd{"late", "A: b\n\nContent-Type: text/html\n\nx", "late-header"},
        Odd{"mark",
            "\xEF\xBB\xBF"
            "A: b\n\nx",
            "no-header,byte-order-mark"},
        Odd{"undeclared", "A: b\n\n" + base64_encode(std::string(60, 'x'), 76, "\n"), "embedded-encoding"},
        Odd{"uuencode", "A: b\n\nbegin 644 x\n", "embedded-encoding"},
        Odd{"a_word_is_no_encoding", "A: b\n\nHelloYou\n", ""},
        Odd{"stray", "A: b\n\n--b\n\nContent-Type: text/html\n", "stray-delimiter"},
        Odd{"prefix", mixed + "--b\n\nx\n--b1\n\ny\n--b--\n", "prefix-boundary"},
        Odd{"cut_off", "Content-Type: multipart/mixed; boundary=boundary\n\n--boundary\n\nx\n--bound\n--boundary--\n",
            "prefix-boundary"},
        Odd{"mid_line", mixed + "--b\n\nx --b\n--b--\n", "mid-line-delimiter"},
        Odd{"empty", mixed + "--b--\n", "empty-multipart"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Parts, PathsAreMadeWhenAskedFor)
{
    Limits limits;
    limits.nesting = limits.parts = 1U << 20;
    const std::string octets = nested(2000);
    const Message m(octets, limits);
    const Parts parts(m, limits);
    ASSERT_EQ(parts.all().size(), 2001U);
    EXPECT_EQ(parts.all()[2].path(), "1.1.1");
    EXPECT_EQ(parts.all().back().path().size(), 2001U * 2 - 1);
}

TEST(Parts, BodiesEndWhereTheOuterDelimiterStands)
{
    const std::string octets =
        mixed + "--b\nContent-Type: multipart/mixed; boundary=c\n\npre\n--c\n\nx\n--c--\nepi\n--b\n\ny\n--b--\nlast\n";
    const Message m(octets);
    const Parts parts(m);
    ASSERT_EQ(tree(parts), "1 multipart/mixed|1.1 multipart/mixed|1.1.1 text/plain|1.2 text/plain");
    EXPECT_EQ(parts.all()[0].body, m.body());
    EXPECT_EQ(parts.all()[1].body, "pre\n--c\n\nx\n--c--\nepi");
    EXPECT_EQ(parts.all()[2].body, "x");
}

TEST(Parts, PartsOfDecodedMessagesFollowTheirOwner)
{
    const std::string inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c\n\ny\n--c--\n";
    const std::string octets = mixed + "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
                               base64_encode(inner, 76, "\n") + "--b\n\nz\n--b--\n";
    const Message m(octets);
    const Parts parts(m);
    EXPECT_EQ(tree(parts), "1 multipart/mixed|1.1 message/rfc822|1.1.1 multipart/mixed|1.1.1.1 text/plain|1.1.1.2 "
                           "text/plain|1.2 text/plain");
    EXPECT_EQ(parts.all()[4].body, "y");
    EXPECT_EQ(parts.all()[5].body, "z");
}

TEST(Decode, SaysWhetherItIsComplete)
{
    const std::string octets = "Content-Transfer-Encoding: base64\n\naGVsbG8h\n";
    const Message m(octets);
    const Parts parts(m);
    bool complete = false;
    EXPECT_EQ(decode(parts.all()[0], 6, &complete), "hello!");
    EXPECT_TRUE(complete);
    EXPECT_EQ(decode(parts.all()[0], 5, &complete), "hello");
    EXPECT_FALSE(complete);
}

TEST(Parts, EncodedMultipartIsReadAsItStands)
{
    // forbidden, but real: the base64 of a part ends in "=", which decoding would join with the delimiter behind it
    const std::string text =
        "Content-Type: multipart/mixed; boundary=\"=_b\"\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "--=_b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUE=\r\n--=_b\r\n\r\nx=3D\r\n--=_b--\r\n";
    const Parts parts{Message(text)};
    ASSERT_EQ(parts.all().size(), 3U);
    EXPECT_EQ(decode(parts.all()[1], 100), "AA");
    EXPECT_EQ(decode(parts.all()[2], 100), "x=3D");
    EXPECT_TRUE(has(parts.oddities(), Oddity::encoded_multipart));
    // its delimiters are encoded: it is decoded
    const std::string hidden =
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "=2D-b\r\n\r\nx=3D3D\r\n=2D-b--\r\n";
    const Parts decoded{Message(hidden)};
    ASSERT_EQ(decoded.all().size(), 2U);
    EXPECT_EQ(decode(decoded.all()[1], 100), "x=3D");
}

TEST(Parts, FromLineOfAnAttachedMessageIsNoHeader)
{
    const std::string text = "Content-Type: message/rfc822\n\nFrom a@example.net Tue Nov 24 05:47:35 2026\n"
                             "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n";
    const Parts parts{Message(text)};
    ASSERT_EQ(parts.all().size(), 3U);
    EXPECT_EQ(parts.all()[1].type.value, "multipart/mixed");
    EXPECT_EQ(parts.all()[2].body, "x");
}

TEST(Parts, WhatIsNoTypeIsText)
{
    for (const char* type : {"\"multipart/mixed\"; boundary=b", "multi\\part/mixed; boundary=b",
                             "=?utf-8?q?multipart?=/mixed; boundary=b", "/plain", "text", ""}) {
        const std::string text = std::string("Content-Type: ") + type + "\n\n--b\n\nx\n--b--\n";
        EXPECT_EQ(Parts(Message(text)).all()[0].type.value, "text/plain") << type;
    }
    EXPECT_EQ(parse_content_type("Text/HTML>; charset=x").value, "text/html");
    EXPECT_EQ(parse_content_type("multipart/mixed, boundary=b").value, "multipart/mixed");
    EXPECT_EQ(parse_content_type("application/vnd.a+b.c-d_e").value, "application/vnd.a+b.c-d_e");
}

TEST(Compose, OurOwnIndexReadsItBack)
{
    Composed what;
    what.fields = {{"From", "a@b"},
                   {"Subject", "Gr\xC3\xBC\xC3\x9F"
                               "e und sehr viele weitere Worte, die nicht in ein einziges Wort passen"}};
    what.content_type = "multipart/mixed";
    what.parts.resize(2);
    what.parts[0].body = "one\ntwo\r\n";
    what.parts[1].content_type = "message/rfc822";
    what.parts[1].fields = {{"Content-Disposition", "attachment; filename=\"x.eml\""}};
    what.parts[1].body = "Subject: in\n\nbody\n";
    Random random{7};
    const auto text = compose(what, random);
    ASSERT_TRUE(text) << text.error().message;
    for (std::size_t i = 0; i < text->size(); ++i) {
        ASSERT_TRUE((*text)[i] != '\n' || (i > 0 && (*text)[i - 1] == '\r')) << i;
        ASSERT_TRUE((*text)[i] != '\r' || (i + 1 < text->size() && (*text)[i + 1] == '\n')) << i;
    }
    const Message message(*text);
    EXPECT_EQ(message.find_all("MIME-Version").size(), 1U);
    EXPECT_EQ(message.find_all("Content-Type").size(), 1U);
    EXPECT_EQ(decode_words(message.value_of("Subject").value_or("")), what.fields[1].second);
    EXPECT_EQ(message.value_of("From"), "a@b");
    const Parts parts(message);
    EXPECT_EQ(parts.oddities(), Oddity::none) << oddity_names(parts.oddities());
    EXPECT_EQ(tree(parts), "1 multipart/mixed|1.1 text/plain|1.2 message/rfc822|1.2.1 text/plain");
    EXPECT_TRUE(parts.all()[1].body.starts_with("one\r\ntwo")) << parts.all()[1].body;
    EXPECT_EQ(parts.all()[2].file_names, std::vector<std::string>{"x.eml"});
    for (std::size_t at = 0; at < text->size();) {
        const auto end = text->find('\n', at);
        EXPECT_LE(end - at, 998U);
        at = end + 1;
    }
    Random again{7};
    EXPECT_EQ(compose(what, again).value(), *text);
}

TEST(Compose, RefusesLineEnds)
{
    Random random{1};
    const auto refused = [&](const Composed& what) {
        const auto text = compose(what, random);
        return !text && text.error().status == Status::data;
    };
    for (const char* value : {"a\nBcc: x@y", "a\rb", "a\r\n b"})
        EXPECT_TRUE(refused(Composed{{{"Subject", value}}, "text/plain", "x", {}})) << value;
    EXPECT_TRUE(refused(Composed{{{"Subject", std::string("a\0b", 3)}}, "text/plain", "x", {}}));
    for (const char* name : {"", "A B", "A:", "A\nB", "\xC3\xA4"})
        EXPECT_TRUE(refused(Composed{{{name, "x"}}, "text/plain", "x", {}})) << name;
    EXPECT_TRUE(refused(Composed{{}, "text/plain\r\nBcc: x@y", "x", {}}));
    Composed deep;
    for (int i = 0; i < 40; ++i) {
        Composed outer;
        outer.content_type = "multipart/mixed";
        outer.parts.push_back(deep);
        deep = outer;
    }
    EXPECT_TRUE(refused(deep));
}

TEST(Compose, BoundariesDoNotOccurInside)
{
    Random first{3};
    const auto taken = make_boundary("", first);
    EXPECT_EQ(taken.size(), 28U);
    Random second{3};
    EXPECT_NE(make_boundary("x" + taken + "x", second), taken);
}

TEST(PartNames, DescriptionAndLocationNameAFileWhereTheyLookLikeOne)
{
    struct Case {
        const char* fields;
        std::vector<std::string> names;
    };
    const Case cases[] = {
        {"Content-Description: setup.exe\n", {"setup.exe"}},
        {"Content-Description: =?utf-8?q?r=C3=A9sum=C3=A9=2Escr?=\n", {"r\u00e9sum\u00e9.scr"}},
        {"Content-Description: Delivery report\n", {}},
        {"Content-Description: News of example.com\n", {}},
        {"Content-Description: setup.com\n", {"setup.com"}},
        {"Content-Description: Mail to a@example.com\n", {}},
        {"Content-Description: See the end of it.\n", {}},
        {"Content-Location: http://example.net/files/setup%2Eexe?x=1.txt\n", {"setup.exe"}},
        {"Content-Location: http://example.net\n", {}},
        {"Content-Location: c:\\x\\setup.exe\n", {"setup.exe"}},
    };
    const Limits limits;
    for (const auto& one : cases) {
        const std::string octets = std::string(one.fields) + "Content-Type: x/y\n\nx\n";
        const Message message(octets, limits);
        const Parts parts(message, limits);
        EXPECT_EQ(parts.all()[0].file_names, one.names) << one.fields;
        EXPECT_EQ(parts.all()[0].oddities, Oddity::none);
    }
    const std::string octets = "Content-Type: x/y; name=a.txt\nContent-Description: a.exe\n\nx\n";
    const Message message(octets, limits);
    const Parts parts(message, limits);
    EXPECT_EQ(parts.all()[0].file_names, (std::vector<std::string>{"a.txt", "a.exe"}));
    EXPECT_TRUE(has(parts.all()[0].oddities, Oddity::conflicting_names));
}

} // namespace
} // namespace mgw::mail
