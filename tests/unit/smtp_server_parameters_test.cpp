#include "lib/smtp/server_parameters.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

namespace
{

std::vector<EsmtpParameter> parameters_of(std::string_view text)
{
    return parse_path_argument("TO:<a@b.c> " + std::string(text), "TO").value().parameters;
}

struct Case {
    const char* name;
    std::string in;
    int code; // 0 for good
    std::string carried;
    bool utf8 = true;
};

class MailParameter : public testing::TestWithParam<Case> {};
class RecipientParameter : public testing::TestWithParam<Case> {};

TEST_P(MailParameter, IsChecked)
{
    const auto got = check_mail_parameters(parameters_of(GetParam().in), {1000, true, true});
    ASSERT_EQ(got ? 0 : got.error().code, GetParam().code);
    EXPECT_EQ(got ? got->carried : "", GetParam().carried);
}

TEST_P(RecipientParameter, IsChecked)
{
    const auto got = check_recipient_parameters(parameters_of(GetParam().in), GetParam().utf8);
    ASSERT_EQ(got ? 0 : got.error().code, GetParam().code);
    EXPECT_EQ(got ? *got : "", GetParam().carried);
}

} // namespace

INSTANTIATE_TEST_SUITE_P(
    All, MailParameter,
    testing::Values(Case{"none", "", 0, ""}, Case{"size", "SIZE=1000", 0, ""}, Case{"size_large", "SIZE=1001", 552, ""},
                    Case{"size_21_digits", "SIZE=000000000000000000001", 501, ""},
                    Case{"size_without", "SIZE", 501, ""}, Case{"size_signed", "SIZE=+1", 501, ""},
                    Case{"body", "Body=8bitmime", 0, "BODY=8bitmime"}, Case{"body_binary", "BODY=BINARYMIME", 501, ""},
                    Case{"body_without", "BODY", 501, ""}, Case{"ret", "RET=FULL", 0, "RET=FULL"},
                    Case{"ret_else", "RET=BODY", 501, ""}, Case{"envid", "ENVID=QQ+20x+2B", 0, "ENVID=QQ+20x+2B"},
                    Case{"envid_without", "ENVID", 501, ""},
                    Case{"envid_100", "ENVID=" + std::string(100, 'x'), 0, "ENVID=" + std::string(100, 'x')},
                    Case{"envid_101", "ENVID=" + std::string(101, 'x'), 501, ""},
                    Case{"envid_lf", "ENVID=a+0Ab", 501, ""}, Case{"envid_lower", "ENVID=a+2b", 501, ""},
                    Case{"envid_cut", "ENVID=a+2", 501, ""}, Case{"envid_utf8", "ENVID=\xc3\xa4", 501, ""},
                    Case{"envid_high", "ENVID=a+E4", 501, ""}, Case{"utf8", "SMTPUTF8", 0, "SMTPUTF8"},
                    Case{"utf8_value", "SMTPUTF8=YES", 501, ""}, Case{"require_tls", "REQUIRETLS", 0, "REQUIRETLS"},
                    Case{"require_tls_value", "REQUIRETLS=1", 501, ""}, Case{"auth", "AUTH=a+40b.c", 0, ""},
                    Case{"auth_nobody", "AUTH=<>", 0, ""}, Case{"auth_bad", "AUTH=a+4", 501, ""},
                    Case{"twice", "RET=FULL RET=FULL", 501, ""}, Case{"twice_size", "SIZE=1 SIZE=1", 501, ""},
                    Case{"unknown", "RET=FULL XFOO=1", 555, ""}, Case{"of_rcpt", "NOTIFY=NEVER", 555, ""},
                    Case{"all", "RET=HDRS SIZE=1 ENVID=x BODY=7BIT SMTPUTF8 REQUIRETLS AUTH=<>", 0,
                         "RET=HDRS ENVID=x BODY=7BIT SMTPUTF8 REQUIRETLS"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    All, RecipientParameter,
    testing::Values(
        Case{"none", "", 0, ""}, Case{"never", "NOTIFY=Never", 0, "NOTIFY=Never"},
        Case{"three", "NOTIFY=SUCCESS,delay,FAILURE", 0, "NOTIFY=SUCCESS,delay,FAILURE"},
        Case{"never_and", "NOTIFY=NEVER,DELAY", 501, ""}, Case{"and_never", "NOTIFY=DELAY,NEVER", 501, ""},
        Case{"notify_empty_word", "NOTIFY=DELAY,", 501, ""}, Case{"notify_else", "NOTIFY=ALWAYS", 501, ""},
        Case{"notify_without", "NOTIFY", 501, ""}, Case{"orcpt", "ORCPT=rfc822;a+2Bb@c.d", 0, "ORCPT=rfc822;a+2Bb@c.d"},
        Case{"orcpt_x400", "ORCPT=x400;/c+3Dus", 0, "ORCPT=x400;/c+3Dus"},
        Case{"orcpt_no_type", "ORCPT=a@c.d", 501, ""}, Case{"orcpt_empty_type", "ORCPT=;a@c.d", 501, ""},
        Case{"orcpt_empty", "ORCPT=rfc822;", 501, ""}, Case{"orcpt_bad_type", "ORCPT=a_b;x", 501, ""},
        Case{"orcpt_bad_xtext", "ORCPT=rfc822;a+zz", 501, ""}, Case{"orcpt_crlf", "ORCPT=rfc822;a+0D+0Ab", 501, ""},
        Case{"orcpt_500", "ORCPT=rfc822;" + std::string(493, 'a'), 0, "ORCPT=rfc822;" + std::string(493, 'a')},
        Case{"orcpt_501", "ORCPT=rfc822;" + std::string(494, 'a'), 501, ""},
        Case{"orcpt_rfc822_utf8", "ORCPT=rfc822;\xc3\xa4@c.d", 501, ""},
        Case{"orcpt_utf8", "ORCPT=utf-8;\xc3\xa4@c.d", 0, "ORCPT=utf-8;\\x{E4}@c.d"},
        Case{"orcpt_utf8_plus", "ORCPT=UTF-8;a+b@c.d", 0, "ORCPT=UTF-8;a\\x{2B}b@c.d"},
        Case{"orcpt_utf8_not_asked", "ORCPT=utf-8;\xc3\xa4@c.d", 501, "", false},
        Case{"orcpt_utf8_in_ascii", "ORCPT=utf-8;\\x{E4}@c.d", 0, "ORCPT=utf-8;\\x{E4}@c.d", false},
        Case{"orcpt_utf8_surrogate", "ORCPT=utf-8;\\x{D800}", 501, ""},
        Case{"orcpt_utf8_lf", "ORCPT=utf-8;\\x{0A}", 501, ""}, Case{"orcpt_utf8_open", "ORCPT=utf-8;\\x{E4", 501, ""},
        Case{"orcpt_utf8_lower", "ORCPT=utf-8;\\x{e4}", 501, ""},
        Case{"orcpt_utf8_backslash", "ORCPT=utf-8;a\\b", 501, ""},
        Case{"orcpt_utf8_far", "ORCPT=utf-8;\\x{110000}", 501, ""}, Case{"twice", "NOTIFY=NEVER NOTIFY=NEVER", 501, ""},
        Case{"of_mail", "RET=FULL", 555, ""},
        Case{"both", "ORCPT=rfc822;a@c.d NOTIFY=NEVER", 0, "ORCPT=rfc822;a@c.d NOTIFY=NEVER"}),
    [](const auto& info) { return info.param.name; });

TEST(MailParameters, NeedWhatWasOffered)
{
    EXPECT_EQ(check_mail_parameters(parameters_of("REQUIRETLS"), {}).error().code, 555);
    EXPECT_EQ(check_mail_parameters(parameters_of("AUTH=<>"), {}).error().code, 555);
    const auto good = check_mail_parameters(parameters_of("SMTPUTF8 SIZE=7"), {});
    ASSERT_TRUE(good);
    EXPECT_TRUE(good->utf8);
    EXPECT_FALSE(good->require_tls);
    EXPECT_EQ(good->declared_octets, 7U);
}

} // namespace mgw::smtp
