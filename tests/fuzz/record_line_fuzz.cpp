#include "lib/monitor/report.hpp"
#include "lib/monitor/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

/// A log is whatever somebody wrote into a file: any octets end in a report and a trace.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::monitor;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Report report;
    Trace trace("a@b");
    Trace id("01JDF3M1S8W7Q2E5T9XK4V6B0A");
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
        if (const auto record = RecordLine::parse(line))
            report.add(*record);
        trace.find_ids(line);
        trace.add(line);
        id.add(line);
    }
    (void)report.text(5);
    (void)report.json(5);
    (void)report.metrics();
    (void)trace.text();
    (void)id.text();
    (void)id.json();
    return 0;
}
