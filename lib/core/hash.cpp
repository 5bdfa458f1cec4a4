// The low-level interface of OpenSSL is deprecated in favour of EVP, whose first look-up of an algorithm costs more CPU
// than all else that a small filter does with one message.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/core/hash.hpp"

#include "lib/core/cpu.hpp"

#include <array>
#include <cstring>
#include <new>
#include <openssl/sha.h>

namespace mgw
{

static_assert(sizeof(SHA256_CTX) <= 128);

namespace
{
SHA256_CTX* context(unsigned char* state)
{
    return std::launder(reinterpret_cast<SHA256_CTX*>(state));
}
} // namespace

Sha256::Sha256()
{
    auto* c = ::new (state_) SHA256_CTX;
    SHA256_Init(c);
}

Sha256& Sha256::add(std::string_view octets)
{
    SHA256_Update(context(state_), octets.data(), octets.size());
    return *this;
}

std::string Sha256::finish()
{
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), context(state_));
    return out;
}

std::string sha256(std::string_view octets)
{
    return Sha256{}.add(octets).finish();
}

namespace
{

/// In pieces: the one-call SHA1() of OpenSSL 3 goes through EVP and brings all of libcrypto.
std::string sha1(std::string_view octets)
{
    SHA_CTX c;
    SHA1_Init(&c);
    SHA1_Update(&c, octets.data(), octets.size());
    std::string out(SHA_DIGEST_LENGTH, '\0');
    SHA1_Final(reinterpret_cast<unsigned char*>(out.data()), &c);
    return out;
}

/// RFC 2104 over a hash with blocks of 64 octets.
std::string hmac(std::string (*hash)(std::string_view), std::string_view key, std::string_view octets)
{
    std::string block = key.size() > 64 ? hash(key) : std::string(key);
    block.resize(64, '\0');
    std::string inner = block;
    std::string outer = block;
    for (char& c : inner)
        c = static_cast<char>(c ^ 0x36);
    for (char& c : outer)
        c = static_cast<char>(c ^ 0x5C);
    return hash(outer + hash(inner.append(octets)));
}

} // namespace

std::string hmac_sha256(std::string_view key, std::string_view octets)
{
    return hmac(sha256, key, octets);
}

std::string hmac_sha1(std::string_view key, std::string_view octets)
{
    return hmac(sha1, key, octets);
}

bool equal_secret(std::string_view a, std::string_view b)
{
    if (a.size() != b.size())
        return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

namespace
{

constexpr auto crc_table = [] {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t c = i;
        for (int k = 0; k < 8; ++k)
            c = (c & 1) != 0 ? (c >> 1) ^ 0x82F63B78U : c >> 1;
        tables[0][i] = c;
    }
    for (std::uint32_t i = 0; i < 256; ++i)
        for (std::size_t k = 1; k < 8; ++k)
            tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xFF];
    return tables;
}();

std::uint32_t crc32c_tables(const char* p, std::size_t n, std::uint32_t c)
{
    for (; n >= 8; p += 8, n -= 8) {
        std::uint32_t low = 0;
        std::uint32_t high = 0;
        std::memcpy(&low, p, 4);
        std::memcpy(&high, p + 4, 4);
        low ^= c;
        c = crc_table[7][low & 0xFF] ^ crc_table[6][(low >> 8) & 0xFF] ^ crc_table[5][(low >> 16) & 0xFF] ^
            crc_table[4][low >> 24] ^ crc_table[3][high & 0xFF] ^ crc_table[2][(high >> 8) & 0xFF] ^
            crc_table[1][(high >> 16) & 0xFF] ^ crc_table[0][high >> 24];
    }
    for (; n > 0; ++p, --n)
        c = (c >> 8) ^ crc_table[0][(c ^ static_cast<unsigned char>(*p)) & 0xFF];
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(const char* p, std::size_t n, std::uint32_t seed)
{
    std::uint64_t c = seed;
    for (; n >= 8; p += 8, n -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    for (; n > 0; ++p, --n)
        c = __builtin_ia32_crc32qi(static_cast<std::uint32_t>(c), static_cast<unsigned char>(*p));
    return static_cast<std::uint32_t>(c);
}
#endif

} // namespace

std::uint32_t crc32c(std::string_view octets, std::uint32_t seed)
{
#if defined(__x86_64__)
    if (has_sse42())
        return ~crc32c_hardware(octets.data(), octets.size(), ~seed);
#endif
    return ~crc32c_tables(octets.data(), octets.size(), ~seed);
}

} // namespace mgw
