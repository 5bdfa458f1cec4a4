#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Whole numbers in files, little-endian whatever the machine.
namespace mgw
{

/// Appends `value` in sizeof(T) octets.
template <class T> void put(std::string& out, T value)
{
    for (std::size_t i = 0; i < sizeof(T); ++i)
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

/// The number that stands at `at`; the caller has checked that sizeof(T) octets are there.
template <class T> T number_at(std::string_view octets, std::size_t at)
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(octets[at + i])) << (8 * i);
    return static_cast<T>(value);
}

} // namespace mgw
