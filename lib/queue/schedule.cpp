#include "lib/queue/schedule.hpp"

#include <algorithm>

namespace mgw::queue
{

std::chrono::milliseconds Schedule::wait(unsigned attempts, Random& random) const
{
    auto pause = std::min(first, longest);
    for (unsigned i = 1; i < attempts && pause < longest; ++i)
        pause = std::min(pause * 2, longest);
    const std::chrono::milliseconds exact(pause);
    const auto spread = static_cast<std::uint64_t>(exact.count()) * 3 / 10;
    return exact - exact * 15 / 100 + std::chrono::milliseconds(spread == 0 ? 0 : random.next() % (spread + 1));
}

} // namespace mgw::queue
