#include "run.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/key.hpp"
#include "lib/core/log.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"
#include "lib/monitor/summary.hpp"
#include "lib/monitor/trace.hpp"

#include <filesystem>

#include <unistd.h>

namespace mgw::monitor
{

namespace
{

Result<Status> trace(cli::Tool& tool, const Options& options, Wanted wanted, Files files)
{
    Trace trace(std::move(wanted), tool.common().json);
    // a record that names the address may stand behind one that does not: the first pass finds the messages
    if (files.can_rewind())
        if (auto noted = files.read([&](const Event& event, std::string_view) { trace.note(event); }); !noted)
            return pass(noted);
    auto read = files.read([&](const Event& event, std::string_view line) { trace.add(event, line); });
    if (!read)
        return pass(read);
    if (read->malformed > 0)
        tool.warn(std::to_string(read->malformed) + " malformed lines left out");
    if (trace.left_out() > 0)
        tool.warn(std::to_string(trace.left_out()) + " records left out: too many for one trace");
    if (trace.empty())
        return fail(Status::data, "no record of " + shown(options.wanted));
    if (auto written = write_all(STDOUT_FILENO, trace.text()); !written)
        return pass(written);
    return Status::ok;
}

Result<Status> sum_up(cli::Tool& tool, const Options& options, Files files)
{
    Summary summary;
    auto read = files.read([&](const Event& event, std::string_view) { summary.add(event); });
    if (!read)
        return pass(read);
    summary.counts = *read;
    const auto text = options.command == Command::metrics ? metrics_text(summary)
                      : tool.common().json                ? report_json(summary, options.top)
                                                          : report_text(summary, options.top);
    if (auto written = write_all(STDOUT_FILENO, text); !written)
        return pass(written);
    return Status::ok;
}

/// The hash that redacted records of this user have for an address. Asking makes no key where there is none.
std::string hash_of(const std::string& address)
{
    std::error_code error;
    const auto state = state_directory();
    if (!address.contains('@') || (!state.empty() && !std::filesystem::exists(state + "/key", error)))
        return {};
    const auto salt = redaction_salt();
    return salt ? redacted(*salt, address) : std::string{};
}

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    auto files = Files::open(options.files);
    if (!files)
        return pass(files);
    Wanted wanted{options.wanted, hash_of(options.wanted)};
    if (auto confined = confine({}, tool.common().sandbox); !confined)
        return pass(confined);
    if (options.command != Command::trace)
        return sum_up(tool, options, std::move(*files));
    return trace(tool, options, std::move(wanted), std::move(*files));
}

} // namespace mgw::monitor
