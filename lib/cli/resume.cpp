#include "lib/cli/resume.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/random.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fmt/core.h>
#include <map>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::cli
{

namespace
{

constexpr std::string_view first_line = "mgw-resume 1";
constexpr std::size_t window_octets = 64U << 10;
/// Between two marks: a quarter of the time that the run has taken, within these nanoseconds.
constexpr std::int64_t shortest_pause = 20'000'000;
constexpr std::int64_t longest_pause = 1'000'000'000;

std::int64_t now_nanoseconds()
{
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

std::int64_t nanoseconds(const timespec& time)
{
    return std::max<std::int64_t>(0, std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec);
}

Result<Fingerprint> fingerprint(int fd, std::uint64_t offset, const std::string& name)
{
    struct stat st {};
    if (::fstat(fd, &st) != 0)
        return fail_errno(errno, "cannot look at " + name);
    Fingerprint out{static_cast<std::uint64_t>(st.st_size), nanoseconds(st.st_mtim), {}};
    std::string window(std::min<std::uint64_t>(offset, window_octets), '\0');
    std::size_t got = 0;
    while (got < window.size()) {
        const ssize_t n =
            ::pread(fd, window.data() + got, window.size() - got, static_cast<off_t>(offset - window.size() + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(errno, "cannot read " + name);
        if (n == 0)
            break;
        got += static_cast<std::size_t>(n);
    }
    window.resize(got);
    out.before = hex(sha256(window));
    return out;
}

/// The fingerprint of the file at a position.
Result<Fingerprint> fingerprint(const Position& position, int in_fd)
{
    if (position.whole || position.source == 0)
        return Fingerprint{};
    if (position.path.empty())
        return fingerprint(in_fd, position.offset, "standard input");
    const Fd fd{::open(position.path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd)
        return fail_errno(errno, "cannot open " + position.path);
    return fingerprint(fd.value(), position.offset, position.path);
}

/// Options that change nothing in what comes out.
const std::set<std::string, std::less<>> without_effect{"--resume",     "--jobs",    "--memory", "--log",    "--shard",
                                                        "--log-redact", "--explain", "--json",   "--sandbox"};

std::string operands_hash(const StreamOptions& options)
{
    std::string all;
    for (const auto& operand : options.operands)
        all.append(operand) += '\0';
    return hex(sha256(all));
}

} // namespace

std::string mark_text(const Mark& mark)
{
    const Position& at = mark.position;
    std::string out = fmt::format("{}\ntool {}\noperands {}\nbasis {}\nshard {} {}\nrun {}\n", first_line, mark.tool,
                                  mark.operands, mark.basis, mark.shard.index, mark.shard.count, mark.run);
    out += fmt::format("messages {}\nearlier {}\nfiles {}\nnames {}\nwhole {}\noffset {}\nlengths {}\n", at.number,
                       at.earlier, at.source, hex(at.chain), at.whole ? 1 : 0, at.offset, at.lengths_hold ? 1 : 0);
    out += fmt::format("file {} {} {}\n", mark.file.octets, mark.file.changed,
                       mark.file.before.empty() ? "-" : mark.file.before);
    out += fmt::format("output {} {} {} {}\n", mark.to_file ? 1 : 0, mark.device, mark.inode, mark.output_octets);
    out += fmt::format("status {}\nfinished {}\n", static_cast<int>(mark.status), mark.finished ? 1 : 0);
    return out + "check " + hex(sha256(out)) + "\n";
}

Result<Mark> parse_mark(std::string_view text)
{
    const auto broken = [] { return fail(Status::config, "is not what --resume writes"); };
    const auto check = text.rfind("check ");
    if (!text.starts_with(first_line) || check == std::string_view::npos ||
        text.substr(check) != "check " + hex(sha256(text.substr(0, check))) + "\n")
        return broken();
    std::map<std::string_view, std::vector<std::string_view>> lines;
    for (const auto line : split(text.substr(0, check), '\n')) {
        auto words = split(line, ' ');
        if (words.size() > 1)
            lines[words[0]] = {words.begin() + 1, words.end()};
    }
    bool good = true;
    const auto word = [&](std::string_view name, std::size_t i = 0) {
        const auto at = lines.find(name);
        good = good && at != lines.end() && i < at->second.size();
        return good ? at->second[i] : std::string_view{};
    };
    const auto number = [&](std::string_view name, std::size_t i = 0) {
        const auto value = parse_number(word(name, i));
        good = good && value;
        return value.value_or(0);
    };
    Mark out;
    out.tool = word("tool");
    out.operands = word("operands");
    out.basis = word("basis");
    out.shard = {number("shard"), number("shard", 1)};
    out.run = word("run");
    out.position = {number("messages"),
                    number("files"),
                    {},
                    {},
                    number("whole") == 1,
                    number("offset"),
                    number("lengths") == 1,
                    lines.contains("earlier") ? number("earlier") : 0};
    if (lines.contains("names")) {
        const auto chain = from_hex(word("names"));
        good = good && chain;
        out.position.chain = chain.value_or("");
    }
    out.file = {number("file"), static_cast<std::int64_t>(number("file", 1)), std::string(word("file", 2))};
    if (out.file.before == "-")
        out.file.before.clear();
    out.to_file = number("output") == 1;
    out.device = number("output", 1);
    out.inode = number("output", 2);
    out.output_octets = number("output", 3);
    out.status = static_cast<Status>(number("status"));
    out.finished = number("finished") == 1;
    return good ? Result<Mark>(std::move(out)) : Result<Mark>(broken());
}

std::string Resume::folder() const
{
    const auto slash = path_.rfind('/');
    return slash == std::string::npos ? "." : (slash == 0 ? "/" : path_.substr(0, slash));
}

Result<Resume> Resume::begin(Tool& tool, const std::string& path, const StreamOptions& options,
                             const std::string& basis, Input& input, int out_fd)
{
    struct stat st {};
    if (input.kind() != Kind::mbox)
        return fail(Status::usage, "--resume needs an mbox, a Maildir or a folder");
    if (options.operands.empty() && (::fstat(input.fd(), &st) != 0 || !S_ISREG(st.st_mode)))
        return fail(Status::usage, "--resume needs files to read: a pipe cannot be read from a place",
                    "name the mbox, or redirect it: <FILE");
    for (const auto& operand : options.operands)
        if (::stat(operand.c_str(), &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
            return fail(Status::usage, "--resume needs files to read, and " + operand + " is none");
    Resume out;
    out.path_ = path;
    out.in_fd_ = input.fd();
    out.out_fd_ = out_fd;
    const auto refuse = [&](const std::string& why) {
        return fail(Status::config, path + ": " + why, "to begin anew, remove " + path);
    };
    out.mark_.tool = tool.name();
    out.mark_.operands = operands_hash(options);
    out.mark_.basis = hex(sha256(tool.given_options(without_effect) + '\0' + basis));
    out.mark_.shard = options.shard;
    std::optional<Mark> before;
    if (::access(path.c_str(), F_OK) == 0) {
        auto text = read_file(path, 64U << 10);
        if (!text)
            return pass(text);
        auto mark = parse_mark(*text);
        if (!mark)
            return fail(Status::config, path + ": " + mark.error().message,
                        "name another file; it is made when it is missing");
        if (mark->tool != out.mark_.tool || mark->operands != out.mark_.operands || mark->shard != out.mark_.shard)
            return refuse("was written by a run of another tool, over other operands or for another shard");
        if (mark->basis != out.mark_.basis)
            return refuse("was written by a run with other options, or by another policy or table");
        if (auto gone_on = input.go_on(mark->position); !gone_on)
            return gone_on.error().status == Status::config ? refuse(gone_on.error().message)
                                                            : Result<Resume>(pass(gone_on));
        mark->position.path = input.position().path;
        auto file = fingerprint(mark->position, out.in_fd_);
        if (!file)
            return pass(file);
        const std::string name = mark->position.path.empty() ? "standard input" : mark->position.path;
        if (file->before != mark->file.before || file->octets < mark->file.octets ||
            (file->octets == mark->file.octets && file->changed != mark->file.changed))
            return refuse(name + " is not what it was when the last run stopped in it");
        before = std::move(*mark);
    }
    if (before) {
        out.mark_ = *before;
        if (before->finished) // its status has been told
            out.mark_.status = Status::ok;
        out.mark_.finished = false;
    }
    if (auto taken = out.take_output(); !taken) {
        if (taken.error().status != Status::config)
            return pass(taken);
        return refuse(taken.error().message);
    }
    if (before && before->to_file && (out.mark_.device != before->device || out.mark_.inode != before->inode))
        tool.warn(fmt::format("this is not the file that the last run wrote; what stands there behind octet {} is "
                              "written again",
                              before->output_octets));
    if (before && before->position.number > 0)
        tool.warn(fmt::format("{}: {} messages are done{}", path, before->position.number,
                              before->finished ? ", the run was finished" : ""));
    out.mark_.run = Random{}.word(20);
    out.begun_at_ = now_nanoseconds();
    if (auto saved = out.save(); !saved) {
        saved.error().status = Status::config;
        return pass(saved);
    }
    return out;
}

/// Makes the output ours and puts it where the mark says.
Result<void> Resume::take_output()
{
    struct stat st {};
    if (::fstat(out_fd_, &st) != 0)
        return fail_errno(errno, "cannot look at standard output");
    const bool same = mark_.to_file && S_ISREG(st.st_mode) && st.st_dev == mark_.device && st.st_ino == mark_.inode;
    mark_.to_file = S_ISREG(st.st_mode);
    if (!mark_.to_file)
        return {};
    if (::flock(out_fd_, LOCK_EX | LOCK_NB) != 0)
        return fail(Status::temp_fail, "another run writes to this output",
                    "each run needs a file of its own, such as one for each shard");
    const auto size = static_cast<std::uint64_t>(st.st_size);
    if (same && size < mark_.output_octets)
        return fail(Status::config,
                    fmt::format("the output has {} octets, and had {} when the last run stopped; append to it with >>",
                                size, mark_.output_octets));
    if (same && size > mark_.output_octets && ::ftruncate(out_fd_, static_cast<off_t>(mark_.output_octets)) != 0)
        return fail_errno(errno, "cannot cut the output back to what is sure");
    if (!same)
        mark_.output_octets = size;
    mark_.device = st.st_dev;
    mark_.inode = st.st_ino;
    expected_ = mark_.output_octets;
    if (::lseek(out_fd_, static_cast<off_t>(expected_), SEEK_SET) < 0)
        return fail_errno(errno, "cannot go to the end of the output");
    return {};
}

Result<void> Resume::wrote(const Position& position, std::uint64_t octets, Status status, bool now)
{
    mark_.position = position;
    mark_.status = status;
    expected_ += octets;
    dirty_ = true;
    const auto time = now_nanoseconds();
    const auto pause = std::clamp((time - begun_at_) / 4, shortest_pause, longest_pause);
    return now || time - saved_at_ >= pause ? save() : Result<void>{};
}

Result<void> Resume::finish(const Position& position, Status status)
{
    mark_.finished = true;
    return wrote(position, 0, status, true);
}

Result<void> Resume::save()
{
    if (mark_.to_file) {
        struct stat st {};
        if (::fstat(out_fd_, &st) != 0)
            return fail_errno(errno, "cannot look at standard output");
        if (static_cast<std::uint64_t>(st.st_size) != expected_)
            return fail(Status::temp_fail, "something else writes to this output: it cannot be resumed");
        if (::fsync(out_fd_) != 0)
            return fail_errno(errno, "cannot flush standard output");
        mark_.output_octets = expected_;
    }
    auto file = fingerprint(mark_.position, in_fd_);
    if (!file)
        return pass(file);
    mark_.file = std::move(*file);
    if (dirty_ && ::access(path_.c_str(), F_OK) == 0) { // the first mark of a run takes FILE over
        const auto text = read_file(path_, 64U << 10);
        const auto there = text ? parse_mark(*text) : Result<Mark>(fail(Status::temp_fail, {}));
        if (!there || there->run != mark_.run)
            return fail(Status::temp_fail, path_ + " is written by another run, too");
    }
    if (auto written = write_durably(path_, mark_text(mark_)); !written)
        return written;
    dirty_ = false;
    saved_at_ = now_nanoseconds();
    return {};
}

} // namespace mgw::cli
