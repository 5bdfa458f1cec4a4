#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// The arithmetic of SCRAM-SHA-256 (RFC 5802, RFC 7677), for both ends. Keys are 32 raw octets.
namespace mgw::smtp::scram
{

/// Fewer make stolen keys cheap (RFC 7677 section 4); more let the other end spend our time.
constexpr std::uint32_t least_iterations = 4096;
constexpr std::uint32_t most_iterations = 600000;

/// Hi(password, salt, i): PBKDF2 with HMAC-SHA256.
std::string salted_password(std::string_view password, std::string_view salt, std::uint32_t iterations);
std::string client_key(std::string_view salted_password);
std::string stored_key(std::string_view client_key);
std::string server_key(std::string_view salted_password);
/// ClientSignature (by the stored key) or ServerSignature (by the server key).
std::string signature(std::string_view key, std::string_view auth_message);
/// Octet by octet; both of one length.
std::string exclusive_or(std::string_view a, std::string_view b);

/// The attributes of a message: "r=abc,s=QUI=,i=4096"; nothing for text of another form, an attribute that stands
/// twice, or more than 10.
std::optional<std::map<char, std::string>> parse_attributes(std::string_view message);

/// A name as it stands in n=: '=' and ',' written =3D and =2C; and back, nothing for another '='.
std::string escape_name(std::string_view name);
std::optional<std::string> unescape_name(std::string_view text);

} // namespace mgw::smtp::scram
