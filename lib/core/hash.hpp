#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mgw
{

/// SHA-256 as 32 raw octets, in pieces. Cheap to start: no look-up of an algorithm, so that short-lived tools stay
/// short.
class Sha256 {
public:
    Sha256();
    Sha256& add(std::string_view octets);
    std::string finish();

private:
    alignas(8) unsigned char state_[128];
};

/// SHA-256 of `octets`, 32 raw octets.
std::string sha256(std::string_view octets);
/// HMAC-SHA256 (RFC 2104), 32 raw octets.
std::string hmac_sha256(std::string_view key, std::string_view octets);
/// HMAC-SHA1 (RFC 2104), 20 raw octets: for old formats that ask for it.
std::string hmac_sha1(std::string_view key, std::string_view octets);
/// Compares secrets in constant time.
bool equal_secret(std::string_view a, std::string_view b);
/// CRC-32C (Castagnoli) of `octets`, going on from `seed`.
std::uint32_t crc32c(std::string_view octets, std::uint32_t seed = 0);

} // namespace mgw
