#pragma once

#include "lib/core/fd.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// The memory that all messages in progress share.
struct SpoolBudget {
    std::size_t limit_octets = 256U << 20;
    std::size_t used_octets = 0;
    bool has_room(std::size_t octets) const { return octets <= limit_octets && used_octets <= limit_octets - octets; }
    /// From here on messages do not all go on growing: what is left is for the small ones, and for one at a time to
    /// end.
    bool is_tight() const { return used_octets > limit_octets / 2; }
    /// What a message may have when it is tight and there are `sessions`.
    std::size_t share_octets(std::size_t sessions) const { return limit_octets / 8 / (sessions + 1); }
    /// Enough for one more to end, beside those that the lane has.
    bool has_reserve() const { return used_octets < limit_octets / 4 * 3; }
};

/// The octets of one message while it comes in: a string, above `spill_octets` an anonymous file in memory (memfd),
/// which grows without copying. Takes from the budget and gives back when it goes.
class Spool {
public:
    static constexpr std::size_t spill_octets = 1U << 20;

    Spool() = default;
    explicit Spool(SpoolBudget& budget) : budget_(&budget) {}
    Spool(Spool&& other) noexcept { swap(other); }
    Spool& operator=(Spool&& other) noexcept
    {
        swap(other);
        return *this;
    }
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;
    ~Spool() { clear(); }

    /// False when the budget (or the machine's memory) does not allow more; what was there stays.
    bool append(std::string_view octets);
    std::size_t size() const { return size_; }
    /// All octets; valid until the next append. An empty view for a spool that cannot be mapped (see intact()).
    std::string_view view();
    bool intact() const { return !broken_; }
    void clear();

private:
    void swap(Spool& other) noexcept;
    bool spill();
    bool append_to_file(std::string_view octets);

    SpoolBudget* budget_ = nullptr;
    std::string text_;
    Fd file_;
    void* map_ = nullptr;
    std::size_t map_octets_ = 0;
    std::size_t size_ = 0;
    bool broken_ = false;
};

} // namespace mgw::smtp
