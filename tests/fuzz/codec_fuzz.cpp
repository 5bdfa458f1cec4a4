#include "lib/mail/codec.hpp"

#include <cstdint>
#include <cstdlib>

/// Decoders stay within their limit, say when it cut them, and read back what the encoder wrote.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::mail;
    if (size == 0)
        return 0;
    const std::size_t limit = data[0];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (auto* decode : {base64_decode, qp_decode, uu_decode}) {
        bool damaged = false;
        const auto whole = decode(text, static_cast<std::size_t>(-1), nullptr);
        const auto cut = decode(text, limit, &damaged);
        if (cut != whole.substr(0, limit) || (whole.size() > limit && !damaged))
            std::abort();
    }
    bool damaged = false;
    if (base64_decode(base64_encode(text, limit), static_cast<std::size_t>(-1), &damaged) != text || damaged)
        std::abort();
    return 0;
}
