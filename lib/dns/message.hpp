#pragma once

#include "lib/dns/resolver.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::dns
{

/// What we tell servers about the size of UDP answers (RFC 6891): fits every path without fragments.
constexpr std::uint16_t udp_payload_octets = 1232;

/// A question in wire form (RFC 1035 section 4.1): recursion desired, AD set to ask for the validation bit (RFC 6840
/// section 5.7), an empty OPT record last. `name` must be one that is_name() accepts.
std::string build_query(std::string_view name, Type type, std::uint16_t id);

/// The answer to such a question. Aliases in it are followed, at most 10; records of other names and types are ignored.
/// Everything is bounded by the message's length. Nothing when the octets are no reply to this question.
std::optional<Answer> parse_reply(std::string_view octets, std::string_view name, Type type);

} // namespace mgw::dns
