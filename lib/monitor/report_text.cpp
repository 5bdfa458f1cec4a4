#include "lib/core/text.hpp"
#include "lib/monitor/report.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace mgw::monitor
{

namespace
{

void add_list(std::string& out, std::string_view title, const Tally& tally, std::size_t limit)
{
    if (tally.total() == 0)
        return;
    out += fmt::format("\n{}{}\n", title, tally.is_exact() ? "" : " (at most)");
    for (const auto& [name, count] : tally.top(limit))
        out += fmt::format("  {:>9}  {}\n", count, printable(name, 120));
}

std::string octets(double n)
{
    if (n < 10000)
        return fmt::format("{:.0f}", n);
    return n < 1e7 ? fmt::format("{:.0f}k", n / 1024) : fmt::format("{:.0f}M", n / 1024 / 1024);
}

nlohmann::ordered_json object(const Tally& tally, std::size_t limit)
{
    auto out = nlohmann::ordered_json::object();
    for (const auto& [name, count] : tally.top(limit))
        out[printable(name, 320)] = count;
    return out;
}

std::string label(std::string_view value)
{
    std::string out;
    for (const char c : printable_ascii(value, 100))
        out.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
    return out;
}

} // namespace

std::string Report::text(std::size_t limit) const
{
    if (records_ == 0)
        return fmt::format("no records, {} malformed lines\n", malformed_);
    std::string out;
    const auto* name = entrance();
    const Tool& in = tools_.at(*name);
    out += fmt::format("time        {} to {}\n", printable(first_), printable(last_));
    out += fmt::format("messages    {} (records of {})\n", in.records, *name);
    out += fmt::format("records     {}, malformed lines {}\n", records_, malformed_);
    if (in.size.count() > 0)
        out += fmt::format("octets      {} in all, mean {}, p50 {}, p95 {}, largest {}\n", octets(in.size.sum()),
                           octets(in.size.mean()), octets(in.size.quantile(0.5)), octets(in.size.quantile(0.95)),
                           octets(in.size.largest()));
    out += fmt::format("\nstage          records  failures   mean ms    p50 ms    p95 ms    max ms\n");
    for (const auto& [tool, t] : tools_)
        out += fmt::format("{:<14} {:>7} {:>9} {:>9.1f} {:>9.1f} {:>9.1f} {:>9.1f}\n", tool, t.records, t.errors,
                           t.ms.mean(), t.ms.quantile(0.5), t.ms.quantile(0.95), t.ms.largest());
    add_list(out, "verdicts", verdicts_, limit);
    add_list(out, "rules that decided", rules_, limit);
    for (const auto& [method, results] : auth_)
        add_list(out, method, results, limit);
    add_list(out, "virus scan", scans_, limit);
    add_list(out, "viruses", viruses_, limit);
    add_list(out, "deliveries, by recipient", deliveries_, limit);
    add_list(out, "answers of delivery", replies_, limit);
    add_list(out, "senders", in.senders, limit);
    add_list(out, "recipients", in.recipients, limit);
    return out;
}

std::string Report::json(std::size_t limit) const
{
    nlohmann::ordered_json out;
    const auto* name = entrance();
    const Tool none;
    const Tool& in = name != nullptr ? tools_.at(*name) : none;
    out["first"] = printable(first_);
    out["last"] = printable(last_);
    out["messages"] = in.records;
    out["entrance"] = name != nullptr ? *name : "";
    out["records"] = records_;
    out["malformed"] = malformed_;
    out["octets"] = {{"sum", in.size.sum()},
                     {"mean", in.size.mean()},
                     {"p50", in.size.quantile(0.5)},
                     {"p95", in.size.quantile(0.95)},
                     {"max", in.size.largest()}};
    out["stages"] = nlohmann::ordered_json::object();
    for (const auto& [tool, t] : tools_)
        out["stages"][tool] = {{"records", t.records},          {"failures", t.errors},
                               {"mean_ms", t.ms.mean()},        {"p50_ms", t.ms.quantile(0.5)},
                               {"p95_ms", t.ms.quantile(0.95)}, {"max_ms", t.ms.largest()}};
    out["verdicts"] = object(verdicts_, limit);
    out["rules"] = object(rules_, limit);
    out["auth"] = nlohmann::ordered_json::object();
    for (const auto& [method, results] : auth_)
        out["auth"][method] = object(results, limit);
    out["scans"] = object(scans_, limit);
    out["viruses"] = object(viruses_, limit);
    out["deliveries"] = object(deliveries_, limit);
    out["answers"] = object(replies_, limit);
    out["senders"] = object(in.senders, limit);
    out["recipients"] = object(in.recipients, limit);
    return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string Report::metrics() const
{
    std::string out;
    const auto family = [&](const char* name, const char* help, const char* type) {
        out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
    };
    const auto counter = [&](const char* name, const char* help, const char* key, const Tally& tally) {
        family(name, help, "counter");
        for (const auto& [value, count] : tally.top(200))
            out += fmt::format("{}{{{}=\"{}\"}} {}\n", name, key, label(value), count);
    };
    family("mgw_records_total", "Records by tool.", "counter");
    for (const auto& [tool, t] : tools_)
        out += fmt::format("mgw_records_total{{tool=\"{}\"}} {}\n", label(tool), t.records);
    family("mgw_failures_total", "Own failures of a stage.", "counter");
    for (const auto& [tool, t] : tools_)
        out += fmt::format("mgw_failures_total{{tool=\"{}\"}} {}\n", label(tool), t.errors);
    family("mgw_octets_total", "Octets of messages by tool.", "counter");
    for (const auto& [tool, t] : tools_)
        out += fmt::format("mgw_octets_total{{tool=\"{}\"}} {:.0f}\n", label(tool), t.size.sum());
    family("mgw_stage_seconds", "Time of a message in a stage.", "summary");
    for (const auto& [tool, t] : tools_) {
        for (const double q : {0.5, 0.95, 0.99})
            out += fmt::format("mgw_stage_seconds{{tool=\"{}\",quantile=\"{}\"}} {:.6f}\n", label(tool), q,
                               t.ms.quantile(q) / 1000);
        out +=
            fmt::format("mgw_stage_seconds_sum{{tool=\"{0}\"}} {1:.6f}\nmgw_stage_seconds_count{{tool=\"{0}\"}} {2}\n",
                        label(tool), t.ms.sum() / 1000, t.ms.count());
    }
    counter("mgw_verdicts_total", "Verdicts with their class.", "verdict", verdicts_);
    family("mgw_auth_results_total", "Results of authentication.", "counter");
    for (const auto& [method, results] : auth_)
        for (const auto& [value, count] : results.top(50))
            out += fmt::format("mgw_auth_results_total{{method=\"{}\",result=\"{}\"}} {}\n", label(method),
                               label(value), count);
    counter("mgw_scans_total", "Results of virus scans.", "result", scans_);
    counter("mgw_deliveries_total", "Recipients by result of delivery.", "result", deliveries_);
    family("mgw_malformed_lines_total", "Lines of the log that are no records.", "counter");
    out += fmt::format("mgw_malformed_lines_total {}\n", malformed_);
    return out;
}

} // namespace mgw::monitor
