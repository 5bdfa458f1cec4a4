#include "lib/auth/dmarc_record.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(octets), size);
    static_cast<void>(mgw::auth::parse_dmarc(text, "example.net"));
    return 0;
}
