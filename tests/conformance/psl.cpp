// Runs checkPublicSuffix('name', 'registrable domain or null') lines against our registrable_domain().
#include "lib/auth/domain.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace
{

/// The quoted arguments of a call; "" for null.
std::vector<std::string> arguments(std::string_view line)
{
    std::vector<std::string> out;
    const auto open = line.find('(');
    const auto close = line.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
        return out;
    for (auto piece : mgw::split(line.substr(open + 1, close - open - 1), ',')) {
        piece = mgw::trim(piece);
        if (piece.size() >= 2 && piece.front() == '\'' && piece.back() == '\'')
            out.emplace_back(piece.substr(1, piece.size() - 2));
        else
            out.emplace_back();
    }
    return out;
}

} // namespace

int main(int argc, char** argv)
{
    int passed = 0;
    int failed = 0;
    for (int i = 1; i < argc; ++i) {
        std::string path = argv[i];
        if (std::filesystem::is_directory(path))
            path +=
                std::filesystem::exists(path + "/debian-test_psl.txt") ? "/debian-test_psl.txt" : "/tests/test_psl.txt";
        const auto text = mgw::read_file(path);
        if (!text) {
            std::fprintf(stderr, "%s\n", text.error().message.c_str());
            return 1;
        }
        for (const auto line : mgw::split(*text, '\n')) {
            const auto words = arguments(line);
            if (!mgw::trim(line).starts_with("checkPublicSuffix") || words.size() != 2 || words[0].empty())
                continue;
            // the wanted name may be in Unicode; ours is always in A-labels
            const auto wanted = mgw::auth::normal_domain(words[1]);
            const auto found = mgw::auth::registrable_domain(words[0]);
            if (found == wanted) {
                ++passed;
                continue;
            }
            ++failed;
            std::printf("%s: wanted '%s', found '%s'\n", words[0].c_str(), wanted.c_str(), found.c_str());
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
