#include "lib/monitor/trace.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <map>

namespace mgw::monitor
{

namespace
{

std::string join(const std::vector<std::string>& items, std::string_view between)
{
    std::string out;
    for (const auto& item : items)
        out.append(out.empty() ? "" : between).append(printable(item, 300));
    return out;
}

/// What a record says beside what stands in the message's heading.
std::string details(const RecordLine& r)
{
    static constexpr std::string_view heading[] = {"time", "host", "pid",     "tool",  "id", "stage", "from",  "to",
                                                   "size", "ms",   "verdict", "class", "by", "at",    "reason"};
    std::string out;
    for (const auto& [key, value] : r.fields()) {
        if (std::ranges::find(heading, key) != std::end(heading))
            continue;
        const std::string text = value.is_list ? join(value.items, "; ") : printable(value.text, 300);
        if (!text.empty())
            out.append(out.empty() ? "" : " ").append(printable(key, 60)).append("=").append(text);
    }
    return out;
}

std::string decision(const RecordLine& r)
{
    const auto verdict = r.text("verdict");
    if (verdict.empty())
        return {};
    std::string out(printable(verdict, 40));
    const auto part = [&](std::string_view before, std::string_view key) {
        if (const auto text = r.text(key); !text.empty())
            out.append(before).append(printable(text));
    };
    part(" class=", "class");
    part(" by ", "by");
    part(" at ", "at");
    part(": ", "reason");
    return out;
}

std::string heading(std::string_view id, const RecordLine& r)
{
    std::string out = printable(id, 64) + "  from <" + printable(r.text("from"), 320) + "> to ";
    const auto& to = r.list("to");
    for (std::size_t i = 0; i < to.size() && i < 5; ++i)
        out.append(i > 0 ? ", " : "").append("<").append(printable(to[i], 320)).append(">");
    if (to.size() > 5)
        out += " and " + std::to_string(to.size() - 5) + " more";
    if (const auto size = r.text("size"); !size.empty())
        out.append(", ").append(printable(size, 20)).append(" octets");
    return out + "\n";
}

} // namespace

Trace::Trace(std::string what) : what_(std::move(what)), address_(what_.contains('@') || what_ == "<>")
{
    if (what_.size() > 2 && what_.starts_with('<') && what_.ends_with('>'))
        what_ = what_.substr(1, what_.size() - 2);
    if (!address_)
        ids_.insert(what_);
}

void Trace::find_ids(std::string_view line)
{
    const std::string_view wanted = what_ == "<>" ? std::string_view{} : std::string_view(what_);
    if (!wanted.empty() && ifind(line, wanted.substr(0, wanted.find('"'))) == std::string_view::npos)
        return; // most lines: not worth parsing
    const auto record = RecordLine::parse(line);
    if (!record || record->text("id").empty())
        return;
    const auto& to = record->list("to");
    const bool is_sender = std::ranges::any_of(
        record->fields(), [&](const auto& f) { return f.first == "from" && iequals(f.second.text, wanted); });
    if (!is_sender && std::ranges::none_of(to, [&](const std::string& t) { return iequals(t, wanted); }))
        return;
    if (ids_.size() < most_ids)
        ids_.emplace(record->text("id"));
    else
        cut_ = true;
}

void Trace::add(std::string_view line)
{
    if (ids_.size() == 1 && !line.contains(*ids_.begin()))
        return;
    auto record = RecordLine::parse(line);
    if (!record)
        return;
    std::string_view id = record->text("id");
    if (!ids_.contains(id))
        id = record->text("mgw_id");
    if (!ids_.contains(id) && ids_.contains(record->text("queue_id")))
        id = record->text("queue_id");
    if (!ids_.contains(id))
        return;
    if (steps_.size() >= most_records) {
        cut_ = true;
        return;
    }
    steps_.push_back({std::string(record->text("time")), std::string(id), std::string(line)});
}

std::vector<Trace::Step> Trace::in_order() const
{
    std::map<std::string, std::string> began; // messages in the order of their first record
    for (const auto& step : steps_)
        if (auto [at, fresh] = began.emplace(step.id, step.time); !fresh && step.time < at->second)
            at->second = step.time;
    auto steps = steps_;
    std::ranges::stable_sort(steps, [&](const Step& a, const Step& b) {
        return std::tie(began.at(a.id), a.id, a.time) < std::tie(began.at(b.id), b.id, b.time);
    });
    return steps;
}

std::string Trace::text() const
{
    std::string out;
    std::string id;
    std::string decided;
    const auto conclude = [&] {
        if (!decided.empty())
            out += "  decided: " + decided + "\n";
        decided.clear();
    };
    for (const auto& step : in_order()) {
        const auto record = RecordLine::parse(step.line);
        if (!record)
            continue;
        if (step.id != id) {
            conclude();
            out.append(out.empty() ? "" : "\n").append(heading(step.id, *record));
            id = step.id;
        }
        std::string tool = printable(record->text("tool"), 40);
        tool.resize(std::max<std::size_t>(tool.size(), 12), ' ');
        out.append("  ").append(printable(step.time, 40)).append("  ").append(tool);
        if (const auto said = details(*record); !said.empty())
            out.append(" ").append(said);
        if (const auto verdict = decision(*record); !verdict.empty()) {
            out.append(" verdict=").append(verdict);
            if (record->text("by") == record->text("tool") ||
                (decided.empty() && record->text("verdict") != "accept") || record->text("tool") == "mgw-filter")
                decided = verdict;
        }
        if (const auto ms = record->text("ms"); !ms.empty())
            out.append(" (").append(printable(ms, 20)).append(" ms)");
        out += "\n";
    }
    conclude();
    return out;
}

std::string Trace::json() const
{
    std::string out;
    for (const auto& step : in_order())
        out.append(printable(step.line, step.line.size())).append("\n");
    return out;
}

} // namespace mgw::monitor
