#pragma once

#include "lib/core/result.hpp"
#include "lib/filter/program.hpp"
#include "lib/filter/view.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

/// Bounds on one evaluation; over one of them it fails (Status::temp_fail).
struct RunLimits {
    std::uint64_t steps = 20'000'000;        ///< instructions, and comparisons by the 64 octets
    std::size_t variable_octets = 64U << 10; ///< of one variable or put-together string; longer ones are cut
    std::size_t memory_octets =
        4U << 20; ///< of all variables, and of all strings put together, and of all strings put together
    std::size_t actions = 64;
    std::size_t redirects = 8;
    std::chrono::milliseconds time{10'000};
};

/// One action that the script took, in order.
struct Taken {
    const Step* step = nullptr;
    std::string text; ///< reason, folder or address, put together
};

/// What a script decided for one recipient.
struct Outcome {
    std::vector<Taken> actions; ///< without `set`
    bool implicit_keep = true;  ///< nothing cancelled it (RFC 5228 section 2.10.2)
    std::uint64_t steps = 0;
    /// Whether the message is kept in the recipient's mailbox: by `keep`, or because nothing else was said.
    bool keeps() const;
};

/// Evaluates a program for one recipient (nullptr where the envelope has none, or where the program does not look at
/// it). Pure: reads `view`, changes nothing but its caches. With `trace` it tells of each test what it saw and of each
/// action its line. Status::temp_fail when a limit is passed or the script contradicts itself (`reject` beside `keep`,
/// RFC 5429 section 2.1; redirect to what is no address).
Result<Outcome> evaluate(const Program& program, View& view, const mail::Recipient* recipient, const RunLimits& limits,
                         std::vector<std::string>* trace = nullptr);

} // namespace mgw::filter
