#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::monitor
{

/// Counts names in bounded memory (Space-Saving, Metwally 2005): exact up to `capacity` names; beyond, the rarest makes
/// room and counts are upper bounds. Names longer than 320 octets are cut.
class Tally {
public:
    explicit Tally(std::size_t capacity = 2000) : capacity_(capacity) {}
    void add(std::string_view name, std::uint64_t count = 1);
    /// The most frequent, at most `limit`, by count and then by name.
    std::vector<std::pair<std::string, std::uint64_t>> top(std::size_t limit) const;
    std::uint64_t total() const { return total_; }
    bool is_exact() const { return !overflowed_; }

private:
    std::size_t capacity_;
    std::uint64_t total_ = 0;
    bool overflowed_ = false;
    std::map<std::string, std::uint64_t, std::less<>> counts_;
    std::map<std::uint64_t, std::map<std::string, bool>> by_count_;
};

/// Distribution of non-negative numbers in constant memory: quantiles within 5 %.
class Spread {
public:
    void add(double value);
    std::uint64_t count() const { return count_; }
    double sum() const { return sum_; }
    double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
    double largest() const { return largest_; }
    /// The value below which the share `q` (0 to 1) lies; 0 without values.
    double quantile(double q) const;

private:
    static constexpr double ratio = 1.05;
    std::array<std::uint64_t, 640> buckets_{}; ///< bucket i holds values up to 0.001 * ratio^i
    std::uint64_t count_ = 0;
    double sum_ = 0;
    double largest_ = 0;
};

} // namespace mgw::monitor
