#include "lib/dns/domain.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <idn2.h>

namespace mgw::dns
{

namespace
{

void free_idn(void* text) noexcept
{
    idn2_free(text);
}

constexpr std::size_t name_octets = 253;

bool is_ascii(std::string_view text)
{
    return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 126; });
}

/// The A-label form, or "" where IDNA refuses it.
std::string to_ascii(std::string_view domain)
{
    // four octets for each character is the most that UTF-8 needs; longer input cannot be a domain
    if (domain.size() > 4 * name_octets || domain.find('\0') != std::string_view::npos || !is_valid_utf8(domain))
        return {};
    const std::string input{domain};
    char* raw = nullptr;
    if (idn2_to_ascii_8z(input.c_str(), &raw, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
        return {};
    const Handle<char, free_idn> text{raw};
    return text.get();
}

bool is_label(std::string_view label)
{
    return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    });
}

} // namespace

std::string normal_domain(std::string_view domain)
{
    if (domain.ends_with('.'))
        domain.remove_suffix(1);
    std::string name = is_ascii(domain) ? to_lower(domain) : to_ascii(domain);
    if (name.empty() || name.size() > name_octets)
        return {};
    for (const auto label : split(name, '.'))
        if (!is_label(label))
            return {};
    return name;
}

} // namespace mgw::dns
