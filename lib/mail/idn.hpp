#pragma once

#include <string>
#include <string_view>

/// Domains and addresses with characters outside ASCII (RFC 5890, RFC 6531).
namespace mgw::mail
{

/// The A-label form ("xn--…") in lower case, by IDNA2008 (RFC 5891) with the mapping of UTS 46, non-transitional. ASCII
/// without "xn--" is only lowered. Empty where IDNA refuses the domain, or it has more than 253 octets.
std::string ascii_domain(std::string_view domain);

/// As ascii_domain(), without a final dot, and only if every label can stand in the DNS as a host's or a key's name:
/// letters, digits, '-', '_', 1 to 63 octets; else empty.
std::string normal_domain(std::string_view domain);

/// The U-label form, in UTF-8 and lower case, for people's eyes. A label that does not lead back to the same A-label
/// leaves the whole domain in its A-label form.
std::string unicode_domain(std::string_view domain);

/// Whether two domains are one, however they are written: by their A-labels, without a final dot. What IDNA refuses
/// equals itself only.
bool same_domain(std::string_view a, std::string_view b);

/// An address with its domain in A-label or U-label form; unchanged where that cannot be had. The local part stays as
/// it is: for ASCII letters outside an SMTPUTF8 transaction there is no other form (RFC 6531 section 3.2).
std::string ascii_address(std::string_view address);
std::string unicode_address(std::string_view address);

/// A character as RFC 6533 section 3 writes it in ASCII: "\x{HEX}", at least two digits, in capitals.
std::string embedded_unicode(char32_t character);

/// Whether an address can only be used in an SMTPUTF8 transaction: its local part is not ASCII, or IDNA refuses its
/// domain.
bool needs_smtputf8(std::string_view address);

} // namespace mgw::mail
