// part-trees READER FILE...: the parts of each message as READER (mgw, gmime, mimetic, mimetic-stream) sees them, one
// JSON object a message; for mgw also what it sees in other readings of the message. Each message is read in a process of its own, at most 20 seconds long: parsers of others
// abort.
#include "tests/peers/peer_part.hpp"

#include "lib/core/hash.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::peers
{

void add_name(PeerPart& part, std::string_view name)
{
    if (!name.empty() && std::ranges::find(part.names, name) == part.names.end())
        part.names.emplace_back(name);
}

namespace
{

using Reader = PeerParts (*)(std::string_view);
const std::map<std::string_view, Reader> readers{
    {"mgw", read_mgw},
    {"gmime", read_gmime},
    {"mimetic", [](std::string_view octets) { return read_mimetic(octets, false); }},
    {"mimetic-stream", [](std::string_view octets) { return read_mimetic(octets, true); }},
};

std::string hex(std::string_view octets)
{
    std::string out;
    for (const char c : octets) {
        std::array<char, 3> text{};
        std::snprintf(text.data(), text.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += text.data();
    }
    return out;
}

nlohmann::json as_json(const PeerParts& parts)
{
    auto out = nlohmann::json::array();
    for (const auto& part : parts) {
        nlohmann::json one{{"depth", part.depth}, {"type", part.type}, {"names", part.names}, {"leaf", part.is_leaf}};
        if (part.is_leaf) {
            one["octets"] = part.content.size();
            one["sha256"] = hex(sha256(part.content));
        }
        out.push_back(std::move(one));
    }
    return out;
}

/// Reads the file in a child process, which prints the line; false if it died.
bool read_apart(Reader reader, const std::string& path)
{
    std::cout.flush();
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        std::ifstream in(path, std::ios::binary);
        const std::string octets{std::istreambuf_iterator<char>(in), {}};
        nlohmann::json line{{"file", path}, {"parts", as_json(reader(octets))}};
        if (reader == read_mgw)
            line["others"] = as_json(other_readings(octets));
        std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n' << std::flush;
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace
} // namespace mgw::peers

int main(int argc, char** argv)
{
    using namespace mgw::peers;
    const auto reader = argc > 1 ? readers.find(argv[1]) : readers.end();
    if (reader == readers.end()) {
        std::cerr << "usage: part-trees mgw|gmime|mimetic|mimetic-stream FILE...\n";
        return 64;
    }
    for (int i = 2; i < argc; ++i)
        if (!read_apart(reader->second, argv[i]))
            std::cout << nlohmann::json{{"file", argv[i]}, {"died", true}}.dump(
                             -1, ' ', false, nlohmann::json::error_handler_t::replace)
                      << '\n';
    return 0;
}
