#include "lib/lists/address_key.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::lists
{

namespace
{

constexpr std::size_t longest_address = 320; // 64 + '@' + 255
constexpr std::size_t longest_domain = 255;

/// Position of the '@' before the domain: the last one outside quotes.
std::size_t at_sign(std::string_view address)
{
    std::size_t found = std::string_view::npos;
    bool quoted = false;
    for (std::size_t i = 0; i < address.size(); ++i) {
        if (address[i] == '\\')
            ++i;
        else if (address[i] == '"')
            quoted = !quoted;
        else if (address[i] == '@' && !quoted)
            found = i;
    }
    return found;
}

bool is_never_extended(std::string_view user, char delimiter)
{
    if (user == "mailer-daemon" || user == "double-bounce")
        return true;
    return delimiter == '-' && (user.starts_with("owner-") || user.ends_with("-request"));
}

} // namespace

std::string unquoted(std::string_view local)
{
    if (!local.contains('"') && !local.contains('\\'))
        return std::string(local);
    std::string out;
    for (std::size_t i = 0; i < local.size(); ++i) {
        if (local[i] == '\\' && i + 1 < local.size())
            out += local[++i];
        else if (local[i] != '"')
            out += local[i];
    }
    return out;
}

std::string_view domain_of(std::string_view address)
{
    const auto at = at_sign(address);
    return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

std::string_view local_of(std::string_view address)
{
    return address.substr(0, at_sign(address));
}

AddressKey address_key(std::string_view address, std::string_view delimiters)
{
    AddressKey key;
    key.domain = to_lower(domain_of(address));
    key.user = to_lower(unquoted(local_of(address)));
    if (key.user.empty() || delimiters.empty())
        return key;
    const auto at = key.user.find_first_of(delimiters, 1);
    if (at != std::string::npos && !is_never_extended(key.user, key.user[at])) {
        key.extension = key.user.substr(at);
        key.user.resize(at);
    }
    return key;
}

bool is_domain(std::string_view text)
{
    if (text.empty() || text.size() > longest_domain || text.front() == '.' || text.front() == '-' ||
        text.contains(".."))
        return false;
    return std::ranges::all_of(text, [](char c) {
        return is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
    });
}

bool is_address(std::string_view text)
{
    const auto at = at_sign(text);
    if (text.empty() || at == 0 || text.size() > longest_address)
        return false;
    bool quoted = false;
    const std::string_view local = text.substr(0, at);
    for (std::size_t i = 0; i < local.size(); ++i) {
        const char c = local[i];
        if (static_cast<unsigned char>(c) < 32 || c == 127 || c == '<' || c == '>')
            return false;
        if (c == '\\') {
            if (++i == local.size() || static_cast<unsigned char>(local[i]) < 32 || local[i] == 127)
                return false;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == ' ' || c == '@' || c == ',' || c == ':' || c == ';' || c == '(' || c == ')')) {
            return false;
        }
    }
    if (quoted)
        return false;
    if (at == std::string_view::npos)
        return true;
    std::string_view domain = text.substr(at + 1);
    if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
        domain = domain.substr(1, domain.size() - 2);
        return std::ranges::all_of(
            domain, [](char c) { return is_digit(c) || is_letter(c) || c == '.' || c == ':' || c == '-'; });
    }
    return is_domain(domain);
}

} // namespace mgw::lists
