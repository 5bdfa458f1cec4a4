#include "lib/content/archive.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/attached.hpp"
#include "lib/mail/tnef.hpp"

#include <cstdint>
#include <cstdlib>

/// Hostile TNEF: all that is handed out lies within the stream, and no limit is passed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string stream = "\x78\x9f\x3e\x22" + std::string(reinterpret_cast<const char*>(data), size);
    const auto tnef = mail::read_tnef(stream, {.attachments = 50, .depth = 4});
    if (tnef.attachments.size() > 50)
        std::abort();
    for (const auto& file : tnef.attachments) {
        if (file.depth >= 4 ||
            (!file.octets.empty() && (file.octets.data() < stream.data() ||
                                      file.octets.data() + file.octets.size() > stream.data() + stream.size())))
            std::abort();
        for (const auto& name : file.names)
            if (name.empty() || !is_valid_utf8(name))
                std::abort();
    }
    if (content::list_members(stream, "application/vnd.ms-tnef", {.entries = 100}).members.size() > 100)
        std::abort();
    const Limits limits;
    (void)mail::AttachedNames(limits, stream.size()).of_tnef(stream);
    return 0;
}
