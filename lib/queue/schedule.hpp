#pragma once

#include "lib/core/random.hpp"

#include <chrono>

namespace mgw::queue
{

/// When a message that could not be delivered is tried again.
struct Schedule {
    std::chrono::seconds first{300};
    std::chrono::seconds longest{4 * 3600};
    std::chrono::seconds lifetime{5 * 86400}; ///< then it is returned

    /// The wait after so many failed attempts: doubling, at most `longest`, 15 % more or less by chance, so that a full
    /// queue does not come due in one moment.
    std::chrono::milliseconds wait(unsigned attempts, Random& random) const;
};

} // namespace mgw::queue
