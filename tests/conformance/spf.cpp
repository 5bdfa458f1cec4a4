// Runs test suites in the OpenSPF YAML format against the SPF check, as the tools call it. Each document is a scenario:
// its zone data become a zone file text, its tests become queries.
#include "lib/auth/spf.hpp"
#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"

#include <array>
#include <cstdio>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace
{

std::string escaped(const std::string& octets)
{
    std::string out;
    for (const char c : octets) {
        const auto u = static_cast<unsigned char>(c);
        std::array<char, 5> text{};
        std::snprintf(text.data(), text.size(), "\\%03u", static_cast<unsigned>(u));
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        out += plain ? std::string(1, c) : std::string(text.data());
    }
    return out;
}

std::string name_text(std::string name)
{
    if (name.ends_with('.'))
        name.pop_back();
    return escaped(name) + ".";
}

/// The strings of a list stand for one text, joined.
std::string joined(const YAML::Node& value)
{
    if (!value.IsSequence())
        return value.IsNull() ? std::string() : value.as<std::string>();
    std::string out;
    for (const auto& piece : value)
        out += piece.as<std::string>();
    return out;
}

std::string rdata(const std::string& type, const YAML::Node& value)
{
    if (type == "TXT")
        return "\"" + escaped(joined(value)) + "\"";
    if (type == "MX")
        return value[0].as<std::string>() + " " + name_text(value[1].as<std::string>());
    if (type == "A" || type == "AAAA")
        return value.as<std::string>();
    return name_text(value.as<std::string>());
}

/// One name of the zone data. Records of type SPF are copied to TXT unless a TXT entry stands there; the text NONE only
/// forbids that. TIMEOUT means every type that has no entry before it.
std::string name_lines(const std::string& name, const YAML::Node& entries)
{
    const auto owner = name_text(name) + " ";
    std::string lines;
    bool copy = true;
    for (const auto& entry : entries)
        if (entry.IsMap() && entry["TXT"])
            copy = false;
    std::set<std::string> listed;
    for (const auto& entry : entries) {
        if (entry.IsScalar()) {
            for (const auto* type : {"TXT", "A", "AAAA", "MX", "PTR", "CNAME"})
                if (!listed.contains(type))
                    lines += owner + entry.as<std::string>() + " " + type + "\n";
            continue;
        }
        for (const auto& item : entry) {
            auto type = item.first.as<std::string>();
            if (type == "SPF" && copy)
                type = "TXT";
            if (type == "SPF" || (item.second.IsScalar() && item.second.as<std::string>() == "NONE" && type == "TXT")) {
                lines += owner + "NODATA CNAME\n"; // the name exists
            } else if (type == "RCODE") {
                const auto code = item.second.as<int>();
                lines += owner + (code == 0 ? "NODATA" : code == 3 ? "NXDOMAIN" : "SERVFAIL") + "\n";
            } else if (item.second.IsScalar() && item.second.as<std::string>() == "TIMEOUT") {
                lines += owner + "TIMEOUT " + type + "\n";
            } else {
                listed.insert(type);
                lines += owner + type + " " + rdata(type, item.second) + "\n";
            }
        }
    }
    return lines;
}

std::string zone_text(const YAML::Node& zone)
{
    std::string text;
    for (const auto& item : zone) {
        const auto name = item.first.as<std::string>();
        // Nobody can ask for a name that is none.
        if (mgw::dns::is_name(mgw::dns::without_final_dot(name)))
            text += name_lines(name, item.second);
    }
    return text;
}

std::vector<std::string> texts(const YAML::Node& value)
{
    if (value.IsSequence())
        return value.as<std::vector<std::string>>();
    return {value.as<std::string>()};
}

std::string scalar(const YAML::Node& test, const char* key)
{
    const auto& value = test[key];
    return value && value.IsScalar() ? value.as<std::string>() : std::string();
}

struct Count {
    unsigned passed = 0;
    unsigned failed = 0;
};

bool run_test(const std::string& scenario, const std::string& name, const YAML::Node& test,
              mgw::dns::Resolver& resolver)
{
    const mgw::auth::SpfQuery query{.ip = scalar(test, "host"),
                                    .helo = scalar(test, "helo"),
                                    .mail_from = scalar(test, "mailfrom"),
                                    .receiver = {}};
    const auto result = mgw::auth::check_spf(query, resolver);
    const auto wanted = texts(test["result"]);
    bool good = false;
    for (const auto& one : wanted)
        good = good || one == result.result;
    const auto explanation = scalar(test, "explanation");
    const auto given = result.explanation.empty() ? "DEFAULT" : result.explanation;
    if (good && test["explanation"] && result.result == "fail")
        good = explanation == given;
    if (good)
        return true;
    std::cout << "FAIL " << scenario << ": " << name << ": wanted";
    for (const auto& one : wanted)
        std::cout << " " << one;
    if (!explanation.empty())
        std::cout << " '" << explanation << "'";
    std::cout << ", got " << result.result << " '" << given << "'\n";
    for (const auto& line : result.trace)
        std::cout << "    " << line << "\n";
    return false;
}

void run_document(const YAML::Node& document, Count& count)
{
    if (!document.IsMap() || !document["tests"])
        return;
    const auto scenario = scalar(document, "description");
    auto resolver = mgw::dns::parse_zone(zone_text(document["zonedata"]), scenario);
    if (!resolver) {
        std::cout << "FAIL " << scenario << ": " << resolver.error().message << "\n";
        count.failed += static_cast<unsigned>(document["tests"].size());
        return;
    }
    for (const auto& test : document["tests"])
        ++(run_test(scenario, test.first.as<std::string>(), test.second, **resolver) ? count.passed : count.failed);
}

} // namespace

int main(int argc, char** argv)
{
    Count count;
    if (argc < 2) {
        std::cerr << "usage: conformance-spf FILE.yml...\n";
        return 64;
    }
    for (int i = 1; i < argc; ++i) {
        try {
            for (const auto& document : YAML::LoadAllFromFile(argv[i]))
                run_document(document, count);
        } catch (const YAML::Exception& error) {
            std::cerr << "conformance-spf: " << argv[i] << ": " << error.what() << "\n";
            return 65;
        }
    }
    std::cout << count.passed << " passed, " << count.failed << " failed\n";
    return count.failed == 0 && count.passed > 0 ? 0 : 1;
}
