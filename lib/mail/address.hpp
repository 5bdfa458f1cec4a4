#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A mailbox (RFC 5322 section 3.4). Domains are compared by same_domain() of idn.hpp.
struct Mailbox {
    std::string display_name; ///< decoded to UTF-8, unquoted; from a comment where only that has one: "a@b (Alice)"
    std::string address;      ///< local@domain as it stands; the domain in lower case
    std::string_view local() const { return std::string_view(address).substr(0, address.rfind('@')); }
    /// Empty if there is no '@'.
    std::string_view domain() const
    {
        const auto at = address.rfind('@');
        return at == std::string::npos ? std::string_view{} : std::string_view(address).substr(at + 1);
    }
};

/// A group (RFC 5322 section 3.4): "name: a@b, c@d;".
struct Group {
    std::string name;        ///< decoded to UTF-8, unquoted
    std::size_t begin = 0;   ///< its first mailbox in the list
    std::size_t members = 0; ///< 0 for "undisclosed-recipients:;"
};

struct AddressList {
    std::vector<Mailbox> mailboxes; ///< those in groups as well, in order
    std::vector<Group> groups;
    bool complete = true; ///< false where the limit, or what cannot be read, left some out
};

/// An unfolded address field: at most `limit` mailboxes and as many groups. Comments, quoted pairs, obsolete routes and
/// blanks (section 4.4) are understood, a missing comma between two mailboxes and ';' in place of ',' as well.
AddressList parse_address_list(std::string_view value, std::size_t limit = 1000);

/// The mailboxes of parse_address_list().
std::vector<Mailbox> parse_addresses(std::string_view value, std::size_t limit = 1000);

/// A path as in MAIL FROM (RFC 5321 section 4.1.2) without its angle brackets; nothing if it is not one. "" is the null
/// path.
std::optional<std::string> parse_path(std::string_view text);

} // namespace mgw::mail
