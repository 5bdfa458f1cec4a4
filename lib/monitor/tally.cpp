#include "lib/monitor/tally.hpp"

#include <algorithm>
#include <cmath>

namespace mgw::monitor
{

void Tally::add(std::string_view name, std::uint64_t count)
{
    name = name.substr(0, 320);
    total_ += count;
    std::uint64_t before = 0;
    auto found = counts_.find(name);
    if (found != counts_.end()) {
        before = found->second;
        auto level = by_count_.find(before);
        level->second.erase(found->first);
        if (level->second.empty())
            by_count_.erase(level);
    } else {
        if (counts_.size() >= capacity_) {
            overflowed_ = true;
            auto level = by_count_.begin();
            before = level->first;
            const std::string rarest = level->second.begin()->first;
            level->second.erase(level->second.begin());
            if (level->second.empty())
                by_count_.erase(level);
            counts_.erase(rarest);
        }
        found = counts_.emplace(std::string(name), 0).first;
    }
    found->second = before + count;
    by_count_[found->second].emplace(found->first, true);
}

std::vector<std::pair<std::string, std::uint64_t>> Tally::top(std::size_t limit) const
{
    std::vector<std::pair<std::string, std::uint64_t>> out;
    for (auto level = by_count_.rbegin(); level != by_count_.rend() && out.size() < limit; ++level)
        for (const auto& [name, unused] : level->second)
            if (out.size() < limit)
                out.emplace_back(name, level->first);
    return out;
}

void Spread::add(double value)
{
    value = std::max(value, 0.0);
    const double place = value <= 0.001 ? 0 : std::ceil(std::log(value / 0.001) / std::log(ratio));
    ++buckets_[static_cast<std::size_t>(std::min(place, static_cast<double>(buckets_.size() - 1)))];
    ++count_;
    sum_ += value;
    largest_ = std::max(largest_, value);
}

double Spread::quantile(double q) const
{
    const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size() && count_ > 0; ++i) {
        seen += buckets_[i];
        if (seen >= std::max<std::uint64_t>(wanted, 1))
            return std::min(largest_, 0.001 * std::pow(ratio, static_cast<double>(i)));
    }
    return largest_;
}

} // namespace mgw::monitor
