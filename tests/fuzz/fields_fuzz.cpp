#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/content_type.hpp"

#include <cstdint>
#include <cstdlib>

/// Values of structured fields: what is decoded is UTF-8, a path never has a line end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view value(reinterpret_cast<const char*>(data), size);
    const auto type = mail::parse_content_type(value);
    for (const auto& [name, text] : type.parameters)
        if (name != "boundary" && !is_valid_utf8(text))
            std::abort();
    for (const auto& box : mail::parse_addresses(value, 100))
        if (box.address.empty() || !is_valid_utf8(box.display_name))
            std::abort();
    if (const auto path = mail::parse_path(value); path && path->find_first_of("\r\n") != std::string::npos)
        std::abort();
    if (!is_valid_utf8(mail::decode_words(value)))
        std::abort();
    if (is_valid_utf8(value) && mail::decode_words(mail::encode_words(value), size + 1) != value)
        std::abort();
    return 0;
}
