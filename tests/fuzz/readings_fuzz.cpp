#include "lib/core/text.hpp"
#include "lib/mail/readings.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

/// Every reading of any octets: what is given out is bounded, lies where it says, has names in UTF-8, and mail without
/// an oddity has one reading only.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const Limits limits;
    const mail::Message message(octets, limits);
    const mail::Parts parts(message, limits);
    std::size_t given = 0;
    std::size_t others = 0;
    std::size_t total = 0;
    const auto summary = mail::for_each_content(message, parts, limits, [&](const mail::Content& content) {
        ++given;
        others += content.reading != mail::Reading::strict ? 1 : 0;
        total += content.octets.size();
        if (content.begin > content.end || (!content.is_inside && content.end > size) || content.describe().empty())
            std::abort();
        for (const auto& name : content.file_names)
            if (name.empty() || !is_valid_utf8(name))
                std::abort();
    });
    if (given != summary.contents || others != summary.more)
        std::abort();
    if (others > 0 && !mail::is_ambiguous(summary.oddities))
        std::abort();
    // the strict reading and all others each have the documented budget
    if (total > 2 * std::max<std::size_t>(limits.decoded_factor * size, 64U << 10))
        std::abort();
    return 0;
}
