#include "lib/core/text.hpp"
#include "lib/mail/parts.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

/// File names from a Content-Disposition and a Content-Type (the input up to its first NUL, and the rest) as a scanner
/// gets them: each is UTF-8, none is empty or listed twice, whatever is folded, encoded, continued or repeated.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = std::min(octets.find('\0'), octets.size());
    std::string text = "Content-Disposition: ";
    text.append(octets.substr(0, cut)).append("\r\nContent-Type: ").append(octets.substr(std::min(cut + 1, size)));
    text += "\r\n\r\nbody\r\n";
    const mail::Parts parts{mail::Message(text)};
    for (const auto& part : parts.all())
        for (std::size_t i = 0; i < part.file_names.size(); ++i) {
            if (part.file_names[i].empty() || !is_valid_utf8(part.file_names[i]))
                std::abort();
            for (std::size_t k = 0; k < i; ++k)
                if (part.file_names[k] == part.file_names[i])
                    std::abort();
        }
    return 0;
}
