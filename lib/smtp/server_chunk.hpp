#pragma once

#include "lib/smtp/server_command.hpp"

#include <cstdint>
#include <expected>
#include <string_view>

namespace mgw::smtp
{

/// A chunk as its command announces it.
struct Chunk {
    std::uint64_t octets = 0; ///< still to come
    bool last = false;
};

/// Reads the argument of BDAT (RFC 3030 section 2): "size" or "size LAST". The error is the reply, after which the
/// session has to be closed: 501 for bad syntax, 521 for a chunk above `limit_octets`. Where a chunk ends is not known
/// then, or it is too far away to wait for, and its octets must not be read as commands.
std::expected<Chunk, ServerReply> parse_chunk(std::string_view argument, std::uint64_t limit_octets);

} // namespace mgw::smtp
