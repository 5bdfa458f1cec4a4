// Zone files: whatever is accepted can be asked, and an answer written as a zone is read back alike.
#include "lib/dns/zone_text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::dns;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto entries = parse_entries(text, "fuzz");
    const auto resolver = parse_zone(text, "fuzz");
    if (!entries || !resolver)
        return 0;
    for (std::size_t i = 0; i < entries->size() && i < 50; ++i) {
        const auto& entry = (*entries)[i];
        const auto type = entry.type.value_or(Type::txt);
        const auto answer = (*resolver)->query(entry.owner, type);
        const auto again = parse_zone(zone_lines(entry.owner, type, answer), "again");
        if (!again || (*again)->query(entry.owner, type).records.size() != answer.records.size())
            std::abort();
    }
    return 0;
}
