#include "lib/smtp/milter_packet.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t length_octets = 4;

std::uint32_t number_of(std::string_view four)
{
    std::uint32_t number = 0;
    for (const char c : four)
        number = number << 8 | static_cast<unsigned char>(c);
    return number;
}

} // namespace

Result<std::optional<MilterPacket>> MilterPackets::next(std::string_view& octets)
{
    const auto take_up_to = [&](std::size_t size) {
        const auto n = std::min(size - begun_.size(), octets.size());
        begun_.append(octets.substr(0, n));
        octets.remove_prefix(n);
        return begun_.size() == size;
    };
    if (begun_.size() < length_octets && !take_up_to(length_octets))
        return std::nullopt;
    const std::size_t length = number_of(std::string_view(begun_).substr(0, length_octets));
    if (length == 0 || length > milter_packet_octets)
        return fail(Status::data, "a milter packet of " + std::to_string(length) + " octets");
    if (!take_up_to(length_octets + length))
        return std::nullopt;
    MilterPacket packet{static_cast<MilterCommand>(begun_[length_octets]), begun_.substr(length_octets + 1)};
    begun_.clear();
    return packet;
}

std::string milter_packet(MilterAnswer answer, std::string_view data)
{
    auto out = milter_number(static_cast<std::uint32_t>(data.size() + 1));
    out += static_cast<char>(answer);
    return out.append(data);
}

std::string milter_number(std::uint32_t number)
{
    std::string out;
    for (const int shift : {24, 16, 8, 0})
        out += static_cast<char>(number >> shift & 0xff);
    return out;
}

std::optional<std::vector<std::string_view>> milter_texts(std::string_view data, std::size_t most)
{
    std::vector<std::string_view> out;
    while (!data.empty()) {
        const auto end = data.find('\0');
        if (end == std::string_view::npos || out.size() == most)
            return std::nullopt;
        out.push_back(data.substr(0, end));
        data.remove_prefix(end + 1);
    }
    return out;
}

std::optional<std::uint32_t> take_milter_number(std::string_view& data)
{
    if (data.size() < length_octets)
        return std::nullopt;
    const auto number = number_of(data.substr(0, length_octets));
    data.remove_prefix(length_octets);
    return number;
}

} // namespace mgw::smtp
