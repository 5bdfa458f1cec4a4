#include "lib/mail/crc32.hpp"

#include <array>
#include <cstddef>

namespace mgw::mail
{

namespace
{

constexpr std::size_t step = 8;

/// t[k][b]: the sum of octet `b` with `k` zeros behind it.
constexpr auto tables = [] {
    std::array<std::array<std::uint32_t, 256>, step> t{};
    for (std::uint32_t b = 0; b < 256; ++b) {
        std::uint32_t sum = b;
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum & 1U) != 0 ? sum >> 1 ^ 0xEDB88320U : sum >> 1;
        t[0][b] = sum;
    }
    for (std::size_t k = 1; k < step; ++k)
        for (std::size_t b = 0; b < 256; ++b)
            t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 255];
    return t;
}();

} // namespace

std::uint32_t crc32(std::string_view octets, std::uint32_t before)
{
    std::uint32_t sum = ~before;
    const auto octet = [&](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(octets[i]); };
    for (; octets.size() >= step; octets.remove_prefix(step)) {
        sum ^= octet(0) | octet(1) << 8 | octet(2) << 16 | octet(3) << 24;
        sum = tables[7][sum & 255] ^ tables[6][sum >> 8 & 255] ^ tables[5][sum >> 16 & 255] ^ tables[4][sum >> 24] ^
              tables[3][octet(4)] ^ tables[2][octet(5)] ^ tables[1][octet(6)] ^ tables[0][octet(7)];
    }
    for (const char c : octets)
        sum = sum >> 8 ^ tables[0][(sum ^ static_cast<unsigned char>(c)) & 255];
    return ~sum;
}

} // namespace mgw::mail
