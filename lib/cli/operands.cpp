#include "lib/cli/operands.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/handle.hpp"
#include "lib/core/hash.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/// Whether an entry is a file: a link counts as what it leads to. Status::data for one that leads nowhere.
Result<bool> is_file(const std::string& folder, std::string_view name, unsigned char type)
{
    if (type == DT_REG)
        return true;
    if (type != DT_LNK && type != DT_UNKNOWN)
        return false;
    const std::string path = folder + "/" + std::string(name);
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0)
        return unreadable(errno, "cannot read " + path);
    return S_ISREG(st.st_mode);
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
        auto file = is_file(path, name, type);
        if (!file)
            return pass(file);
        if (*file)
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

Result<void> Operands::list(const std::string& path)
{
    names_.clear();
    order_.clear();
    at_ = 0;
    const auto add_all = [&](const std::string& folder, bool in_new) {
        return each_entry(folder, [&](std::string_view name, unsigned char type) -> Result<bool> {
            if (name.starts_with(".") || (kind_ == OperandKind::mh && !is_number(name)))
                return true;
            auto file = is_file(folder, name, type);
            if (!file)
                return pass(file);
            if (!*file)
                return true;
            order_.push_back({names_.size(), name.size(), in_new});
            names_ += name;
            return true;
        });
    };
    if (kind_ == OperandKind::maildir) {
        for (const char* sub : {"new", "cur"})
            if (is_folder(path + "/" + sub))
                if (auto added = add_all(path + "/" + sub, *sub == 'n'); !added)
                    return added;
    } else if (auto added = add_all(path, false); !added) {
        return added;
    }
    const auto text = [&](const Name& n) { return std::string_view(names_).substr(n.begin, n.length); };
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
    // a file that moved to cur while the folders were read stands in both lists
    const auto gone = [&](const Name& n) {
        return n.in_new && ::access((path + "/new/" + std::string(text(n))).c_str(), F_OK) != 0;
    };
    if (kind_ == OperandKind::maildir)
        for (std::size_t i = 0; i + 1 < order_.size(); ++i)
            for (const std::size_t k : {i, i + 1})
                if (unique_name(text(order_[i])) == unique_name(text(order_[i + 1])) && gone(order_[k])) {
                    order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(k));
                    break;
                }
    return {};
}

Result<std::optional<Source>> Operands::next()
{
    for (;;) {
        if (at_ < order_.size()) {
            const Name& n = order_[at_++];
            const auto name = std::string_view(names_).substr(n.begin, n.length);
            link(kind_ == OperandKind::maildir ? unique_name(name) : name);
            ++count_;
            const char* sub = kind_ == OperandKind::maildir ? (n.in_new ? "/new/" : "/cur/") : "/";
            return Source{folder_ + sub + std::string(name), kind_ != OperandKind::folder,
                          kind_ == OperandKind::maildir};
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

std::optional<std::string> find_moved(const std::string& path)
{
    const auto slash = path.rfind('/');
    const auto above = path.rfind('/', slash - 1);
    const std::string wanted(unique_name(std::string_view(path).substr(slash + 1)));
    for (const char* sub : {"/cur", "/new"}) {
        const std::string folder = path.substr(0, above) + sub;
        std::optional<std::string> found;
        (void)each_entry(folder, [&](std::string_view name, unsigned char) -> Result<bool> {
            if (unique_name(name) == wanted)
                found = folder + "/" + std::string(name);
            return !found;
        });
        if (found)
            return found;
    }
    return std::nullopt;
}

} // namespace mgw::cli
