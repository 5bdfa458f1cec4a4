#pragma once

#include "lib/monitor/record_line.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::monitor
{

/// Everything that happened to one message, or to the messages of one address. For an address two passes over the
/// records are needed: first find_ids() for each line, then add() for each line.
class Trace {
public:
    static constexpr std::size_t most_ids = 1000;
    static constexpr std::size_t most_records = 20000;

    explicit Trace(std::string what);

    /// True when `what` has an '@' or is "<>": then find_ids() must see all lines first.
    bool is_address() const { return address_; }
    void find_ids(std::string_view line);
    void add(std::string_view line);
    bool empty() const { return steps_.empty(); }
    /// True when a bound on memory cut something off.
    bool is_cut() const { return cut_; }

    /// For people: message by message, step by step, with the rule that decided.
    std::string text() const;
    /// The records themselves, one JSON object a line.
    std::string json() const;

private:
    struct Step {
        std::string time, id, line;
    };
    std::vector<Step> in_order() const;

    std::string what_;
    bool address_ = false;
    bool cut_ = false;
    std::set<std::string, std::less<>> ids_;
    std::vector<Step> steps_;
};

} // namespace mgw::monitor
