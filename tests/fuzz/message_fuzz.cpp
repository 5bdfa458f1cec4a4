#include "lib/mail/edits.hpp"
#include "lib/mail/parts.hpp"

#include <cstdint>
#include <cstdlib>

/// Index, part tree and decoders of any octets: fields are neighbours, parts lie within, nothing is over its limit.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    const mail::Message message(octets);
    std::size_t at = 0;
    for (const auto& field : message.fields()) {
        if (field.begin != at || field.name_end <= field.begin || field.value_begin <= field.name_end ||
            field.end < field.value_begin)
            std::abort();
        at = field.end;
        (void)message.value(field);
    }
    if (at != message.header_end() || message.body_begin() < at)
        std::abort();
    mail::Edits edits;
    edits.append_field(message, "X: y");
    edits.prepend_field(message, "X: y");
    if (!message.fields().empty())
        edits.remove_field(message.fields().front());
    if (!edits.apply(octets))
        std::abort();
    const mail::Parts parts(message);
    if (parts.all().empty() || parts.all().size() > Limits{}.parts)
        std::abort();
    for (std::size_t i = 0; i < parts.all().size(); ++i) {
        const auto& part = parts.all()[i];
        if (part.depth >= Limits{}.nesting || part.parent >= static_cast<int>(i) ||
            mail::decode(part, size).size() > size)
            std::abort();
    }
    return 0;
}
