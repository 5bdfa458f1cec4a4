#include "lib/smtp/client_logins.hpp"
#include "lib/smtp/sasl_client.hpp"
#include "lib/smtp/scram.hpp"

#include <gtest/gtest.h>

using namespace mgw::smtp;
using namespace std::string_literals;

namespace
{

const Login pencil{"user", "pencil", "t:1"};
const std::string nonce = "rOprNGfwEbeRWgbNEkqO";
const std::string first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

TEST(SaslClient, ProvesThePasswordByScram) // the example of RFC 7677 section 3
{
    const auto scram = choose_mechanism("LOGIN PLAIN scram-sha-256", pencil, nonce);
    ASSERT_TRUE(scram);
    EXPECT_EQ(scram->mechanism(), "SCRAM-SHA-256");
    EXPECT_EQ(scram->begin(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const auto proof = scram->answer(first);
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_EQ(*proof, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_FALSE(scram->may_succeed());
    EXPECT_EQ(scram->answer("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").value_or("?"), "");
    EXPECT_TRUE(scram->may_succeed());
    EXPECT_FALSE(scram->answer(""));
}

TEST(SaslClient, KnowsAFraud)
{
    const auto fraud = [&](const std::string& challenge) {
        const auto scram = choose_mechanism("SCRAM-SHA-256", pencil, nonce);
        (void)scram->begin();
        return !scram->answer(challenge);
    };
    EXPECT_FALSE(fraud(first));
    for (const auto& bad :
         {""s, "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"s,
          "r=otherNonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"s, "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1"s,
          "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000"s, "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096"s,
          "r=rOprNGfwEbeRWgbNEkqOx,i=4096"s, "r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=4096,m=x"s, "m=x,"s + first, "r=a,r=b"s})
        EXPECT_TRUE(fraud(bad)) << bad;
    const auto scram = choose_mechanism("SCRAM-SHA-256", pencil, nonce);
    (void)scram->begin();
    ASSERT_TRUE(scram->answer(first));
    EXPECT_FALSE(scram->answer("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

TEST(SaslClient, SpeaksOlderMechanisms)
{
    const auto plain = choose_mechanism("CRAM-MD5 PLAIN", pencil, nonce);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->begin(), "\0user\0pencil"s);
    EXPECT_TRUE(plain->may_succeed());
    EXPECT_FALSE(plain->answer("?"));
    const auto login = choose_mechanism("LOGIN", pencil, nonce);
    ASSERT_TRUE(login);
    EXPECT_FALSE(login->begin());
    EXPECT_FALSE(login->may_succeed());
    EXPECT_EQ(login->answer("Username:").value_or("?"), "user");
    EXPECT_EQ(login->answer("Password:").value_or("?"), "pencil");
    EXPECT_FALSE(login->answer("Again:"));
    EXPECT_FALSE(choose_mechanism("GSSAPI CRAM-MD5", pencil, nonce));
    EXPECT_FALSE(choose_mechanism("", pencil, nonce));
}

TEST(Scram, WritesNames)
{
    EXPECT_EQ(scram::escape_name("a=b,c"), "a=3Db=2Cc");
    EXPECT_EQ(scram::unescape_name("a=3Db=2Cc"), "a=b,c");
    for (const char* bad : {"a=", "a=2", "a=2c", "==3D"})
        EXPECT_FALSE(scram::unescape_name(bad)) << bad;
}

TEST(Logins, AreRead)
{
    const auto logins = Logins::parse("# mine\nRelay.Example user  pass word \n\nbücher.example u p\n", "t");
    ASSERT_TRUE(logins) << logins.error().message;
    ASSERT_TRUE(logins->find("relay.example"));
    EXPECT_EQ(logins->find("relay.example")->name, "user");
    EXPECT_EQ(logins->find("relay.example")->password, "pass word");
    EXPECT_EQ(logins->find("relay.example")->place, "t:2");
    EXPECT_TRUE(logins->find("xn--bcher-kva.example"));
    EXPECT_FALSE(logins->find("other.example"));
    for (const char* bad : {"a", "a b", "a b \n", "a b c\nA d e\n"})
        EXPECT_FALSE(Logins::parse(bad, "t")) << bad;
    const auto bad = Logins::parse("host name\n", "t");
    EXPECT_EQ(bad.error().message, "t:1: a line is a host, a login and a password");
}

} // namespace
