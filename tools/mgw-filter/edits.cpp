#include "tools/mgw-filter/edits.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/block.hpp"
#include "lib/mail/diff.hpp"
#include "lib/mail/edits_json.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace mgw::filter_tool
{

namespace
{

constexpr auto differ = static_cast<Status>(1); // as diff(1) and cmp(1)
constexpr std::size_t most_octets = std::size_t{2} << 30;
constexpr std::size_t lines_shown = 12;
constexpr std::size_t line_shown = 200;

std::string name_of(const std::string& path)
{
    return path == "-" ? "standard input" : printable(path);
}

/// The octets of a file, or of standard input for "-". Status::data when it cannot be read.
Result<std::string> octets_of(const std::string& path)
{
    Fd file;
    if (path != "-") {
        file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file) {
            auto error = fail_errno(errno, "cannot open " + printable(path));
            error.error().status = Status::data;
            return error;
        }
    }
    auto octets = read_all(path == "-" ? STDIN_FILENO : file.value(), most_octets);
    if (!octets)
        return fail(Status::data, name_of(path) + ": " + octets.error().message);
    return octets;
}

/// A message without its envelope block, whether the block is to be believed or not.
std::string without_block(std::string octets, const Limits& limits)
{
    if (const auto block = mail::find_block(octets, mail::from_line_octets(octets), limits))
        octets.erase(block->begin, block->end - block->begin);
    return octets;
}

void put_lines(std::string& out, char sign, std::string_view octets)
{
    std::size_t count = 0;
    while (!octets.empty() && count < lines_shown) {
        const auto end = std::min(octets.find('\n'), octets.size() - 1) + 1;
        auto line = octets.substr(0, end);
        octets.remove_prefix(end);
        if (line.ends_with('\n')) // a CR alone is worth a look
            line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
        out.append("  ").append(1, sign).append(" ").append(shown(line, line_shown)).append("\n");
        ++count;
    }
    if (!octets.empty())
        out.append("  ").append(1, sign).append(" … ").append(std::to_string(octets.size())).append(" more octets\n");
}

std::string for_people(const mail::Change& change)
{
    std::string out;
    for (const auto& step : change.steps) {
        out += step.what + ", at octet " + std::to_string(step.offset);
        out += step.is_in_signed ? " (inside a signed part: its signature no longer holds)\n" : "\n";
        put_lines(out, '-', step.removed);
        put_lines(out, '+', step.inserted);
    }
    return out;
}

/// Both messages are read before anything is looked at: what is done then needs no file.
Result<void> confine_reader(cli::Tool& tool)
{
    auto confined = confine({}, tool.common().sandbox);
    return confined ? Result<void>{} : pass(confined);
}

} // namespace

Result<Status> diff(cli::Tool& tool, const Options& options)
{
    if (tool.common().check)
        return Status::ok;
    if (options.files[0] == "-" && options.files[1] == "-")
        return fail(Status::usage, "only one of the two messages can be standard input");
    auto before = octets_of(options.files[0]);
    if (!before)
        return pass(before);
    auto after = octets_of(options.files[1]);
    if (!after)
        return pass(after);
    if (auto confined = confine_reader(tool); !confined)
        return pass(confined);
    const Limits& limits = tool.common().limits;
    if (options.strip_block) {
        *before = without_block(std::move(*before), limits);
        *after = without_block(std::move(*after), limits);
    }
    const auto change = mail::diff(*before, *after, limits);
    std::string out;
    if (tool.common().json)
        out = mail::to_json(change) + "\n";
    else if (const auto line_ends = mail::line_ends_changed(*before, *after); !line_ends.empty())
        out = "only line ends differ: " + std::string(line_ends) + "\n";
    else
        out = for_people(change);
    if (auto written = write_all(STDOUT_FILENO, out); !written)
        return pass(written);
    return change.empty() ? Status::ok : differ;
}

Result<Status> replay(cli::Tool& tool, const Options& options)
{
    const std::string from = options.files.size() > 1 ? options.files[1] : "-";
    if (options.files[0] == "-" && from == "-")
        return fail(Status::usage, "the edits and the message cannot both be standard input");
    auto text = octets_of(options.files[0]);
    if (!text)
        return pass(text);
    std::string message;
    if (!tool.common().check) {
        auto octets = octets_of(from);
        if (!octets)
            return pass(octets);
        if (octets->empty() && from == "-")
            return fail(Status::temp_fail, "no message on standard input");
        message = std::move(*octets);
    }
    if (auto confined = confine_reader(tool); !confined)
        return pass(confined);
    auto changes = mail::changes_from_json(*text);
    if (!changes)
        return fail(Status::data, name_of(options.files[0]) + ": " + changes.error().message, changes.error().hint);
    if (tool.common().check)
        return Status::ok;
    if (options.strip_block)
        message = without_block(std::move(message), tool.common().limits);
    const std::string original = tool.common().dry_run ? message : std::string{};
    if (options.command == Command::undo)
        std::ranges::reverse(*changes);
    for (const auto& change : *changes) {
        for (const auto& step : change.steps)
            tool.explain((options.command == Command::undo ? "undone: " : "done: ") + shown(step.what, 400) +
                         ", at octet " + std::to_string(step.offset));
        auto next = mail::replay(options.command == Command::undo ? mail::reversed(change) : change, message);
        if (!next)
            return pass(next);
        message = std::move(*next);
    }
    if (auto written = write_all(STDOUT_FILENO, tool.common().dry_run ? original : message); !written)
        return pass(written);
    return Status::ok;
}

} // namespace mgw::filter_tool
