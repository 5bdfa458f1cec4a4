#include "lib/cli/operands.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/handle.hpp"
#include "lib/core/hash.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <unordered_set>

namespace mgw::cli
{

namespace
{

using Directory = Handle<DIR, ::closedir>;

std::unexpected<Error> unreadable(int code, const std::string& what)
{
    auto error = fail_errno(code, what);
    error.error().status = Status::data;
    return error;
}

bool is_folder(const std::string& path)
{
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

bool is_number(std::string_view name)
{
    return !name.empty() && name.size() <= 18 && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

/// Calls `each(name, type)` for each entry but . and ..
template <class Each> Result<void> each_entry(const std::string& path, Each each)
{
    const Directory directory{::opendir(path.c_str())};
    if (!directory)
        return unreadable(errno, "cannot read the folder " + path);
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(directory.get());
        if (entry == nullptr)
            return errno == 0 ? Result<void>{} : Result<void>(unreadable(errno, "cannot read the folder " + path));
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..")
            continue;
        auto gone_on = each(name, entry->d_type);
        if (!gone_on)
            return pass(gone_on);
        if (!*gone_on)
            return {};
    }
}

enum class Entry : char { file, folder, other };

/// What an entry is; a link counts as what it leads to. One that leads nowhere is a file: opening it tells.
Entry entry_of(const std::string& folder, std::string_view name, unsigned char type)
{
    const auto is = [](bool file, bool directory) {
        return file ? Entry::file : (directory ? Entry::folder : Entry::other);
    };
    if (type != DT_LNK && type != DT_UNKNOWN)
        return is(type == DT_REG, type == DT_DIR);
    struct stat st {};
    if (::stat((folder + "/" + std::string(name)).c_str(), &st) != 0)
        return Entry::file;
    return is(S_ISREG(st.st_mode), S_ISDIR(st.st_mode));
}

Result<OperandKind> folder_kind(const std::string& path)
{
    if (is_folder(path + "/cur") || is_folder(path + "/new"))
        return OperandKind::maildir;
    struct stat st {};
    if (::stat((path + "/.mh_sequences").c_str(), &st) == 0)
        return OperandKind::mh;
    bool numbers = false;
    bool others = false;
    auto looked = each_entry(path, [&](std::string_view name, unsigned char type) -> Result<bool> {
        if (name.starts_with("."))
            return true;
        if (entry_of(path, name, type) == Entry::file)
            (is_number(name) ? numbers : others) = true;
        return !others;
    });
    if (!looked)
        return pass(looked);
    return numbers && !others ? OperandKind::mh : OperandKind::folder;
}

/// A Maildir's file without flags: what stays the same all its life.
std::string_view unique_name(std::string_view name)
{
    return name.substr(0, name.find(':'));
}

constexpr const char* maildir_folders[] = {"/new/", "/cur/"};

/// When the folders of a Maildir were last changed.
using Changed = std::array<std::pair<time_t, long>, 2>;
Changed changed(const std::string& path)
{
    Changed out{};
    for (std::size_t i = 0; i < out.size(); ++i)
        if (struct stat st{}; ::stat((path + maildir_folders[i]).c_str(), &st) == 0)
            out[i] = {st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
    return out;
}

/// Whether a change from now on will show in the times: they may be as coarse as a kernel's tick.
bool is_past(const Changed& changed)
{
    constexpr long tick_ns = 50'000'000;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::ranges::all_of(changed, [&](const auto& one) {
        return (now.tv_sec - one.first) * 1'000'000'000L + (now.tv_nsec - one.second) > tick_ns;
    });
}

/// Calls `each(folder, name, type)` for each entry of new and cur. A name that is changed while a folder is read may
/// not be met: true if nothing was changed.
template <class Each> Result<bool> each_of_maildir(const std::string& path, Each each)
{
    const auto before = changed(path);
    const bool is_sure = is_past(before);
    for (const char* sub : maildir_folders) {
        const std::string folder = path + sub;
        if (!is_folder(folder))
            continue;
        auto gone_through = each_entry(folder, [&](std::string_view name, unsigned char type) -> Result<bool> {
            if (!name.starts_with("."))
                each(folder, name, type);
            return true;
        });
        if (!gone_through)
            return pass(gone_through);
    }
    return is_sure && changed(path) == before;
}

void pause_between_passes(int milliseconds)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

} // namespace

Result<OperandKind> operand_kind(const std::string& path)
{
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0)
        return unreadable(errno, "cannot open " + path);
    if (S_ISDIR(st.st_mode))
        return folder_kind(path);
    if (!S_ISREG(st.st_mode))
        return OperandKind::message;
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd)
        return unreadable(errno, "cannot open " + path);
    char first[256];
    const ssize_t n = ::pread(fd.value(), first, sizeof first, 0);
    if (n < 0)
        return unreadable(errno, "cannot read " + path);
    std::string_view begin(first, static_cast<std::size_t>(n));
    if (begin.empty()) // an mbox that was emptied
        return OperandKind::mbox;
    begin.remove_prefix(std::min(begin.find_first_not_of("\r\n"), begin.size()));
    return begin.starts_with("From ") ? OperandKind::mbox : OperandKind::message;
}

void Operands::link(std::string_view name)
{
    chain_ = sha256(chain_ + std::string(name) + '\0');
}

void Operands::add(const std::string& folder, std::string_view name, unsigned char type, bool in_new)
{
    const auto entry = entry_of(folder, name, type);
    if (entry == Entry::folder)
        return;
    order_.push_back({names_.size(), name.size(), in_new, entry == Entry::other});
    names_ += name;
}

/// A message that is given other flags while its folder is read may not be met: read again until nothing was changed,
/// or until nothing new is found for several times.
Result<void> Operands::list_maildir(const std::string& path)
{
    constexpr int most_passes = 20;
    constexpr int enough_quiet = 8;
    std::unordered_set<std::string> known;
    for (int passes = 0, quiet = 0; passes < most_passes && quiet < enough_quiet; ++passes, ++quiet) {
        if (passes == 1)
            for (const auto& name : order_)
                known.emplace(unique_name(text(name)));
        if (passes > 0)
            pause_between_passes(1);
        auto calm = each_of_maildir(path, [&](const std::string& folder, std::string_view name, unsigned char type) {
            if (passes > 0 && !known.emplace(unique_name(name)).second)
                return;
            add(folder, name, type, folder.ends_with(maildir_folders[0]));
            quiet = passes == 0 ? quiet : -1;
        });
        if (!calm)
            return pass(calm);
        if (*calm)
            break;
    }
    return {};
}

/// Of entries with one unique name those that are files of their own; one at least.
void Operands::join(const std::string& path)
{
    std::vector<Name> joined;
    joined.reserve(order_.size());
    for (std::size_t i = 0, end = 0; i < order_.size(); i = end) {
        const auto unique = unique_name(text(order_[i]));
        for (end = i + 1; end < order_.size() && unique_name(text(order_[end])) == unique; ++end) {
        }
        std::set<std::pair<dev_t, ino_t>> files;
        for (std::size_t k = i; end - i > 1 && k < end; ++k) {
            struct stat st {};
            const auto file = path + maildir_folders[order_[k].in_new ? 0 : 1] + std::string(text(order_[k]));
            if (::lstat(file.c_str(), &st) == 0 && files.emplace(st.st_dev, st.st_ino).second)
                joined.push_back(order_[k]);
        }
        if (files.empty())
            joined.push_back(order_[end - 1]);
    }
    order_ = std::move(joined);
}

std::string_view Operands::text(const Name& name) const
{
    return std::string_view(names_).substr(name.begin, name.length);
}

Result<void> Operands::list(const std::string& path)
{
    names_.clear();
    order_.clear();
    at_ = 0;
    moved_.clear();
    moved_is_whole_ = false;
    auto listed = kind_ == OperandKind::maildir
                      ? list_maildir(path)
                      : each_entry(path, [&](std::string_view name, unsigned char type) -> Result<bool> {
                            if (!name.starts_with(".") && (kind_ != OperandKind::mh || is_number(name)))
                                add(path, name, type, false);
                            return true;
                        });
    if (!listed)
        return listed;
    std::ranges::sort(order_, [&](const Name& a, const Name& b) {
        const auto left = text(a);
        const auto right = text(b);
        if (kind_ == OperandKind::mh) { // as numbers
            const auto l = left.substr(std::min(left.find_first_not_of('0'), left.size()));
            const auto r = right.substr(std::min(right.find_first_not_of('0'), right.size()));
            if (l != r)
                return l.size() != r.size() ? l.size() < r.size() : l < r;
        } else if (kind_ == OperandKind::maildir && unique_name(left) != unique_name(right)) {
            return unique_name(left) < unique_name(right);
        }
        return left < right;
    });
    if (kind_ == OperandKind::maildir)
        join(path);
    return {};
}

Result<std::optional<Source>> Operands::next()
{
    for (;;) {
        if (at_ < order_.size()) {
            const Name& n = order_[at_++];
            const auto name = text(n);
            link(kind_ == OperandKind::maildir ? unique_name(name) : name);
            ++count_;
            const char* sub = kind_ == OperandKind::maildir ? (n.in_new ? "/new/" : "/cur/") : "/";
            return Source{folder_ + sub + std::string(name), kind_ != OperandKind::folder,
                          kind_ == OperandKind::maildir, true, n.is_other != 0};
        }
        if (operand_ == operands_.size())
            return std::nullopt;
        const std::string& operand = operands_[operand_++];
        link(operand);
        if (!is_folder(operand)) {
            ++count_;
            return Source{operand};
        }
        auto kind = folder_kind(operand);
        if (!kind)
            return pass(kind);
        kind_ = *kind;
        folder_ = operand;
        if (auto listed = list(operand); !listed)
            return pass(listed);
    }
}

Operands::Operands(std::vector<std::string> operands) : operands_(std::move(operands))
{
    for (std::size_t i = 0; i < operands_.size(); ++i)
        if (is_folder(operands_[i]))
            after_last_folder_ = i + 1;
}

std::optional<std::uint64_t> Operands::total() const
{
    if (operand_ < after_last_folder_)
        return std::nullopt;
    return count_ + (order_.size() - at_) + (operands_.size() - operand_);
}

Result<std::optional<std::string>> Operands::find_moved(const std::string& path)
{
    const std::string wanted(unique_name(std::string_view(path).substr(path.rfind('/') + 1)));
    const auto known = moved_.find(wanted);
    if (known != moved_.end() && known->second != path)
        return known->second;
    if (known == moved_.end() && moved_is_whole_)
        return std::nullopt;
    constexpr int most_passes = 20;
    moved_.clear();
    for (int passes = 0; passes < most_passes; ++passes) {
        if (passes > 0)
            pause_between_passes(10);
        auto calm = each_of_maildir(folder_, [&](const std::string& folder, std::string_view name, unsigned char) {
            moved_.insert_or_assign(std::string(unique_name(name)), folder + std::string(name));
        });
        if (!calm)
            return pass(calm);
        moved_is_whole_ = *calm;
        if (const auto found = moved_.find(wanted); found != moved_.end())
            return found->second;
        if (*calm)
            return std::nullopt;
    }
    return fail(Status::temp_fail, path + " is not where it was, and its folder changes too fast to find it");
}

} // namespace mgw::cli
