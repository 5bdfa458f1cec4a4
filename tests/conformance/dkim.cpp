// Verifies signed mail against its keys. Two layouts: NNN.txt (lines "name record", an empty line, the message), where
// every signature must pass at the time of its t=; and a tree of messages with the DNS text of their keys beside them.
#include "lib/auth/dkim.hpp"
#include "lib/auth/tags.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace
{

using namespace mgw;
namespace fs = std::filesystem;

int passed = 0;
int failed = 0;

std::string zone_line(std::string_view name, std::string_view record)
{
    std::string out = std::string(name) + ". TXT";
    for (std::size_t at = 0; at < record.size(); at += 200)
        out.append(" \"").append(record.substr(at, 200)).append("\"");
    return out + "\n";
}

/// The latest t= of the signatures, so that x= does not matter; now for signatures without one.
Time signing_time(const mail::Message& message)
{
    std::uint64_t latest = 0;
    for (const auto* field : message.find_all("DKIM-Signature")) {
        const auto value = message.value(*field);
        const auto tags = auth::parse_tags_leniently(value);
        latest = std::max(latest, parse_number(auth::tag_value(tags, "t").value_or("")).value_or(0));
    }
    return latest > 0 ? Time(std::chrono::seconds(latest)) : Clock().now();
}

struct Case {
    std::string name;
    std::string zone;
    std::string octets;
    std::vector<std::string> wanted; ///< result of each signature; empty: all pass
};

void run(const Case& one)
{
    auth::DkimVerifier verifier;
    auto resolver = dns::parse_zone(one.zone, one.name);
    if (!resolver) {
        ++failed;
        std::printf("%s: no zone\n", one.name.c_str());
        return;
    }
    std::string crlf; // both ways of storing a message must verify alike
    for (const char c : one.octets) {
        if (c == '\n' && (crlf.empty() || crlf.back() != '\r'))
            crlf += '\r';
        crlf += c;
    }
    for (const auto& octets : {one.octets, crlf}) {
        const mail::Message message(octets);
        const auto result = verifier.verify(message, **resolver, signing_time(message));
        bool good = !result.signatures.empty() && (one.wanted.empty() || one.wanted.size() == result.signatures.size());
        std::string found;
        for (std::size_t i = 0; i < result.signatures.size(); ++i) {
            const auto& each = result.signatures[i];
            good = good && each.result == (one.wanted.empty() ? "pass" : one.wanted[i]);
            found += " " + each.domain + "=" + each.result + (each.reason.empty() ? "" : " (" + each.reason + ")");
        }
        ++(good ? passed : failed);
        if (!good)
            std::printf("%s:%s\n", one.name.c_str(), found.c_str());
    }
}

std::string text_of(const fs::path& path)
{
    auto text = read_file(path.string());
    return text ? *text : std::string();
}

/// DNS lines, an empty line, the message.
Case combined(const fs::path& path)
{
    Case out{path.filename().string(), {}, text_of(path), {}};
    const auto end = out.octets.find("\n\n");
    if (end == std::string::npos)
        return out;
    for (const auto line : split(std::string_view(out.octets).substr(0, end), '\n'))
        if (const auto blank = line.find(' '); blank != std::string_view::npos)
            out.zone += zone_line(line.substr(0, blank), line.substr(blank + 1));
    out.octets.erase(0, end + 2);
    return out;
}

/// Signed messages of the dkimpy test data with the keys that stand beside them.
void add_folder(const fs::path& folder, std::vector<Case>& cases)
{
    const auto rsa = text_of(folder / "test.txt");
    if (!fs::exists(folder / "rfc6376.signed.msg"))
        return;
    // the key of RFC 8463 appendix A.2
    const std::string football = zone_line("brisbane._domainkey.football.example.com",
                                           "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") +
                                 zone_line("test._domainkey.football.example.com", trim(rsa));
    cases.push_back({"rfc6376.signed.msg", football, text_of(folder / "rfc6376.signed.msg"), {}});
    cases.push_back({"ed25519test2.msg",
                     zone_line("sed._domainkey.test.ex", trim(text_of(folder / "eximtest.dns"))),
                     text_of(folder / "ed25519test2.msg"),
                     {}});
    cases.push_back(
        {"test2.message, key not published", "x. A 192.0.2.1\n", text_of(folder / "test2.message"), {"permerror"}});
}

} // namespace

int main(int argc, char** argv)
{
    std::vector<Case> cases;
    for (int i = 1; i < argc; ++i)
        for (const auto& entry : fs::recursive_directory_iterator(argv[i])) {
            const auto name = entry.path().filename().string();
            if (entry.is_directory())
                add_folder(entry.path(), cases);
            else if (name.size() == 7 && is_digit(name[0]) && name.ends_with(".txt"))
                cases.push_back(combined(entry.path()));
        }
    for (const auto& one : cases)
        run(one);
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
