#include "lib/core/random.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/random.h>

namespace mgw
{

std::uint64_t Random::next()
{
    if (state_) { // splitmix64: repeatable, not secret
        std::uint64_t z = (*state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    std::uint64_t value = 0;
    while (::getrandom(&value, sizeof value, 0) != sizeof value)
        if (errno != EINTR)
            std::abort(); // no randomness: nothing that follows could be safe
    return value;
}

std::string Random::octets(std::size_t count)
{
    std::string out;
    while (out.size() < count) {
        std::uint64_t value = next();
        for (int i = 0; i < 8 && out.size() < count; ++i, value >>= 8)
            out += static_cast<char>(value & 0xFF);
    }
    return out;
}

std::string Random::word(std::size_t count)
{
    static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    std::string out = octets(count);
    for (char& c : out)
        c = letters[static_cast<unsigned char>(c) & 31];
    return out;
}

Random Random::fork(std::string_view name) const
{
    if (!state_)
        return {};
    std::uint64_t hash = 0xCBF29CE484222325ULL ^ *state_; // FNV-1a
    for (const char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return Random{hash};
}

} // namespace mgw
