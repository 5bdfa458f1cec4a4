#pragma once

#include "lib/monitor/record_line.hpp"
#include "lib/monitor/tally.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mgw::monitor
{

/// What the records of a run of time say in sum. Bounded memory for any number of records.
class Report {
public:
    void add(const RecordLine& record);
    void add_malformed() { ++malformed_; }

    /// For people; `limit` lines in each list of the most frequent.
    std::string text(std::size_t limit) const;
    /// One JSON object with the same numbers.
    std::string json(std::size_t limit) const;
    /// Counters and sums in the text format of Prometheus.
    std::string metrics() const;

private:
    struct Tool {
        std::uint64_t records = 0;
        std::uint64_t errors = 0; ///< the stage's own failures
        Spread ms;
        Spread size;
        Tally senders, recipients;
    };
    /// The tool whose records stand for messages: the entrance, else the one with most records.
    const std::string* entrance() const;
    void add_delivery(const RecordLine& record);

    std::map<std::string, Tool, std::less<>> tools_;
    Tally verdicts_{200}; ///< "reject content"
    Tally rules_, viruses_;
    std::map<std::string, Tally, std::less<>> auth_; ///< spf, dkim, dmarc: results
    Tally scans_{20}, deliveries_{10}, replies_{50};
    std::uint64_t records_ = 0;
    std::uint64_t malformed_ = 0;
    std::string first_, last_;
};

} // namespace mgw::monitor
