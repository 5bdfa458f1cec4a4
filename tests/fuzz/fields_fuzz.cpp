#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/content_type.hpp"
#include "lib/mail/date.hpp"
#include "lib/mail/idn.hpp"

#include <cstdint>
#include <cstdlib>

/// Values of structured fields: what is decoded is UTF-8, a path never has a line end, a domain has one A-label form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view value(reinterpret_cast<const char*>(data), size);
    const auto type = mail::parse_content_type(value);
    for (const auto& [name, text] : type.parameters)
        if (name != "boundary" && !is_valid_utf8(text))
            std::abort();
    const auto list = mail::parse_address_list(value, 100);
    if (list.mailboxes.size() > 100 || list.groups.size() > 100)
        std::abort();
    for (const auto& box : list.mailboxes) {
        if (box.address.empty() || !is_valid_utf8(box.display_name))
            std::abort();
        const auto domain = mail::ascii_domain(box.domain());
        if (domain != mail::ascii_domain(domain) || !mail::same_domain(box.domain(), box.domain()))
            std::abort();
        if (!domain.empty() && !mail::same_domain(mail::unicode_domain(domain), domain))
            std::abort();
    }
    for (const auto& group : list.groups)
        if (group.begin + group.members > list.mailboxes.size() || !is_valid_utf8(group.name))
            std::abort();
    if (const auto path = mail::parse_path(value); path && path->find_first_of("\r\n") != std::string::npos)
        std::abort();
    if (!is_valid_utf8(mail::decode_words(value)))
        std::abort();
    if (is_valid_utf8(value) && mail::decode_words(mail::encode_words(value), size + 1) != value)
        std::abort();
    if (const auto date = mail::parse_date(value);
        date && (date->offset_minutes <= -1440 || date->offset_minutes >= 1440))
        std::abort();
    const auto space = value.find(' ');
    if (space != std::string_view::npos && !is_valid_utf8(mail::to_utf8(value.substr(space), value.substr(0, space))))
        std::abort();
    return 0;
}
