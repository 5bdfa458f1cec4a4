#include "lib/core/child.hpp"
#include "lib/crypt/openpgp.hpp"
#include "lib/crypt/pgp_mime.hpp"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>

using namespace mgw;
using namespace mgw::crypt;

namespace
{

bool gpg(const std::string& home, std::vector<std::string> arguments)
{
    Arguments all{"gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto child = start_child(all, ChildIo{});
    int status = -1;
    return child && ::waitpid(child->pid, &status, 0) == child->pid && status == 0;
}

/// One throw-away keyring for all tests: key generation is the dear part.
class Pgp : public testing::Test {
protected:
    static void SetUpTestSuite()
    {
        char name[] = "/tmp/mgw.XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        home_ = name;
        for (const char* user : {"Bob <bob@example.org>", "Evil <bob@example.org.evil.test>",
                                 "bob@example.org via mallory <mallory@example.org>"})
            ASSERT_TRUE(gpg(home_, {"--quick-generate-key", user, "future-default", "default", "never"}));
        // made and expired in the past: no waiting
        ASSERT_TRUE(gpg(home_, {"--faked-system-time", "20200101T000000", "--quick-generate-key",
                                "Old <old@example.org>", "future-default", "default", "20200201T000000"}));
        ASSERT_TRUE(gpg(home_, {"--quick-generate-key", "Sign <sign@example.org>", "ed25519", "sign", "never"}));
    }
    static void TearDownTestSuite()
    {
        const auto child = start_child({"gpgconf", "--homedir", home_, "--kill", "all"}, ChildIo{});
        if (child)
            ::waitpid(child->pid, nullptr, 0);
        std::filesystem::remove_all(home_);
    }
    static OpenPgp open()
    {
        auto pgp = OpenPgp::open(home_);
        if (!pgp)
            throw std::runtime_error(pgp.error().message);
        return std::move(*pgp);
    }
    static std::string home_;
};
std::string Pgp::home_;

std::string applied(const mail::Edits& edits, std::string_view message)
{
    auto out = edits.apply(message);
    EXPECT_TRUE(out);
    return out ? *out : std::string{};
}

TEST_F(Pgp, FindsAKeyByItsExactAddressOnly)
{
    const auto pgp = open();
    std::string why;
    const auto now = std::time(nullptr);
    const Key* bob = pgp.find("BOB@example.org", now, why);
    ASSERT_NE(bob, nullptr) << why;
    const Key* evil = pgp.find("bob@example.org.evil.test", now, why);
    ASSERT_NE(evil, nullptr);
    EXPECT_NE(bob->fingerprint, evil->fingerprint);
    for (const auto& [address, reason] :
         std::vector<std::pair<const char*, const char*>>{{"bob@example.or", "no-key"},
                                                          {"ob@example.org", "no-key"},
                                                          {"old@example.org", "expired"},
                                                          {"sign@example.org", "cannot-encrypt"},
                                                          {"", "no-key"}}) {
        EXPECT_EQ(pgp.find(address, now, why), nullptr) << address;
        EXPECT_EQ(why, reason) << address;
    }
}

TEST_F(Pgp, WhatIsEncryptedComesBackOctetForOctet)
{
    const auto pgp = open();
    std::string why;
    const std::string key = pgp.find("bob@example.org", std::time(nullptr), why)->fingerprint;
    const std::vector<std::string> messages{
        "From: a@b\r\nSubject: s\r\nContent-Type: text/plain\r\nMIME-Version: 1.0\r\nX: y\r\n\r\nbody \r\n\xE9 "
        "8-bit\r\n",
        "From: a@b\nContent-Type: multipart/mixed; boundary=q\nContent-Language: de\nX-Last: "
        "1\n\n--q\n\nlf\r\nmixed\r\r\n--q--\nlast line without end",
        "Subject: no content fields\n\nhello\n",
        "Subject: bare LF in CRLF\r\n\r\na\nb\r\n",
        "Subject: empty body\n\n",
    };
    for (const auto& octets : messages) {
        const mail::Message message(octets);
        const auto armored = pgp.encrypt(inner_entity(message), {key}, false);
        ASSERT_TRUE(armored) << armored.error().message;
        Random random(7);
        mail::Edits edits;
        wrap(message, *armored, random, edits);
        const std::string outer = applied(edits, octets);
        const mail::Message wrapped(outer);
        for (const auto& field : message.fields())
            if (!message.name(field).starts_with("Content-")) {
                EXPECT_NE(outer.find(message.raw(field)), std::string::npos) << message.raw(field);
            }
        EXPECT_EQ(outer.find("hello"), std::string::npos);
        auto found = find_encrypted(wrapped, {});
        ASSERT_EQ(found.kind, Encrypted::pgp_mime) << found.why << outer;
        const auto decrypted = pgp.decrypt(found.ciphertext, 1U << 20);
        ASSERT_TRUE(decrypted) << decrypted.error().message;
        EXPECT_TRUE(decrypted->signatures.empty());
        mail::Edits back;
        ASSERT_TRUE(unwrap(wrapped, decrypted->octets, {}, back));
        const std::string again = applied(back, outer);
        EXPECT_EQ(mail::Message(again).body(), message.body());
        if (message.find("MIME-Version") != nullptr) {
            EXPECT_EQ(again, octets);
        }
    }
}

TEST_F(Pgp, NothingOfADamagedMessageComesOut)
{
    const auto pgp = open();
    std::string why;
    auto armored =
        pgp.encrypt(std::string(5000, 'x'), {pgp.find("bob@example.org", std::time(nullptr), why)->fingerprint}, true);
    ASSERT_TRUE(armored);
    auto damaged = *armored;
    auto& c = damaged[damaged.size() / 2];
    c = c == 'A' ? 'B' : 'A';
    const auto result = pgp.decrypt(damaged, 1U << 20);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().status, Status::data) << result.error().message;
    const auto large = pgp.decrypt(*armored, 4999);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().message, "too-large");
    EXPECT_TRUE(pgp.decrypt(*armored, 5000));
    EXPECT_FALSE(pgp.decrypt("", 100));
    EXPECT_FALSE(pgp.encrypt("x", {}, false));
}

TEST(OpenPgpHome, IsChecked)
{
    EXPECT_EQ(OpenPgp::open("/nonexistent").error().status, Status::config);
    EXPECT_TRUE(OpenPgp::open("/" + std::string(100, 'x')).error().message.contains("longer than"));
}

struct LabelCase {
    const char* name;
    const char* message;
    const char* why;
};
class Label : public testing::TestWithParam<LabelCase> {};
TEST_P(Label, AloneIsNoEncryption)
{
    const mail::Message message(GetParam().message);
    const auto found = find_encrypted(message, {});
    EXPECT_EQ(found.kind, Encrypted::no);
    EXPECT_EQ(found.why, GetParam().why);
}
INSTANTIATE_TEST_SUITE_P(
    All, Label,
    testing::Values(
        LabelCase{"one_part", "Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nclear\n--b--\n", "structure"},
        LabelCase{"clear_in_it",
                  "Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: "
                  "application/pgp-encrypted\n\nVersion: 1\n"
                  "--b\nContent-Type: application/octet-stream\n\nclear\n--b--\n",
                  "no-ciphertext"},
        LabelCase{"clear_armor",
                  "Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: "
                  "application/pgp-encrypted\n\nVersion: 1\n"
                  "--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\nyxRiAAAAAABoZWxsbwo=\n"
                  "-----END PGP MESSAGE-----\n--b--\n",
                  "no-ciphertext"},
        LabelCase{
            "smime_signed",
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n\n"
            "MIAGCSqGSIb3DQEHAqCA\n",
            ""},
        LabelCase{"text_around",
                  "Subject: x\n\nhello\n-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n",
                  "text-around"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(Cms, EnvelopedDataIsRecognised)
{
    const mail::Message message(
        "Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHA6CA\n");
    EXPECT_EQ(find_encrypted(message, {}).kind, Encrypted::smime);
}

} // namespace
