#include "lib/state/grey_step.hpp"
#include "lib/state/store.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace mgw::state
{

namespace
{

struct Entry {
    std::int64_t until = 0;
    std::int64_t stamp = 0; ///< of a rate
    GreyRecord grey;
    std::uint64_t count = 0;
    std::string value;
};
using Place = std::pair<std::string, Item::Kind>;

class MemoryStore final : public Store {
public:
    explicit MemoryStore(std::size_t limit) : limit_(std::max<std::size_t>(limit, 1)) {}

    std::string describe() const override { return "memory"; }

protected:
    Result<std::vector<Debt>> do_take(const std::vector<Step>& steps, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        std::vector<Debt> out;
        bool granted = true;
        for (const auto& step : steps) {
            const Entry* entry = find({step.key, Item::Kind::rate}, now);
            const auto stamp = entry == nullptr ? now : entry->stamp;
            const auto before = std::clamp<std::int64_t>(stamp - now, 0, step.tolerance);
            const bool fits = step.increment <= 0 || before + step.increment <= step.tolerance;
            granted = granted && fits;
            out.push_back({before, fits});
        }
        for (std::size_t i = 0; granted && i < steps.size(); ++i) {
            if (steps[i].increment == 0)
                continue;
            const auto stamp = now + out[i].before + steps[i].increment;
            if (stamp <= now)
                entries_.erase({steps[i].key, Item::Kind::rate});
            else
                keep({steps[i].key, Item::Kind::rate}, {.until = stamp, .stamp = stamp}, now);
        }
        return out;
    }

    Result<Grey> do_grey(const std::string& key, const GreyTimes& times, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        std::optional<GreyRecord> record;
        if (const Entry* entry = find({key, Item::Kind::grey}, now))
            record = entry->grey;
        const auto out = grey_step(record, times, now);
        keep({key, Item::Kind::grey}, {.until = record->until(times), .grey = *record}, now);
        return out;
    }

    Result<std::uint64_t> do_count(const std::string& key, std::uint64_t by, std::int64_t ttl,
                                   std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        const Entry* entry = find({key, Item::Kind::count}, now);
        if (entry == nullptr && by == 0)
            return 0;
        const auto sum = (entry == nullptr ? 0 : entry->count) + by;
        keep({key, Item::Kind::count}, {.until = add_time(now, ttl), .count = sum}, now);
        return sum;
    }

    Result<std::optional<std::string>> do_get(const std::string& key, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        const Entry* entry = find({key, Item::Kind::value}, now);
        return entry == nullptr ? std::nullopt : std::optional(entry->value);
    }

    Result<void> do_put(const std::string& key, std::string_view value, std::int64_t ttl, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        keep({key, Item::Kind::value}, {.until = add_time(now, ttl), .value = std::string(value)}, now);
        return {};
    }

    Result<std::vector<Item>> do_list(const std::string& prefix, std::int64_t now, std::size_t limit) override
    {
        const std::scoped_lock lock(mutex_);
        std::vector<Item> out;
        for (auto at = entries_.lower_bound({prefix, Item::Kind::rate});
             at != entries_.end() && at->first.first.starts_with(prefix) && out.size() < limit; ++at) {
            const auto& [place, entry] = *at;
            if (entry.until <= now)
                continue;
            Item item{.kind = place.second, .key = place.first, .until = from_microseconds(entry.until), .text = {}};
            switch (place.second) {
            case Item::Kind::rate:
                item.text = rate_text(entry.stamp, now);
                break;
            case Item::Kind::grey:
                item.text = grey_text(entry.grey);
                break;
            case Item::Kind::value:
                item.text = value_text(entry.value);
                break;
            case Item::Kind::count:
                item.text = std::to_string(entry.count);
                break;
            }
            out.push_back(std::move(item));
        }
        return out;
    }

    Result<std::size_t> do_forget(const std::string& key) override
    {
        const std::scoped_lock lock(mutex_);
        std::size_t out = 0;
        for (const auto kind : {Item::Kind::rate, Item::Kind::grey, Item::Kind::value, Item::Kind::count})
            out += entries_.erase({key, kind});
        return out;
    }

private:
    const Entry* find(const Place& place, std::int64_t now) const
    {
        const auto found = entries_.find(place);
        return found == entries_.end() || found->second.until <= now ? nullptr : &found->second;
    }

    void keep(Place place, Entry entry, std::int64_t now)
    {
        if (entries_.size() >= limit_ && !entries_.contains(place))
            make_room(now);
        entries_[std::move(place)] = std::move(entry);
    }

    /// Drops what has ended, or the eighth that ends first.
    void make_room(std::int64_t now)
    {
        std::erase_if(entries_, [&](const auto& e) { return e.second.until <= now; });
        if (entries_.size() < limit_)
            return;
        std::vector<std::int64_t> ends;
        for (const auto& [place, entry] : entries_)
            ends.push_back(entry.until);
        const auto bound = ends.begin() + static_cast<std::ptrdiff_t>(ends.size() / 8);
        std::ranges::nth_element(ends, bound);
        std::erase_if(entries_, [&](const auto& e) { return e.second.until <= *bound; });
    }

    std::mutex mutex_;
    std::size_t limit_;
    std::map<Place, Entry> entries_;
};

} // namespace

std::unique_ptr<Store> open_memory_store(std::size_t limit)
{
    return std::make_unique<MemoryStore>(limit);
}

} // namespace mgw::state
