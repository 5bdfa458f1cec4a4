#include "tools/mgw-queue/run.hpp"

#include "lib/core/sandbox.hpp"

#include <array>
#include <unistd.h>

namespace mgw::queue_tool
{

queue::DsnOptions dsn_options(const Options& options)
{
    queue::DsnOptions dsn{.host = options.hostname, .hop = options.dsn_hop};
    if (dsn.host.empty()) {
        std::array<char, 256> name{};
        dsn.host = ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
    }
    return dsn;
}

Result<std::vector<const queue::Entry*>> chosen(const Options& options, const queue::Spool& spool)
{
    std::vector<const queue::Entry*> out;
    for (const auto& word : options.ids) {
        const auto before = out.size();
        if (const auto id = queue::parse_id(word)) {
            if (const auto found = spool.entries().find(*id); found != spool.entries().end())
                out.push_back(&found->second);
        } else {
            for (const auto& [key, entry] : spool.entries())
                if (entry.mgw_id == word)
                    out.push_back(&entry);
        }
        if (out.size() == before)
            return fail(Status::data, "no message " + word + " in the queue", "mgw-queue list shows what there is");
    }
    return out;
}

Result<Status> run(cli::Tool& tool, const Options& options)
{
    const auto path = options.spool.empty() ? queue::default_spool() : options.spool;
    if (options.command == Command::add)
        return add(tool, options, path);
    if (options.command == Command::run)
        return deliver(tool, options, path);
    if (auto there = queue::require_spool(path); !there)
        return pass(there);
    if (options.command == Command::release && !options.release_pipeline.empty()) {
        // It starts the stages of the pipeline, so it stays unconfined.
    } else if (auto confined = confine({.write = {path}}, tool.common().sandbox); !confined) {
        return pass(confined);
    }
    if (options.command == Command::check)
        return check(tool, path);
    queue::Spool spool(path, {.from_top = true, .clock = tool.clock()},
                       [&](const std::string& what) { tool.warn(what); });
    if (auto read = spool.refresh(); !read)
        return pass(read);
    switch (options.command) {
    case Command::list:
        return list(tool, options, spool);
    case Command::show:
        return show(tool, options, spool);
    case Command::cat:
        return cat(options, spool);
    case Command::release:
        return release(tool, options, spool);
    default:
        return change(tool, options, spool);
    }
}

} // namespace mgw::queue_tool
