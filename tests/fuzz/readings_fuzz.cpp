#include "lib/mail/lenient_codec.hpp"
#include "lib/mail/lenient_header.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"

#include <cstdint>
#include <cstdlib>

/// All readings of any octets: each content lies where it says, names are few, and what is given out stays in bounds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const Limits limits;
    const mail::Message message(octets, limits);
    const mail::Parts parts(message, limits);
    std::size_t given = 0;
    std::size_t strict = 0;
    const auto summary = mail::for_each_content(message, parts, limits, [&](const mail::Content& content) {
        ++given;
        strict += content.part != nullptr;
        if (content.begin > content.end || (!content.is_inside && content.end > size) ||
            content.file_names.size() > 100 || content.describe().empty())
            std::abort();
        if ((content.reading == mail::Reading::strict) != (content.part != nullptr))
            std::abort();
    });
    if (given != summary.contents || given - strict != summary.more ||
        (!mail::is_ambiguous(summary.oddities) && summary.more != 0))
        std::abort();
    (void)mail::oddity_names(summary.oddities);
    return 0;
}
