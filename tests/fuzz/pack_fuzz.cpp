#include "lib/archive/pack.hpp"

#include <cstddef>
#include <cstdint>

using namespace mgw::archive;

/// A hostile pack: whatever it says, reading stays within its octets and ends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    auto pack = Pack::from_octets({reinterpret_cast<const char*>(data), size});
    if (!pack)
        return 0;
    std::uint64_t last = 0;
    [[maybe_unused]] const auto end = pack->walk(
        0,
        [&](const RecordHead& head, std::uint64_t offset) -> mgw::Result<void> {
            if (offset < last || offset + head.total_octets() > size)
                __builtin_trap();
            last = offset + head.total_octets();
            if (const auto content = pack->read(head, offset);
                content && content->message.size() != head.message_octets)
                __builtin_trap();
            return {};
        },
        [&](const Damage& damage) {
            if (damage.offset > size)
                __builtin_trap();
        });
    return 0;
}
