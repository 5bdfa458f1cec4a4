#include "lib/queue/schedule.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <string>

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

Result<std::chrono::seconds> parse_duration(std::string_view text)
{
    const auto bad =
        fail(Status::usage, "no duration: " + printable(text, 40), "write a number and s, m, h or d: 90s, 4h");
    if (text.empty())
        return bad;
    std::uint64_t unit = 1;
    switch (text.back()) {
    case 'd':
        unit = 86400;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'm':
        unit = 60;
        break;
    default:
        break;
    }
    if (unit > 1 || text.back() == 's')
        text.remove_suffix(1);
    constexpr std::uint64_t most = 10ULL * 366 * 86400;
    const auto number = parse_number(text);
    if (!number || *number > most / unit)
        return bad;
    return std::chrono::seconds(*number * unit);
}

} // namespace mgw::queue
