#include "lib/auth/domain.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <libpsl.h>

#include <algorithm>

namespace mgw::auth
{
namespace
{

constexpr std::size_t name_octets = 253;

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
    std::string name = mail::ascii_domain(domain);
    if (name.empty() || name.size() > name_octets)
        return {};
    for (const auto label : split(name, '.'))
        if (!is_label(label))
            return {};
    return name;
}

std::size_t label_count(std::string_view domain)
{
    return domain.empty() ? 0 : static_cast<std::size_t>(std::count(domain.begin(), domain.end(), '.')) + 1;
}

std::string_view parent_domain(std::string_view domain)
{
    const auto dot = domain.find('.');
    return dot == std::string_view::npos ? std::string_view{} : domain.substr(dot + 1);
}

bool is_or_below(std::string_view domain, std::string_view ancestor)
{
    if (ancestor.empty() || !domain.ends_with(ancestor))
        return false;
    return domain.size() == ancestor.size() || domain[domain.size() - ancestor.size() - 1] == '.';
}

std::string_view address_domain(std::string_view address)
{
    const auto at = address.rfind('@');
    return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

std::string registrable_domain(std::string_view domain)
{
    const std::string name = normal_domain(domain);
    if (name.empty())
        return {};
    const char* found = psl_registrable_domain(psl_builtin(), name.c_str());
    return found ? found : "";
}

} // namespace mgw::auth
