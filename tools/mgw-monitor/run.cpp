#include "tools/mgw-monitor/run.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"
#include "lib/monitor/lines.hpp"
#include "lib/monitor/report.hpp"
#include "lib/monitor/trace.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <unistd.h>
#include <vector>

namespace mgw::monitor_tool
{

namespace
{

struct Source {
    Fd owned;
    int fd = STDIN_FILENO;
    std::string name = "standard input";
};
using Sources = std::vector<Source>;

Result<Sources> open_all(const std::vector<std::string>& files)
{
    Sources out;
    for (const auto& file : files) {
        Source s;
        if (file != "-") {
            s.owned = Fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
            if (!s.owned)
                return fail(Status::data, "cannot open " + file + ": " + std::strerror(errno),
                            "name files that a tool wrote with --log=FILE");
            s.fd = s.owned.value();
            s.name = file;
        }
        out.push_back(std::move(s));
    }
    if (out.empty())
        out.emplace_back();
    return out;
}

Result<void> read_all_lines(const Sources& sources, const std::function<void(std::string_view, bool)>& line)
{
    for (const auto& source : sources)
        if (auto read = monitor::for_each_line(source.fd, line); !read)
            return fail(Status::data, source.name + ": " + read.error().message);
    return {};
}

Result<Status> print(const std::string& text)
{
    if (auto written = write_all(STDOUT_FILENO, text); !written)
        return pass(written);
    return Status::ok;
}

Result<monitor::Report> make_report(const Sources& sources)
{
    monitor::Report report;
    auto read = read_all_lines(sources, [&](std::string_view line, bool too_long) {
        if (!too_long && trim(line).empty())
            return;
        const auto record = too_long ? std::nullopt : monitor::RecordLine::parse(line);
        if (record)
            report.add(*record);
        else
            report.add_malformed();
    });
    if (!read)
        return pass(read);
    return report;
}

Result<Status> trace(cli::Tool& tool, const Options& options, const Sources& sources)
{
    monitor::Trace trace(options.what);
    if (trace.is_address()) {
        for (const auto& source : sources)
            if (::lseek(source.fd, 0, SEEK_CUR) < 0)
                return fail(Status::data, source.name + " cannot be read twice, which an address needs",
                            "name the file, or ask for an id");
        if (auto read = read_all_lines(sources, [&](std::string_view line, bool) { trace.find_ids(line); }); !read)
            return pass(read);
        for (const auto& source : sources)
            ::lseek(source.fd, 0, SEEK_SET);
    }
    if (auto read = read_all_lines(sources, [&](std::string_view line, bool) { trace.add(line); }); !read)
        return pass(read);
    if (trace.empty())
        return fail(Status::data, "no record of " + printable(options.what, 100),
                    "with --log-redact addresses are hashed: ask for an id");
    if (trace.is_cut())
        tool.warn("more records than are shown");
    return print(tool.common().json ? trace.json() : trace.text());
}

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    auto sources = open_all(options.files);
    if (!sources)
        return pass(sources);
    if (tool.common().check)
        return Status::ok;
    auto confined = confine(Rights{}, tool.common().sandbox); // the files are open: nothing more is needed
    if (!confined)
        return pass(confined);
    tool.explain("confinement: " + *confined);
    // end of initialization

    if (options.command == Command::trace)
        return trace(tool, options, *sources);
    auto report = make_report(*sources);
    if (!report)
        return pass(report);
    if (options.command == Command::metrics)
        return print(report->metrics());
    return print(tool.common().json ? report->json(options.top) : report->text(options.top));
}

} // namespace mgw::monitor_tool
