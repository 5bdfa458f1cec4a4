#include "lib/dns/cache.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::dns
{
namespace
{

constexpr std::size_t max_entries = 10000;
constexpr std::uint32_t min_seconds = 5;
constexpr std::uint32_t max_seconds = 3600;

} // namespace

std::string Cache::key(std::string_view name, Type type)
{
    return std::to_string(static_cast<unsigned>(type)) + ' ' + to_lower(name);
}

const Answer* Cache::find(const std::string& key, Time now)
{
    const auto found = entries_.find(key);
    if (found == entries_.end())
        return nullptr;
    if (found->second.until > now)
        return &found->second.answer;
    entries_.erase(found);
    return nullptr;
}

void Cache::store(const std::string& key, const Answer& answer, Time now)
{
    if (entries_.size() >= max_entries)
        std::erase_if(entries_, [&](const auto& item) { return item.second.until <= now; });
    // A flood of names that are asked for once must not grow without bound; forgetting costs only time.
    if (entries_.size() >= max_entries)
        entries_.clear();
    const auto seconds =
        is_temporary(answer.code) ? min_seconds : std::clamp(answer.ttl_seconds, min_seconds, max_seconds);
    entries_.insert_or_assign(key, Entry{answer, now + std::chrono::seconds(seconds)});
}

} // namespace mgw::dns
