#include "lib/dns/resolver.hpp"
#include "lib/dns/zone_text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace mgw::dns;

/// A zone file, and what is recorded of its answers: a recorded answer must be one that can be replayed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(octets), size);
    auto zone = parse_zone(text, "fuzz.db");
    auto entries = parse_entries(text, "fuzz.db");
    if (zone.has_value() != entries.has_value())
        std::abort();
    if (!zone)
        return 0;
    std::size_t asked = 0;
    for (const auto& entry : *entries) {
        if (++asked > 50)
            break;
        for (const auto type : {Type::a, Type::txt, Type::mx, Type::ptr, Type::tlsa, Type::soa}) {
            const auto answer = (*zone)->query(entry.owner, type);
            const auto lines = zone_lines(entry.owner, type, answer);
            if (lines.empty())
                continue;
            auto again = parse_zone(lines, "again.db");
            if (!again)
                std::abort();
            const auto replayed = (*again)->query(entry.owner, type);
            if (replayed.code != answer.code || replayed.secure != answer.secure ||
                replayed.records.size() != answer.records.size())
                std::abort();
            for (std::size_t i = 0; i < answer.records.size(); ++i)
                if (replayed.records[i].data != answer.records[i].data ||
                    replayed.records[i].preference != answer.records[i].preference)
                    std::abort();
        }
    }
    return 0;
}
