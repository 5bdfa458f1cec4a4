#include "lib/monitor/report.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::monitor
{

namespace
{
constexpr std::size_t most_tools = 50; // names are foreign
} // namespace

void Report::add(const RecordLine& record)
{
    ++records_;
    std::string name = printable_ascii(record.text("tool"), 40);
    if (name.empty() || (tools_.size() >= most_tools && !tools_.contains(name)))
        name = "(other)";
    Tool& tool = tools_[name];
    ++tool.records;
    if (!record.text("error").empty())
        ++tool.errors;
    if (const auto ms = record.number("ms"))
        tool.ms.add(*ms);
    if (const auto size = record.number("size"))
        tool.size.add(*size);
    if (const auto from = record.text("from"); !from.empty())
        tool.senders.add(from);
    for (const auto& to : record.list("to"))
        tool.recipients.add(to);
    if (const auto time = record.text("time"); time.size() >= 20 && time.size() <= 40 && is_digit(time[0])) {
        if (first_.empty() || time < first_)
            first_ = time;
        if (time > last_)
            last_ = time;
    }

    const auto verdict = record.text("verdict");
    const auto by = record.text("by");
    const bool decides = name == "mgw-filter" ? by.empty() || by == name : !by.empty() && by == name;
    if (!verdict.empty() && decides) {
        const auto cls = record.text("class");
        verdicts_.add(cls.empty() ? std::string(verdict) : std::string(verdict) + " " + std::string(cls));
        if (const auto at = record.text("at"); !at.empty())
            rules_.add(at);
    }
    if (name == "mgw-auth")
        for (const char* method : {"spf", "dkim", "dmarc"})
            if (const auto value = record.text(method); !value.empty())
                auth_.try_emplace(method, Tally{30}).first->second.add(value);
    if (name == "mgw-scan") {
        if (const auto value = record.text("virus"); !value.empty())
            scans_.add(value);
        if (const auto virus = record.text("virus_name"); !virus.empty())
            viruses_.add(virus);
    }
    if (name == "mgw-send")
        add_delivery(record);
}

void Report::add_delivery(const RecordLine& record)
{
    for (const char* result : {"delivered", "deferred", "refused"})
        if (const auto n = record.number(result); n && *n > 0 && *n < 1e6)
            deliveries_.add(result, static_cast<std::uint64_t>(*n));
    for (const auto& answer : record.list("answers"))
        if (const auto words = split_blanks(answer); words.size() >= 2)
            replies_.add(std::string(words[0]) + " " + std::string(words[1]));
}

const std::string* Report::entrance() const
{
    if (const auto recv = tools_.find("mgw-recv"); recv != tools_.end())
        return &recv->first;
    const auto most = std::ranges::max_element(tools_, {}, [](const auto& entry) { return entry.second.records; });
    return most == tools_.end() ? nullptr : &most->first;
}

} // namespace mgw::monitor
