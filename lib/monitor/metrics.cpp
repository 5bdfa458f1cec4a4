#include "lib/monitor/summary.hpp"

#include "lib/core/text.hpp"

#include <fmt/core.h>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_series = 200;

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help)
{
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

/// A label's value stands in quotes like a JSON string.
std::string label(std::string_view name, std::string_view value)
{
    return std::string(name) + "=" + quoted(value);
}

void distribution(std::string& out, std::string_view name, const std::string& labels, const Spread& spread)
{
    const std::string before = labels.empty() ? "" : labels + ",";
    const std::string braces = labels.empty() ? "" : "{" + labels + "}";
    for (std::size_t i = 0; i < Spread::bounds.size(); ++i)
        out +=
            fmt::format("{}_bucket{{{}le=\"{:g}\"}} {}\n", name, before, Spread::bounds[i] / 1000, spread.at_most(i));
    out += fmt::format("{}_bucket{{{}le=\"+Inf\"}} {}\n", name, before, spread.count());
    out += fmt::format("{0}_sum{1} {2:.6f}\n{0}_count{1} {3}\n", name, braces, spread.sum() / 1000, spread.count());
}

void counters(std::string& out, std::string_view name, std::string_view key, std::string_view help,
              const Counter& counter)
{
    head(out, name, "counter", help);
    for (const auto& [text, count] : counter.top(most_series))
        out += fmt::format("{}{{{}}} {}\n", name, label(key, text), count);
}

} // namespace

std::string metrics_text(const Summary& summary)
{
    std::string out;
    head(out, "mgw_messages_total", "counter", "Messages by stage and the verdict in force behind it.");
    for (const auto& [text, count] : summary.actions.top(most_series)) {
        const auto blank = text.rfind(' ');
        out += fmt::format("mgw_messages_total{{{},{}}} {}\n", label("stage", text.substr(0, blank)),
                           label("action", text.substr(blank + 1)), count);
    }
    head(out, "mgw_received_total", "counter", "Messages that came in.");
    out += fmt::format("mgw_received_total {}\n", summary.census().sizes.count());
    head(out, "mgw_bytes_total", "counter", "Octets of the messages that came in.");
    out += fmt::format("mgw_bytes_total {:.0f}\n", summary.census().sizes.sum());
    head(out, "mgw_stage_seconds", "histogram", "Time that a message took in a stage.");
    for (const auto& [stage, spread] : summary.latencies)
        distribution(out, "mgw_stage_seconds", label("stage", stage), spread);
    head(out, "mgw_rejects_total", "counter", "Verdicts other than accept, by class.");
    for (const auto& [text, count] : summary.verdicts.top(most_series)) {
        const auto blank = text.find(' ');
        if (text.starts_with("accept"))
            continue;
        const auto cls = blank == std::string::npos ? "" : text.substr(text.find('=') + 1);
        out += fmt::format("mgw_rejects_total{{{},{}}} {}\n", label("action", text.substr(0, blank)),
                           label("reason", cls), count);
    }
    counters(out, "mgw_replies_total", "code", "What clients were answered.", summary.replies);
    head(out, "mgw_auth_total", "counter", "Results of authentication.");
    for (const auto& [method, results] : summary.authentication)
        for (const auto& [result, count] : results.top(most_series))
            out += fmt::format("mgw_auth_total{{{},{}}} {}\n", label("method", method), label("result", result), count);
    counters(out, "mgw_scans_total", "result", "Messages scanned for viruses.", summary.scans);
    counters(out, "mgw_delivery_total", "result", "Recipients by what became of an attempt.", summary.deliveries);
    counters(out, "mgw_failures_total", "stage", "Failures of stages.", summary.errors);
    head(out, "mgw_fsync_seconds", "histogram", "Time that the queue took to flush messages to disk.");
    distribution(out, "mgw_fsync_seconds", {}, summary.commits);
    if (summary.signature_age) {
        head(out, "mgw_signature_db_age_seconds", "gauge", "Age of the virus signatures at the last scan.");
        out += fmt::format("mgw_signature_db_age_seconds {:.0f}\n", *summary.signature_age);
    }
    head(out, "mgw_malformed_lines_total", "counter", "Lines that are no record.");
    out += fmt::format("mgw_malformed_lines_total {}\n", summary.counts.malformed);
    return out;
}

} // namespace mgw::monitor
