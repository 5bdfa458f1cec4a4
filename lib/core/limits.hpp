#pragma once

#include <cstddef>

namespace mgw
{

/// Bounds on foreign input, the `[limits]` table of the configuration. Over a limit is a flag and a policy input, never
/// a crash or an unbounded cost.
struct Limits {
    std::size_t message_octets = 50U << 20;
    std::size_t header_octets = 256U << 10;
    std::size_t field_octets = 64U << 10;
    std::size_t fields = 1000;
    std::size_t nesting = 32;
    std::size_t parts = 1000;
    std::size_t addresses = 1000;
    std::size_t encoded_words = 256;
    std::size_t decoded_factor = 2; ///< decoded octets, as a multiple of the message's size
    std::size_t archive_depth = 8;
    std::size_t archive_ratio = 200;
    std::size_t archive_entries = 10000;
    std::size_t received = 100;
    std::size_t recipients = 1000;
    std::size_t block_octets = 1U << 20;
};

} // namespace mgw
