// Runs tables of DMARC cases: alignment.tsv (author, authenticated, mode, yes or no, by the public suffix list) and
// treewalk.tsv (records, existing names, author, authenticated or -, policy or -, aligned or -, by the DNS tree walk).
#include "lib/auth/dmarc.hpp"
#include "lib/auth/domain.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace
{

using namespace mgw;

int passed = 0;
int failed = 0;

void count(bool good, std::string_view line, const std::string& found)
{
    ++(good ? passed : failed);
    if (!good)
        std::printf("%.*s: found %s\n", static_cast<int>(line.size()), line.data(), found.c_str());
}

std::unique_ptr<dns::Resolver> zone(std::string_view records, std::string_view names)
{
    std::string text;
    while (!records.empty() && records != "-") {
        const auto bar = records.find("||");
        const auto one = trim(records.substr(0, bar));
        records = bar == std::string_view::npos ? std::string_view{} : records.substr(bar + 2);
        const auto equals = one.find('=');
        text.append(one, 0, equals).append(". TXT \"").append(one.substr(equals + 1)).append("\"\n");
    }
    if (names != "-")
        for (const auto name : split_blanks(names))
            text.append(name).append(". A 192.0.2.1\n");
    auto resolver = dns::parse_zone(text, "table");
    return resolver ? std::move(*resolver) : nullptr;
}

void alignment(std::string_view line, const std::vector<std::string_view>& words)
{
    const auto resolver = zone("-", "-");
    const auto author = auth::normal_domain(words[0]);
    const auto other = auth::normal_domain(words[1]);
    bool temporary = false;
    const auto org = auth::find_org_domain(author, *resolver, auth::Discovery::psl);
    const bool found =
        auth::is_aligned(author, org, other, words[2] == "s", *resolver, auth::Discovery::psl, temporary);
    count(found == (words[3] == "yes") && !temporary, line, found ? "yes" : "no");
}

void tree_walk(std::string_view line, const std::vector<std::string_view>& words)
{
    const auto resolver = zone(words[0], words[1]);
    if (!resolver)
        return count(false, line, "no zone");
    std::vector<auth::Identifier> identifiers;
    if (words[3] != "-")
        identifiers.push_back({"spf", auth::normal_domain(words[3]), "pass"});
    const auto result = auth::check_dmarc(auth::normal_domain(words[2]), identifiers, *resolver, auth::Discovery::walk);
    const std::string policy =
        result.record_domain.empty() ? "(no record)" : std::string(auth::policy_name(result.policy));
    const std::string aligned = result.result == "pass" ? "yes" : "no";
    count((words[4] == "-" || words[4] == policy) && (words[5] == "-" || words[5] == aligned), line,
          policy + " " + aligned);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2)
        return 1;
    for (const auto* name : {"alignment.tsv", "treewalk.tsv"}) {
        const auto text = read_file(std::string(argv[1]) + "/" + name);
        if (!text) {
            std::fprintf(stderr, "%s\n", text.error().message.c_str());
            return 1;
        }
        for (const auto line : split(*text, '\n')) {
            const auto words = split(line, '\t');
            if (line.starts_with('#') || words.size() < 4)
                continue;
            if (std::string_view(name) == "alignment.tsv")
                alignment(line, words);
            else if (words.size() >= 6)
                tree_walk(line, words);
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
