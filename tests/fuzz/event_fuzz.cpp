// Records hold what senders wrote: every line must end in an event or in a count, and nothing may reach a terminal raw.
#include "lib/monitor/phrase.hpp"
#include "lib/monitor/summary.hpp"
#include "lib/monitor/trace.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::monitor;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto event = parse_event(line);
    if (!event)
        return 0;
    Summary summary;
    summary.add(*event);
    Trace trace(Wanted{std::string(event->text("id")), {}}, false);
    trace.add(*event, line);
    const std::string out = report_text(summary, 10) + report_json(summary, 10) + metrics_text(summary) + trace.text();
    for (const char c : out)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F)
            __builtin_trap();
    if (!parse_event(report_json(summary, 10)))
        __builtin_trap();
    return 0;
}
