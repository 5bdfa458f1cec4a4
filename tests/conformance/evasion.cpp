// Messages that hide a file, read as mgw-scan and mgw-filter read them. Two kinds, told apart by the label in the field
// X-Payload-Id: where the content is hidden, one content must be the file, octet for octet; where its name is hidden
// ("fname-…"), the file's content must have a name that ends as the file's name does.
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace
{

using namespace mgw;

/// The file of the set whose content is hidden: a zip of 186 octets.
constexpr std::string_view payload_sha256 = "2c7a24e14b230cfb2a57d7a01e285747f3db143a8092e19486b198028478b6af";
/// What the file whose name is hidden holds.
constexpr std::string_view named_content = "This could be a file named 'test.zip'";

struct Tally {
    int passed = 0;
    int failed = 0;
};

/// The set is stored with LF; mail on the wire has CRLF, and programs differ in what they make of LF alone.
std::string wire_form(std::string_view octets)
{
    std::string out;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r'))
            out += '\r';
        out += octets[i];
    }
    return out;
}

bool is_named(const mail::Content& content, bool control)
{
    return std::ranges::any_of(content.file_names, [&](const std::string& name) {
        return iends_with(name, ".zip") || (control && iends_with(name, ".png"));
    });
}

/// The reading that finds what is hidden; empty if none does.
std::string find_hidden(const std::string& octets, std::string_view label)
{
    const Limits limits;
    const mail::Message message(octets, limits);
    const mail::Parts parts(message, limits);
    std::string found;
    const bool by_name = label.starts_with("fname-");
    // the case that hides nothing is named for what it calls the file
    const bool control = label.ends_with(".png");
    mail::for_each_content(message, parts, limits, [&](const mail::Content& content) {
        if (!found.empty())
            return;
        const bool is_it = by_name ? content.octets == named_content && is_named(content, control)
                                   : hex(sha256(content.octets)) == payload_sha256;
        if (is_it)
            found = content.describe();
    });
    return found;
}

} // namespace

int main(int argc, char** argv)
{
    bool verbose = false;
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "-v") {
            verbose = true;
            continue;
        }
        std::error_code error;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i], error))
            if (entry.is_regular_file())
                files.push_back(entry.path());
        if (error) {
            std::cerr << "evasion: " << argv[i] << ": " << error.message() << "\n";
            return 2;
        }
    }
    std::ranges::sort(files);
    Tally contents;
    Tally names;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        const auto octets = wire_form(std::string(std::istreambuf_iterator<char>(in), {}));
        const auto id = mail::Message(octets).value_of("X-Payload-Id");
        if (!id) // the folder's description
            continue;
        const auto label = id->substr(0, id->find(' '));
        const auto found = find_hidden(octets, label);
        auto& tally = label.starts_with("fname-") ? names : contents;
        ++(found.empty() ? tally.failed : tally.passed);
        if (verbose)
            std::cout << (found.empty() ? "FAILED " : "passed ") << label << (found.empty() ? "" : ": ") << found
                      << "\n";
    }
    std::cout << "file names: " << names.passed << " found, " << names.failed << " not found\n";
    std::cout << contents.passed << " passed, " << contents.failed << " failed\n";
    return contents.failed == 0 && contents.passed > 0 ? 0 : 1;
}
