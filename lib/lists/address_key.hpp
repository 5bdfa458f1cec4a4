#pragma once

#include <string>
#include <string_view>

namespace mgw::lists
{

/// An address as tables are asked for it: lower case, without the quotes of a quoted local part, taken apart.
struct AddressKey {
    std::string user;      ///< local part without its extension
    std::string extension; ///< with its delimiter: "+lists"; empty if there is none
    std::string domain;    ///< empty if the address has none

    std::string local() const { return user + extension; }
};

/// Takes an address apart. The extension begins at the first of `delimiters` that is not the first character; the
/// addresses mailer-daemon, double-bounce and owner-…/…-request have none where the delimiter is '-'.
AddressKey address_key(std::string_view address, std::string_view delimiters);

/// Without the quotes and backslashes of RFC 5321's Quoted-string: `"john doe"@example.org` is `john doe@example.org`.
std::string unquoted(std::string_view address);

/// The domain of a path, as it stands: what follows the last '@' outside quotes; empty if there is none.
std::string_view domain_of(std::string_view address);
/// What stands before that '@'.
std::string_view local_of(std::string_view address);

/// Whether this can stand in an envelope block as a path with a local part and, if there is an '@', a domain:
/// printable, no angle brackets, blanks only inside quotes, at most 320 octets (RFC 5321 section 4.5.3.1).
bool is_address(std::string_view text);

/// A host or domain name in letters, digits, '-', '_' and '.', or 8-bit octets (RFC 6531); at most 255 octets.
bool is_domain(std::string_view text);

} // namespace mgw::lists
