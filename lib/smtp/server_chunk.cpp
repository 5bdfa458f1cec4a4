#include "lib/smtp/server_chunk.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::smtp
{

std::expected<Chunk, ServerReply> parse_chunk(std::string_view argument, std::uint64_t limit_octets)
{
    const auto words = split_blanks(argument);
    const bool good = !words.empty() && words.size() <= 2 && std::ranges::all_of(words[0], is_digit) &&
                      (words.size() == 1 || iequals(words[1], "LAST"));
    if (!good)
        return std::unexpected(
            ServerReply{501, "5.5.4", "Syntax: BDAT size [LAST]; closing, for no chunk end is known"});
    const auto octets = parse_number(words[0]);
    if (!octets || *octets > limit_octets)
        return std::unexpected(
            ServerReply{521, "5.3.4", "A chunk has at most " + std::to_string(limit_octets) + " octets here; closing"});
    return Chunk{*octets, words.size() == 2};
}

} // namespace mgw::smtp
