// Messages that claim to be encrypted, and what comes out of them: no crash, no overlapping change.
#include "lib/crypt/pgp_mime.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const mgw::mail::Message message(octets);
    (void)mgw::crypt::find_encrypted(message, {});
    (void)mgw::crypt::is_cms_enveloped(octets);
    mgw::mail::Edits wrapped;
    mgw::Random random(1);
    mgw::crypt::wrap(message, mgw::crypt::inner_entity(message), random, wrapped);
    const auto outer = wrapped.apply(octets);
    mgw::mail::Edits unwrapped;
    const auto done = mgw::crypt::unwrap(message, octets, {}, unwrapped);
    mgw::mail::Edits text;
    mgw::crypt::unwrap_text(message, octets, text);
    if (!outer || (done && !unwrapped.apply(octets)) || !text.apply(octets))
        __builtin_trap();
    return 0;
}
