#include "lib/monitor/count.hpp"

#include <algorithm>
#include <cmath>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_texts = 16384;
constexpr std::size_t longest_text = 400;
constexpr double smallest = 0.001;
constexpr double bins_a_doubling = 16;
constexpr std::size_t most_bins = 1024;

} // namespace

void Counter::add(std::string_view text, std::uint64_t by)
{
    total_ += by;
    counts_[std::string(text.substr(0, longest_text))] += by;
    if (counts_.size() <= most_texts)
        return;
    std::vector<std::uint64_t> sorted;
    sorted.reserve(counts_.size());
    for (const auto& [key, count] : counts_)
        sorted.push_back(count);
    const auto middle = sorted.begin() + most_texts / 2;
    std::ranges::nth_element(sorted, middle);
    // of many equals those are forgotten that come first: there is nothing better to choose by
    std::size_t surplus = most_texts / 2;
    std::erase_if(counts_, [&](const auto& entry) { return entry.second <= *middle && surplus > 0 && surplus-- > 0; });
    inexact_ = true;
}

std::vector<std::pair<std::string, std::uint64_t>> Counter::top(std::size_t n) const
{
    std::vector<std::pair<std::string, std::uint64_t>> out(counts_.begin(), counts_.end());
    std::ranges::sort(out, [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (out.size() > n)
        out.resize(n);
    return out;
}

void Spread::add(double amount)
{
    if (!(amount >= 0) || amount > 1e15)
        return;
    minimum_ = count_ == 0 ? amount : std::min(minimum_, amount);
    maximum_ = std::max(maximum_, amount);
    ++count_;
    sum_ += amount;
    bins_.resize(most_bins);
    const double bin = amount <= smallest ? 0 : std::log2(amount / smallest) * bins_a_doubling;
    ++bins_[std::min(most_bins - 1, static_cast<std::size_t>(bin))];
    for (std::size_t i = 0; i < bounds.size(); ++i)
        if (amount <= bounds[i])
            ++buckets_[i];
}

double Spread::quantile(double share) const
{
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
        seen += bins_[i];
        if (seen >= wanted && seen > 0)
            return std::clamp(smallest * std::exp2((static_cast<double>(i) + 0.5) / bins_a_doubling), minimum_,
                              maximum_);
    }
    return maximum_;
}

} // namespace mgw::monitor
