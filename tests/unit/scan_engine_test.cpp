#include "lib/scan/database.hpp"
#include "lib/scan/engine.hpp"
#include "lib/scan/private_tmp.hpp"
#include "lib/scan/scanner.hpp"

#include "lib/core/fd.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/message.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

using namespace mgw;
using namespace mgw::scan;
using namespace std::chrono_literals;

namespace
{

const std::string root = std::string(MGW_TEST_DATA) + "/../..";

/// One engine for all tests of this program: libclamav is not freed.
const Engine& engine()
{
    static const PrivateTmp tmp = [] { return std::move(*PrivateTmp::make({})); }();
    static const Engine one = [] {
#ifdef __SANITIZE_ADDRESS__
        const __lsan::ScopedDisabler loading; // libclamav 1.4 loses 2 KB when it loads signatures, none when it scans
#endif
        auto loaded = Engine::load(root + "/share/clamav", tmp.path(),
                                   {.file_octets = 4U << 20, .scan_octets = 8U << 20, .nesting = 20});
        EXPECT_TRUE(loaded.has_value()) << loaded.error().message;
        return std::move(*loaded);
    }();
    return one;
}

std::string sample(const char* name)
{
    return *read_file(root + "/tests/data/scan/" + name);
}

Report measure(const std::string& octets, const Limits& limits = {}, ScanOptions options = {})
{
    const mail::Message message(octets, limits);
    return scan_message(message, &engine(), options, limits);
}

/// The marker of our own harmless test signature, put together here so that this file is not found itself.
const std::string marker = std::string("mgw-harmless-test-") + "signature-7d1f";

} // namespace

TEST(Database, TellsVersionByContent)
{
    const auto described = describe_database(root + "/share/clamav");
    ASSERT_TRUE(described.has_value());
    EXPECT_TRUE(described->version.starts_with("sha256-"));
    EXPECT_EQ(described->version.size(), 7 + 16U);
    EXPECT_TRUE(described->changed.has_value());
    EXPECT_EQ(engine().database().signatures, 4U);
}

TEST(Database, MissingIsAConfigurationErrorThatSaysWhatToDo)
{
    const auto loaded = Engine::load("/nonexistent/clamav", "/tmp", {});
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().status, Status::config);
    EXPECT_NE(loaded.error().hint.find("--database"), std::string::npos);
}

TEST(Database, DamagedIsAConfigurationError)
{
    const auto folder = std::filesystem::temp_directory_path() / ("mgw-damaged-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "x.ndb") << "this is no signature\n";
    const auto loaded = Engine::load(folder.string(), "/tmp", {});
    std::filesystem::remove_all(folder);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().status, Status::config);
}

struct Found {
    const char* name;
    std::string octets;
    Outcome outcome;
    const char* said; ///< virus or why
};
void PrintTo(const Found& f, std::ostream* out)
{
    *out << f.name;
}

class Scans : public testing::TestWithParam<Found> {};
TEST_P(Scans, GiveTheirOutcome)
{
    const auto report = measure(GetParam().octets);
    EXPECT_EQ(report.outcome, GetParam().outcome) << report.virus << report.why;
    EXPECT_EQ(report.virus + report.why, GetParam().said);
}

std::string with_attachment(const std::string& octets, const std::string& type = "application/octet-stream")
{
    return "From: a@example.net\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\n\nhello\n--b\nContent-Type: " +
           type + "\nContent-Transfer-Encoding: base64\n\n" + mail::base64_encode(octets, 76, "\n") + "--b--\n";
}

INSTANTIATE_TEST_SUITE_P(
    All, Scans,
    testing::Values(Found{"clean", "From: a@example.net\n\nhello\n", Outcome::clean, ""},
                    Found{"only_cr", std::string(1000, '\r'), Outcome::clean, ""},
                    Found{"no_header", "\n\nx", Outcome::clean, ""},
                    Found{"nul", std::string("A: b\n\n\0\0\0x\n", 11), Outcome::clean, ""},
                    Found{"plain_body", "A: b\n\n" + marker + "\n", Outcome::infected, "Mgw-Test-Marker.UNOFFICIAL"},
                    Found{"attachment", with_attachment("x" + marker), Outcome::infected, "Mgw-Test-Marker.UNOFFICIAL"},
                    Found{"md5", with_attachment("harmless test file of mgw, known by its MD5\n"), Outcome::infected,
                          "Mgw-Test-Md5.UNOFFICIAL"},
                    Found{"sha256", with_attachment("harmless test file of mgw, known by its SHA-256\n"),
                          Outcome::infected, "Mgw-Test-Sha256.UNOFFICIAL"},
                    Found{"eicar_zip", *read_file(root + "/share/pipelines/quickstart/eicar-zip.eml"),
                          Outcome::infected, "Eicar-Test-Signature.UNOFFICIAL"},
                    Found{"exe", *read_file(root + "/share/pipelines/quickstart/exe.eml"), Outcome::clean, ""},
                    Found{"encrypted_zip", sample("encrypted-zip.eml"), Outcome::unscanned, "encrypted"},
                    Found{"zip_bomb", sample("zip-bomb.eml"), Outcome::unscanned, "limit:file-size"},
                    Found{"zip_bomb_that_lies", sample("zip-bomb-lies.eml"), Outcome::unscanned, "limit:file-size"},
                    Found{"nested_6", sample("nested-6.eml"), Outcome::infected, "Eicar-Test-Signature.UNOFFICIAL"},
                    Found{"nested_30", sample("nested-30.eml"), Outcome::unscanned, "limit:nesting"}));

TEST(Scanner, AVirusBehindSomethingUnscannableIsStillFound)
{
    const auto report = measure(sample("encrypted-then-eicar.eml"));
    EXPECT_EQ(report.outcome, Outcome::infected) << report.why;
}

TEST(Scanner, TooLargeIsAResultAndThePartsAreScannedAllTheSame)
{
    const auto mail = with_attachment("x" + marker) + std::string(5U << 20, 'x');
    EXPECT_EQ(measure(mail).outcome, Outcome::infected);
    const auto clean = measure(with_attachment("hello") + std::string(5U << 20, 'x'));
    EXPECT_EQ(clean.outcome, Outcome::unscanned);
    EXPECT_EQ(clean.why, "too-large");
}

TEST(Scanner, WithoutAnEngineTheOutcomeIsNoDatabaseAndPartsAreDescribed)
{
    const auto octets = *read_file(root + "/share/pipelines/quickstart/exe.eml");
    const mail::Message message(octets);
    const auto report = scan_message(message, nullptr, {}, {});
    EXPECT_EQ(report.outcome, Outcome::unscanned);
    EXPECT_EQ(report.why, "no-database");
    ASSERT_EQ(report.attachments.size(), 1U);
    EXPECT_EQ(report.attachments[0].names, std::vector<std::string>(1, "viewer.exe"));
    EXPECT_EQ(report.attachments[0].declared, "application/octet-stream");
    EXPECT_EQ(report.attachments[0].actual, "application/vnd.microsoft.portable-executable");
}

TEST(Scanner, NoTimeLeftIsALimit)
{
    const auto report = measure(with_attachment("hello"), {}, {.time = 0ms});
    EXPECT_EQ(report.outcome, Outcome::unscanned);
    EXPECT_EQ(report.why, "limit:time");
}

TEST(Scanner, WhatTheEngineUnpackedItselfIsNotScannedTwice)
{
    std::string big;
    for (int i = 0; i < 20000; ++i)
        big += std::to_string(i);
    const auto report = measure(with_attachment(big));
    ASSERT_EQ(report.scans.size(), 3U);
    EXPECT_TRUE(report.scans[2].seen_before);
}

TEST(Scanner, MembersOfArchivesAreNamed)
{
    const auto report = measure(sample("nested-6.eml"));
    ASSERT_EQ(report.attachments.size(), 1U);
    ASSERT_FALSE(report.attachments[0].members.empty());
    EXPECT_TRUE(report.attachments[0].members.back().name.ends_with("/eicar.com"));
}
