#pragma once

#include "lib/monitor/count.hpp"
#include "lib/monitor/event.hpp"
#include "lib/monitor/input.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::monitor
{

/// Who sent what: taken where messages come in.
struct Census {
    Counter senders;
    Counter recipients;
    Counter clients;
    Spread sizes; ///< octets
};

/// What records say together, in bounded memory.
class Summary {
public:
    void add(const Event& event);

    Counts counts; ///< of lines, set by the caller
    std::string first_time;
    std::string last_time;
    Counter stages;   ///< records by stage
    Counter actions;  ///< "STAGE ACTION"
    Counter verdicts; ///< "reject class=virus", counted at the stage that decided
    Counter rules;    ///< "inbound.sieve:7 reject class=virus"
    Counter replies;  ///< what clients were answered: "550 5.7.1"
    std::map<std::string, Counter, std::less<>> authentication; ///< by method
    Counter scans;
    Counter viruses;
    Counter queue;                           ///< what mgw-queue did
    Counter deliveries;                      ///< recipients by result: delivered, deferred, refused
    Counter errors;                          ///< by stage
    std::map<std::string, Spread> latencies; ///< milliseconds by stage; at most 64 stages
    Spread commits;                          ///< milliseconds of flushing to disk
    std::optional<double> signature_age;     ///< seconds, as last said

    /// What mgw-recv took in; where no record is of mgw-recv, what the first stage of the file saw.
    const Census& census() const { return received_.sizes.count() > 0 ? received_ : seen_; }
    bool has_arrivals() const { return received_.sizes.count() > 0; }

private:
    void add_verdict(const Event& event, const std::string& stage);

    Census received_;
    Census seen_;
    std::string first_stage_;
};

/// The stage of a record: its tool, with the work where a tool has two, such as "mgw-queue run".
std::string stage_of(const Event& event);

/// For people: a page of text.
std::string report_text(const Summary& summary, std::size_t top);
/// The same as one JSON object.
std::string report_json(const Summary& summary, std::size_t top);
/// Prometheus' text format 0.0.4.
std::string metrics_text(const Summary& summary);

} // namespace mgw::monitor
