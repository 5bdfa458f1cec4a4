#include "lib/queue/entry.hpp"
#include "lib/queue/scan.hpp"

#include <cstddef>
#include <cstdint>

using namespace mgw::queue;

/// A hostile segment: whatever it says, reading stays within its octets and ends in linear time.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    MemorySource source({reinterpret_cast<const char*>(data), size});
    SegmentHead head;
    if (const auto real = read_segment_head(source))
        head = *real;
    for (const bool every_body : {false, true}) {
        const auto scanned = scan(source, head, {.limit = every_body ? size : 0, .every_body = every_body});
        std::uint64_t end = 0;
        for (const auto& found : scanned.records) {
            if (found.offset < end || found.end() > size)
                __builtin_trap();
            end = found.end();
            [[maybe_unused]] const auto body = read_body(source, head, found.head, found.offset);
            [[maybe_unused]] const auto stored = parse_stored(found.header);
            [[maybe_unused]] const auto event = parse_event(found.header);
        }
    }
    return 0;
}
