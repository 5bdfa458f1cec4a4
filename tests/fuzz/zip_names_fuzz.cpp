#include "lib/content/archive.hpp"
#include "lib/content/type.hpp"
#include "lib/content/zip.hpp"

#include <cstdlib>

/// Hostile archives: every listing stays within its limits, and what is unpacked within its own.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const auto listing = mgw::content::list_zip(octets, {.entries = 100});
    if (listing.entries.size() > 100)
        std::abort();
    for (const auto& entry : listing.entries)
        if (const auto out = mgw::content::unzip(octets, entry, 10000); out && out->size() > 10000)
            std::abort();
    const auto type = mgw::content::true_type(octets);
    for (const auto kind : {type, std::string_view("application/zip"), std::string_view("application/gzip")})
        if (mgw::content::list_members(octets, kind, {.entries = 100, .unpacked_octets = 1U << 20}).members.size() >
            100)
            std::abort();
    return 0;
}
