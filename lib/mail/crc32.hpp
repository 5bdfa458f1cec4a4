#pragma once

#include <cstdint>
#include <string_view>

namespace mgw::mail
{

/// CRC-32 as zip, Ethernet and yEnc have it (polynomial 04C11DB7, reflected). `before` is the sum of what comes before
/// `octets`.
std::uint32_t crc32(std::string_view octets, std::uint32_t before = 0);

} // namespace mgw::mail
