#pragma once

#include "lib/smtp/door.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// A question or an answer with the number that brings the two together.
template <class T> struct Numbered {
    std::uint64_t number = 0;
    T value;
};

/// Octets of the longest packet between front and door. Longer text is cut when it is packed: at the door it is foreign
/// text in any case.
constexpr std::size_t door_packet_octets = 32U << 10;

/// A packet of a question or an answer, one datagram each. Little-endian numbers; texts behind their length.
std::string pack(std::uint64_t number, const DoorQuestion& question);
std::string pack(std::uint64_t number, const DoorAnswer& answer);
/// Undoes pack(); nothing for octets that are no such packet. The two processes do not trust each other: the front
/// reads foreign octets, so its packets may be anything.
std::optional<Numbered<DoorQuestion>> unpack_question(std::string_view octets);
std::optional<Numbered<DoorAnswer>> unpack_answer(std::string_view octets);

} // namespace mgw::smtp
