#include "lib/smtp/downgrade.hpp"

#include "lib/mail/parts.hpp"

#include <gtest/gtest.h>

using namespace mgw;
using mgw::smtp::to_seven_bit;

namespace
{

struct Case {
    const char* name;
    const char* in;
    const char* want; ///< the result, or "!" and the objection
};
class Downgrade : public testing::TestWithParam<Case> {};
TEST_P(Downgrade, ChangesOnlyWhatItMust)
{
    const auto out = to_seven_bit(GetParam().in, {});
    EXPECT_EQ(out ? *out : "!" + out.error().message, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Downgrade,
    testing::Values(
        Case{"nothing", "A: b\n\nplain\n", "A: b\n\nplain\n"},
        Case{"text",
             "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\nX: "
             "y\n\nGr\xC3\xBC\xC3\x9F"
             "e vom See\n",
             "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
             "quoted-printable\nX: y\n\nGr=C3=BC=C3=9Fe vom See\n"},
        Case{"crlf", "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nlots of text and one \xFC\r\n\r\n",
             "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
             "lots of text and one =FC\r\n\r\n"},
        Case{"without_mime", "A: b\n\nlots of text and one \xFC\n",
             "A: b\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=unknown-8bit\n"
             "MIME-Version: 1.0\n\nlots of text and one =FC\n"},
        Case{"a_part",
             "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: "
             "8bit\n\npre\n--b\n\n"
             "some long text here and \xC3\xA4\n--b\nContent-Type: application/x\n\n\xFF\xFE\xFF\n--b\nX: "
             "y\n\nplain\n--b--\nepi\n",
             "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: "
             "7bit\n\npre\n--b\n"
             "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=utf-8\n\n"
             "some long text here and =C3=A4\n--b\nContent-Type: application/x\nContent-Transfer-Encoding: base64\n\n"
             "//7/\n\n--b\nX: y\n\nplain\n--b--\nepi\n"},
        Case{"signed_part", "MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n\xC3\xA4\n--b--\n",
             "!8-bit text is signed or encrypted: part 1.1"},
        Case{"encrypted_part",
             "MIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\n\xC3\xA4\n--b--\n",
             "!8-bit text is signed or encrypted: part 1.1"},
        Case{"pkcs7",
             "MIME-Version: 1.0\nContent-Type: application/pkcs7-mime\nContent-Transfer-Encoding: binary\n\n\xFF\n",
             "!8-bit text is signed or encrypted: part 1"},
        Case{"header", "Subject: \xC3\xA4\n\nx\n", "!the header has 8-bit text"},
        Case{"preamble", "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\xC3\xA4\n--b\n\nx\n--b--\n",
             "!8-bit text stands outside of all parts"},
        Case{"broken_encoding",
             "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n\xC3\xA4\n",
             "!part 1 has 8-bit text although it says base64"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(DowngradeInside, AForwardedMessage)
{
    const std::string in = "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
                           "Subject: inner\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                           "Content-Transfer-Encoding: 8bit\n\nsome text with one \xC3\xA4\n";
    const auto out = to_seven_bit(in, {});
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(*out, "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
                    "Subject: inner\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                    "Content-Transfer-Encoding: quoted-printable\n\nsome text with one =C3=A4\n");
}

} // namespace
