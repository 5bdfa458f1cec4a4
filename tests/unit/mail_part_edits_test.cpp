#include "lib/core/random.hpp"
#include "lib/mail/compose.hpp"
#include "lib/mail/diff.hpp"
#include "lib/mail/part_edits.hpp"

#include <functional>
#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

using Where = PartEdits::Where;
const std::string mixed = "Subject: x\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n"
                          "Content-Type: text/plain\r\n\r\nhello\r\n--b  \r\nContent-Type: application/zip\r\n"
                          "Content-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n--b--\r\nepilogue";
const std::string sealed =
    "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/signed; boundary=b\n\n"
    "--b\n\nhello\n--b\nContent-Type: application/pgp-signature\n\nsig\n--b--\n--o\n\nfooter\n--o--\n";
const std::string pkcs7 = "Subject: x\nContent-Type: application/pkcs7-mime; smime-type=signed-data\n"
                          "Content-Transfer-Encoding: base64\n\nMIIB\n";

struct Case {
    const char* name;
    std::string message;
    std::function<Result<void>(PartEdits&)> change;
    std::string what; ///< steps of the change, "!" for refused
};
class OfParts : public testing::TestWithParam<Case> {};

TEST_P(OfParts, LeaveTheRestAlone)
{
    const auto& c = GetParam();
    const Message message(c.message);
    const Parts parts(message);
    Edits edits;
    PartEdits on(message, parts, edits);
    const auto done = c.change(on);
    if (c.what.starts_with('!')) {
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().status, Status::data);
        EXPECT_NE(done.error().message.find(c.what.substr(1)), std::string::npos) << done.error().message;
        EXPECT_TRUE(edits.empty());
        return;
    }
    ASSERT_TRUE(done) << done.error().message;
    const auto after = edits.apply(c.message).value();
    auto change = change_of(c.message, edits).value();
    explain(change, c.message, after);
    std::string what;
    for (const auto& step : change.steps)
        what += (what.empty() ? "" : "|") + step.what;
    EXPECT_EQ(what, c.what) << after;
    EXPECT_EQ(replay(reversed(change), after).value(), c.message);
    const Message changed(after);
    EXPECT_EQ(static_cast<int>(changed.all_oddities()), static_cast<int>(message.all_oddities())) << after;
}

INSTANTIATE_TEST_SUITE_P(
    Edits, OfParts,
    testing::Values(
        Case{"body", mixed, [](PartEdits& e) { return e.replace_body(1, "bye\n"); },
             "part 1.1 (text/plain): 5 octets replaced by 5"},
        Case{"body_of_one_part", "A: b\n\nx", [](PartEdits& e) { return e.replace_body(0, "y\r\nz"); },
             "body: 1 octet replaced by 3"},
        Case{"body_of_no_body", "A: b\n", [](PartEdits& e) { return e.replace_body(0, "y"); }, "body: 2 octets added"},
        Case{"notice", mixed, [](PartEdits& e) { return e.replace(2, "\nremoved"); },
             "part 1.2 (application/zip) replaced by part 1.2 (text/plain)"},
        Case{"add_last", mixed, [](PartEdits& e) { return e.add(0, "\nfooter", Where::last); },
             "part 1.3 (text/plain) added"},
        Case{"add_first", mixed, [](PartEdits& e) { return e.add(0, "\nheader", Where::first); },
             "part 1.1 (text/plain) added"},
        Case{"add_beside_signed", sealed, [](PartEdits& e) { return e.add(0, "\nmore", Where::last); },
             "part 1.3 (text/plain) added"},
        Case{"replace_signed_whole", sealed, [](PartEdits& e) { return e.replace(1, "\nremoved"); },
             "part 1.1 (multipart/signed) replaced by part 1.1 (text/plain)"},
        Case{"inside_signed", sealed, [](PartEdits& e) { return e.replace_body(2, "x"); },
             "!part 1.1.1 (text/plain) is under the signature of part 1.1 (multipart/signed)"},
        Case{"signature", sealed, [](PartEdits& e) { return e.replace(3, "\nx"); }, "!signature"},
        Case{"add_to_signed", sealed, [](PartEdits& e) { return e.add(1, "\nx", Where::last); }, "!signature"},
        Case{"body_of_signed", sealed, [](PartEdits& e) { return e.replace_body(1, "x"); }, "!signature"},
        Case{"body_of_pkcs7", pkcs7, [](PartEdits& e) { return e.replace_body(0, "x"); }, "!signature"},
        Case{"no_such_part", mixed, [](PartEdits& e) { return e.replace_body(9, "x"); }, "!no part number 10"},
        Case{"message_itself", mixed, [](PartEdits& e) { return e.replace(0, "x"); }, "!the message itself"},
        Case{"add_to_leaf", mixed, [](PartEdits& e) { return e.add(1, "\nx", Where::last); }, "!no multipart"},
        Case{"delimiter_in_body", mixed, [](PartEdits& e) { return e.replace_body(1, "x\n--b\ny"); }, "!delimiter"},
        Case{"delimiter_in_entity", mixed, [](PartEdits& e) { return e.add(0, "\n--bb", Where::last); }, "!delimiter"},
        Case{"inside_encoded",
             "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKeQ==\n",
             [](PartEdits& e) { return e.replace_body(1, "x"); }, "!encoded"}),
    [](const auto& info) { return std::string(info.param.name); });

class Wrapped : public testing::TestWithParam<Where> {};

TEST_P(Wrapped, KeepsWhatItWraps)
{
    const std::string inputs[] = {mixed,  sealed, pkcs7,    "Subject: x\n\nhello\n",
                                  "A: b", "",     "\nbody", "A: b\nnot a field\n"};
    for (const auto& in : inputs) {
        const Message message(in);
        const Parts parts(message);
        Edits edits;
        PartEdits on(message, parts, edits);
        Random random{3};
        const auto entity = compose_part({.body = "Checked.\n"}, random).value();
        ASSERT_TRUE(on.wrap(entity, GetParam(), random));
        const auto after = edits.apply(in).value();
        const Message wrapped(after);
        const Parts inside(wrapped);
        ASSERT_GE(inside.all().size(), 3U) << after;
        EXPECT_EQ(inside.all()[0].type.value, "multipart/mixed");
        const Part* old = GetParam() == Where::first ? nullptr : &inside.all()[1];
        for (const auto& part : inside.all())
            if (part.path() == (GetParam() == Where::first ? "1.2" : "1.1"))
                old = &part;
        ASSERT_NE(old, nullptr);
        EXPECT_EQ(old->body, message.body()) << after;
        EXPECT_EQ(old->type.value, parts.all()[0].type.value);
        EXPECT_EQ(replay(reversed(change_of(in, edits).value()), after).value(), in);
    }
}

INSTANTIATE_TEST_SUITE_P(Edits, Wrapped, testing::Values(Where::first, Where::last));

} // namespace
} // namespace mgw::mail
