#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mgw::monitor
{

/// Counts of texts in bounded memory: past 16,384 texts the rarer half is forgotten, and counts are then lower bounds.
class Counter {
public:
    void add(std::string_view text, std::uint64_t by = 1);
    /// The most frequent, at most `n`; equals in the order of their text.
    std::vector<std::pair<std::string, std::uint64_t>> top(std::size_t n) const;
    bool empty() const { return counts_.empty(); }
    /// Whether anything was forgotten.
    bool is_inexact() const { return inexact_; }
    std::uint64_t total() const { return total_; }

private:
    std::unordered_map<std::string, std::uint64_t> counts_;
    std::uint64_t total_ = 0;
    bool inexact_ = false;
};

/// Distribution of amounts (milliseconds, octets): count, sum and maximum exact, quantiles within 5 %.
class Spread {
public:
    /// Upper bounds of the buckets that Prometheus gets, in milliseconds.
    static constexpr std::array<double, 12> bounds{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 60000};

    void add(double amount);
    std::uint64_t count() const { return count_; }
    double sum() const { return sum_; }
    double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
    double maximum() const { return maximum_; }
    /// The amount that `share` (0 to 1) of all do not exceed.
    double quantile(double share) const;
    /// How many are at most bounds[i].
    std::uint64_t at_most(std::size_t i) const { return buckets_[i]; }

private:
    std::vector<std::uint64_t> bins_; ///< 16 for each doubling, from 0.001
    std::array<std::uint64_t, bounds.size()> buckets_{};
    std::uint64_t count_ = 0;
    double sum_ = 0;
    double minimum_ = 0;
    double maximum_ = 0;
};

} // namespace mgw::monitor
