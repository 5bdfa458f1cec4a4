#include "lib/core/text.hpp"
#include "lib/mail/encode_body.hpp"
#include "lib/mail/parts.hpp"
#include "lib/queue/dsn.hpp"

#include <gtest/gtest.h>

namespace mgw::queue
{
namespace
{

std::string notice(std::string_view original, const std::string& sender = "a@example.net")
{
    mail::Block block;
    block.set_from(sender);
    block.add_recipient("1", "b@example.org", "");
    mail::Answer answer;
    answer.number = "1";
    answer.code = 550;
    answer.enhanced = "5.1.1";
    answer.text = "No such user \xC3\xA4";
    Random random{9};
    const auto made = bounce(block, original, {answer}, Time{}, {.host = "mx.example.org"}, Time{}, random);
    EXPECT_TRUE(made && *made) << (made ? "none" : made.error().message);
    return made && *made ? (*made)->message : std::string{};
}

TEST(Dsn, IsFitForTheWireWhateverTheOriginalWas)
{
    const std::string originals[] = {"Subject: x\n\nbody\n",
                                     "Subject: x\r\nFrom: c@d\r\n\r\nbody\r\n",
                                     "Subject: \xE4\xF6\xFC\nX: " + std::string(5000, 'x') + "\n\n",
                                     std::string("X: a\0b\rc\n\n", 10),
                                     "",
                                     "no header\n",
                                     "From: --=_\n --\n"};
    for (const auto& original : originals) {
        const auto text = notice(original);
        EXPECT_TRUE(mail::has_fit_lines(text));
        EXPECT_TRUE(is_ascii(text));
        const mail::Message message(text);
        const mail::Parts parts(message);
        EXPECT_EQ(parts.oddities(), mail::Oddity::none) << mail::oddity_names(parts.oddities()) << "\n" << text;
        ASSERT_EQ(parts.all().size(), 4U);
        EXPECT_TRUE(parts.all()[0].type.is("multipart/report"));
        EXPECT_EQ(parts.all()[0].type.parameter("report-type"), "delivery-status");
        EXPECT_TRUE(parts.all()[2].type.is("message/delivery-status"));
        EXPECT_NE(parts.all()[2].body.find("Final-Recipient: rfc822; b@example.org\r\n"), std::string_view::npos);
        EXPECT_TRUE(parts.all()[3].type.is("text/rfc822-headers"));
        // nothing of the original's header is lost: it has CRLF now
        std::string header;
        for (const char c : mail::Message(original).header())
            header.append(c == '\n' && !header.ends_with('\r') ? "\r" : "").append(1, c);
        EXPECT_EQ(mail::decode(parts.all()[3], 1U << 20), header);
    }
}

TEST(Dsn, AnInternationalSenderIsNamedAsItIs)
{
    const auto text = notice("Subject: x\n\n", "\xC3\xA4@example.net");
    const mail::Message message(text);
    EXPECT_EQ(message.value_of("To"), "<\xC3\xA4@example.net>");
}

} // namespace
} // namespace mgw::queue
