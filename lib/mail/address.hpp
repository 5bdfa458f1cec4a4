#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A mailbox (RFC 5322 section 3.4).
struct Mailbox {
    std::string display_name; ///< decoded to UTF-8, unquoted
    std::string address;      ///< local@domain as it stands; the domain in lower case
    std::string_view local() const { return std::string_view(address).substr(0, address.rfind('@')); }
    /// Empty if there is no '@'.
    std::string_view domain() const
    {
        const auto at = address.rfind('@');
        return at == std::string::npos ? std::string_view{} : std::string_view(address).substr(at + 1);
    }
};

/// All mailboxes of an unfolded address field, groups included, at most `limit`. What cannot be read is left out.
std::vector<Mailbox> parse_addresses(std::string_view value, std::size_t limit = 1000);

/// A path as in MAIL FROM (RFC 5321 section 4.1.2) without its angle brackets; nothing if it is not one. "" is the null
/// path.
std::optional<std::string> parse_path(std::string_view text);

} // namespace mgw::mail
