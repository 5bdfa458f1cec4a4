#include "lib/mail/idn.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>

namespace mgw::mail
{

namespace
{

constexpr std::size_t name_octets = 253;

void free_idn(void* text) noexcept
{
    idn2_free(text);
}
using IdnText = Handle<char, free_idn>;

bool has_a_label(std::string_view domain)
{
    return ifind(domain, "xn--") != std::string_view::npos;
}

/// Local part with '@', and domain; the domain is empty without an '@'.
struct Halves {
    std::string_view local, domain;
};
Halves halves(std::string_view address)
{
    const auto at = address.rfind('@');
    if (at == std::string_view::npos)
        return {address, {}};
    return {address.substr(0, at + 1), address.substr(at + 1)};
}

} // namespace

std::string ascii_domain(std::string_view domain)
{
    // four octets for each character is the most that UTF-8 needs: what is longer cannot be a domain
    if (domain.size() > 4 * name_octets || domain.contains('\0'))
        return {};
    std::string name;
    if (is_ascii(domain)) { // what is in A-label form already is not asked again: registries have admitted much
        name = to_lower(domain);
    } else {
        if (!is_valid_utf8(domain))
            return {};
        char* raw = nullptr;
        if (idn2_to_ascii_8z(std::string(domain).c_str(), &raw, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
            return {};
        name = IdnText{raw}.get();
    }
    return name.size() > name_octets + (name.ends_with('.') ? 1 : 0) ? std::string{} : name;
}

std::string normal_domain(std::string_view domain)
{
    if (domain.ends_with('.'))
        domain.remove_suffix(1);
    std::string name = ascii_domain(domain);
    const auto is_label = [](std::string_view label) {
        return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](char c) {
            return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        });
    };
    if (name.empty() || name.size() > name_octets || !std::ranges::all_of(split(name, '.'), is_label))
        return {};
    return name;
}

std::string unicode_domain(std::string_view domain)
{
    std::string ascii = ascii_domain(domain);
    if (!has_a_label(ascii))
        return ascii;
    char* raw = nullptr;
    if (idn2_to_unicode_8z8z(ascii.c_str(), &raw, 0) != IDN2_OK)
        return ascii;
    const IdnText text{raw};
    std::string unicode = text.get();
    return ascii_domain(unicode) == ascii ? unicode : ascii;
}

bool same_domain(std::string_view a, std::string_view b)
{
    const auto without_dot = [](std::string_view name) {
        return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
    };
    a = without_dot(a);
    b = without_dot(b);
    if (is_ascii(a) && is_ascii(b))
        return iequals(a, b);
    const auto name = ascii_domain(a);
    return name.empty() ? a == b : name == ascii_domain(b);
}

std::string ascii_address(std::string_view address)
{
    const auto [local, domain] = halves(address);
    const auto name = ascii_domain(domain);
    return std::string(local).append(name.empty() ? domain : name);
}

std::string unicode_address(std::string_view address)
{
    const auto [local, domain] = halves(address);
    const auto name = unicode_domain(domain);
    return std::string(local).append(name.empty() ? domain : name);
}

std::string embedded_unicode(char32_t character)
{
    return fmt::format("\\x{{{:02X}}}", static_cast<std::uint32_t>(character));
}

bool needs_smtputf8(std::string_view address)
{
    const auto [local, domain] = halves(address);
    return !is_ascii(local) || (!is_ascii(domain) && ascii_domain(domain).empty());
}

} // namespace mgw::mail
