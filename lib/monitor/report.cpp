#include "lib/monitor/summary.hpp"

#include "lib/core/text.hpp"

#include <fmt/core.h>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_shares = 50; // of counters that are short by nature

void section(std::string& out, std::string_view title)
{
    out.append("\n").append(title).append("\n");
}

void counts(std::string& out, std::string_view title, const Counter& counter, std::size_t n)
{
    if (counter.empty())
        return;
    section(out, title);
    if (counter.is_inexact())
        out += "  (too many to count all: at least)\n";
    for (const auto& [text, count] : counter.top(n))
        out += fmt::format("{:>10}  {}\n", count, shown(text));
}

std::string octets(double count)
{
    if (count < 10240)
        return fmt::format("{:.0f}", count);
    if (count < 10240.0 * 1024)
        return fmt::format("{:.1f}k", count / 1024);
    return fmt::format("{:.1f}M", count / 1024 / 1024);
}

std::string object(const Counter& counter, std::size_t n)
{
    std::string out = "{";
    for (const auto& [text, count] : counter.top(n))
        out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", quoted(text), count);
    return out += "}";
}

std::string object(const Spread& spread)
{
    return fmt::format(R"({{"count":{},"mean":{:.3f},"p50":{:.3f},"p95":{:.3f},"max":{:.3f}}})", spread.count(),
                       spread.mean(), spread.quantile(0.5), spread.quantile(0.95), spread.maximum());
}

} // namespace

std::string report_text(const Summary& summary, std::size_t top)
{
    const auto& census = summary.census();
    std::string out = fmt::format(
        "records    {}{}\n", summary.counts.records,
        summary.counts.malformed > 0 ? fmt::format(", and {} malformed lines", summary.counts.malformed) : "");
    if (!summary.first_time.empty())
        out += fmt::format("time       {} to {}\n", shown(summary.first_time, 40), shown(summary.last_time, 40));
    out += fmt::format("messages   {}{}, {} octets; mean {}, p50 {}, p95 {}, max {}\n", census.sizes.count(),
                       summary.has_arrivals() ? " received" : "", octets(census.sizes.sum()),
                       octets(census.sizes.mean()), octets(census.sizes.quantile(0.5)),
                       octets(census.sizes.quantile(0.95)), octets(census.sizes.maximum()));
    counts(out, "Verdicts", summary.verdicts, most_shares);
    counts(out, "Rules that decided", summary.rules, top);
    counts(out, "Answers to clients", summary.replies, most_shares);
    if (!summary.authentication.empty()) {
        section(out, "Authentication");
        for (const auto& [method, results] : summary.authentication) {
            out += fmt::format("  {:<8}", method);
            for (const auto& [result, count] : results.top(10))
                out += fmt::format("  {} {}", shown(result, 40), count);
            out += "\n";
        }
    }
    counts(out, "Virus scans", summary.scans, most_shares);
    counts(out, "Viruses", summary.viruses, top);
    counts(out, "Queue", summary.queue, most_shares);
    counts(out, "Deliveries, by recipient", summary.deliveries, most_shares);
    counts(out, "Failures of stages", summary.errors, most_shares);
    if (!summary.latencies.empty()) {
        section(out, "Time in each stage, ms");
        out += fmt::format("  {:<14}{:>10}{:>11}{:>11}{:>11}{:>11}\n", "", "count", "mean", "p50", "p95", "max");
        for (const auto& [stage, spread] : summary.latencies)
            out += fmt::format("  {:<14}{:>10}{:>11.3f}{:>11.3f}{:>11.3f}{:>11.3f}\n", shown(stage, 60), spread.count(),
                               spread.mean(), spread.quantile(0.5), spread.quantile(0.95), spread.maximum());
    }
    counts(out, "Senders", census.senders, top);
    counts(out, "Recipients", census.recipients, top);
    counts(out, "Clients", census.clients, top);
    return out;
}

std::string report_json(const Summary& summary, std::size_t top)
{
    const auto& census = summary.census();
    std::string out =
        fmt::format(R"({{"records":{},"malformed":{},"first":{},"last":{},"messages":{},"octets":{:.0f},"sizes":{})",
                    summary.counts.records, summary.counts.malformed, quoted(summary.first_time),
                    quoted(summary.last_time), census.sizes.count(), census.sizes.sum(), object(census.sizes));
    const auto add = [&](std::string_view key, const std::string& value) {
        out.append(",").append(quoted(key)).append(":").append(value);
    };
    add("verdicts", object(summary.verdicts, most_shares));
    add("rules", object(summary.rules, top));
    add("answers", object(summary.replies, most_shares));
    std::string methods = "{";
    for (const auto& [method, results] : summary.authentication)
        methods.append(methods.size() > 1 ? "," : "").append(quoted(method) + ":" + object(results, most_shares));
    add("authentication", methods + "}");
    add("scans", object(summary.scans, most_shares));
    add("viruses", object(summary.viruses, top));
    add("queue", object(summary.queue, most_shares));
    add("deliveries", object(summary.deliveries, most_shares));
    add("failures", object(summary.errors, most_shares));
    std::string stages = "{";
    for (const auto& [stage, spread] : summary.latencies)
        stages.append(stages.size() > 1 ? "," : "").append(quoted(stage) + ":" + object(spread));
    add("stage_ms", stages + "}");
    add("senders", object(census.senders, top));
    add("recipients", object(census.recipients, top));
    add("clients", object(census.clients, top));
    return out += "}\n";
}

} // namespace mgw::monitor
