#include "tools/mgw-archive/run.hpp"

#include "lib/archive/backup.hpp"
#include "lib/core/durable.hpp"
#include "lib/core/sandbox.hpp"

#include <fmt/core.h>
#include <iostream>

namespace mgw::archive_tool
{

Result<Status> run(cli::Tool& tool, const Options& options)
{
    const auto archive = options.archive.empty() ? archive::default_archive() : options.archive;
    switch (options.command) {
    case Command::add:
        return add(tool, options, archive);
    case Command::tee:
        return tee(tool, options, archive);
    case Command::restore:
        return restore(tool, options, archive);
    default:
        break;
    }
    if (auto there = archive::require_archive(archive); !there)
        return pass(there);
    if (options.command == Command::backup)
        return backup(tool, options, archive);
    if (auto confined = confine({.write = {archive}}, tool.common().sandbox); !confined)
        return pass(confined);
    switch (options.command) {
    case Command::get:
        return get(tool, options, archive);
    case Command::list:
        return list(tool, options, archive);
    default:
        return verify(tool, archive);
    }
}

Result<Status> verify(cli::Tool& tool, const std::string& archive)
{
    const auto checked = archive::check_archive(archive);
    for (const auto& finding : checked.findings)
        std::cout << finding.path << ": " << finding.what
                  << (finding.torn ? " (a write that a crash cut short; nobody was told that it is kept)" : "") << '\n';
    if (tool.common().json)
        std::cout << Record{}
                         .number("packs", static_cast<std::int64_t>(checked.packs))
                         .number("messages", static_cast<std::int64_t>(checked.messages))
                         .number("damages", static_cast<std::int64_t>(checked.damages))
                         .json()
                  << '\n';
    else
        std::cout << fmt::format("{} pack{}, {} message{}, {} damage{}\n", checked.packs, checked.packs == 1 ? "" : "s",
                                 checked.messages, checked.messages == 1 ? "" : "s", checked.damages,
                                 checked.damages == 1 ? "" : "s");
    return checked.damages == 0 ? Status::ok : Status::data;
}

Result<Status> backup(cli::Tool& tool, const Options& options, const std::string& archive)
{
    if (tool.common().check || tool.common().dry_run)
        return Status::ok;
    // the folder must be there for the sandbox to know it
    if (auto made = make_directories(options.folder); !made)
        return pass(made);
    if (auto confined = confine({.read = {archive}, .write = {options.folder}}, tool.common().sandbox); !confined)
        return pass(confined);
    const auto copied = archive::backup(archive, options.folder);
    if (!copied)
        return std::unexpected(copied.error());
    for (const auto& finding : copied->findings)
        tool.complain({Status::data, finding.path + " is not copied: " + finding.what, {}});
    std::cout << fmt::format("{} packs, {} copied and read back, {} octets\n", copied->packs, copied->copied,
                             copied->octets);
    return copied->findings.empty() ? Status::ok : Status::data;
}

Result<Status> restore(cli::Tool& tool, const Options& options, const std::string& archive)
{
    if (tool.common().check || tool.common().dry_run)
        return Status::ok;
    if (!archive.empty())
        if (auto made = make_directories(archive); !made)
            return pass(made);
    if (auto confined = confine({.read = {options.folder}, .write = {archive}}, tool.common().sandbox); !confined)
        return pass(confined);
    const auto copied = archive::restore(options.folder, archive);
    if (!copied)
        return std::unexpected(copied.error());
    std::cout << fmt::format("OK {} packs, {} octets, all verified\n", copied->packs, copied->octets);
    return Status::ok;
}

} // namespace mgw::archive_tool
