#pragma once

#include "lib/monitor/event.hpp"
#include "lib/monitor/input.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mgw::monitor
{

/// What to trace: an Mgw-Id, an id of the queue, or an address, plain and as the hash that stands in redacted records.
struct Wanted {
    std::string word;
    std::string hash; ///< "h:…", empty where the salt is not known

    bool is_address() const;
    /// Whether this record names the id, or has the address as sender or recipient.
    bool matches(const Event& event) const;
};

/// Collects the records of the wanted messages and tells them in order. Bounded: 10,000 messages and 64 MB, the rest is
/// counted.
class Trace {
public:
    Trace(Wanted wanted, bool json) : wanted_(std::move(wanted)), json_(json) {}

    /// First pass, where there can be two: which messages are wanted.
    void note(const Event& event);
    /// Keeps what belongs to a wanted message.
    void add(const Event& event, std::string_view line);

    bool empty() const { return messages_.empty(); }
    std::uint64_t left_out() const { return left_out_; }
    /// One line for each stage of each message, in the order of time; with json the records as they stood.
    std::string text() const;

private:
    struct Step {
        std::string time; ///< that it is sorted by
        std::string text;
    };
    void keep(std::vector<Step>& steps, std::string time, std::string text);

    Wanted wanted_;
    bool json_;
    std::unordered_map<std::string, std::size_t> index_; ///< id to message
    std::vector<std::pair<std::string, std::vector<Step>>> messages_;
    std::size_t octets_ = 0;
    std::uint64_t left_out_ = 0;
};

} // namespace mgw::monitor
