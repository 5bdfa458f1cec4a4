#include "lib/content/type.hpp"

#include <string>

#include <gtest/gtest.h>

using namespace mgw::content;
using namespace std::string_literals;

namespace
{

struct Case {
    const char* name;
    std::string octets;
    const char* type;
};
void PrintTo(const Case& c, std::ostream* out)
{
    *out << c.name;
}

std::string program()
{
    std::string octets(0x100, '\0');
    octets.replace(0, 2, "MZ");
    octets[0x3c] = '\x80';
    octets.replace(0x80, 4, "PE\0\0"s);
    return octets;
}

std::string ole(const std::string& name)
{
    std::string octets = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"s + std::string(500, '\0');
    for (const char c : name)
        octets.append(1, c).append(1, '\0');
    return octets + std::string(500, '\0');
}

class TrueType : public testing::TestWithParam<Case> {};
TEST_P(TrueType, IsReadFromTheOctets)
{
    EXPECT_EQ(true_type(GetParam().octets), GetParam().type);
}

INSTANTIATE_TEST_SUITE_P(
    All, TrueType,
    testing::Values(
        Case{"nothing", "", "inode/x-empty"}, Case{"text", "hello\r\n", "text/plain"},
        Case{"utf8_mark", "\xef\xbb\xbf<HTML>", "text/html"}, Case{"html", "  <!DOCTYPE html><p>", "text/html"},
        Case{"control", "a\0b"s, "application/octet-stream"},
        Case{"program", program(), "application/vnd.microsoft.portable-executable"},
        Case{"dos_program", "MZ"s + std::string(70, '\0'), "application/x-msdos-program"},
        Case{"program_header_beyond_the_end", "MZ"s + std::string(58, '\0') + "\xff\xff\xff\xff",
             "application/x-msdos-program"},
        Case{"text_that_begins_with_mz", "MZ is not a program, but only text\n", "text/plain"},
        Case{"elf", "\x7f\x45LF\x02\x01"s, "application/x-executable"},
        Case{"png", "\x89PNG\r\n\x1a\n...."s, "image/png"}, Case{"jpeg", "\xff\xd8\xff\xe0..", "image/jpeg"},
        Case{"gif", "GIF89a..", "image/gif"}, Case{"pdf", "%PDF-1.7\n", "application/pdf"},
        Case{"pdf_after_rubbish", std::string(900, '\n') + "%PDF-1.7\n", "application/pdf"},
        Case{"gzip", "\x1f\x8b\x08"s, "application/gzip"}, Case{"rar", "Rar!\x1a\x07\x01"s, "application/vnd.rar"},
        Case{"7z", "7z\xbc\xaf\x27\x1c"s, "application/x-7z-compressed"},
        Case{"shell", "#!/bin/sh\n", "text/x-shellscript"}, Case{"batch", "@ECHO OFF\r\n", "application/x-bat"},
        Case{"shortcut", "L\0\0\0\x01\x14\x02\0"s, "application/x-ms-shortcut"},
        Case{"word", ole("WordDocument"), "application/msword"},
        Case{"excel", ole("Workbook"), "application/vnd.ms-excel"},
        Case{"other_ole", ole("Something"), "application/x-ole-storage"},
        Case{"empty_zip", "PK\x05\x06"s + std::string(18, '\0'), "application/zip"},
        Case{"zip_behind_rubbish", "\1\2\3"s + "PK\x05\x06" + std::string(18, '\0'), "application/zip"}),
    [](const auto& param) { return std::string(param.param.name); });

} // namespace

TEST(Macros, AreSeenInOleFiles)
{
    EXPECT_TRUE(has_macros(ole("_VBA_PROJECT"), "application/msword"));
    EXPECT_FALSE(has_macros(ole("WordDocument"), "application/msword"));
    EXPECT_FALSE(has_macros("_VBA_PROJECT", "text/plain"));
}

TEST(Contradiction, IsWhatDeceives)
{
    EXPECT_TRUE(contradicts("image/jpeg", "application/vnd.microsoft.portable-executable"));
    EXPECT_TRUE(contradicts("application/pdf", "application/zip"));
    EXPECT_TRUE(contradicts("text/plain", "application/x-executable"));
    EXPECT_FALSE(contradicts("application/octet-stream", "application/vnd.microsoft.portable-executable"));
    EXPECT_FALSE(contradicts("application/x-msdownload", "application/vnd.microsoft.portable-executable"));
    EXPECT_FALSE(contradicts("image/jpeg", "image/png"));
    EXPECT_FALSE(contradicts("application/vnd.ms-excel", "text/plain"));
}
