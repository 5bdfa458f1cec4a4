#include "lib/archive/backup.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::archive
{

namespace
{

constexpr std::size_t piece_octets = 1U << 20;

std::string parent_of(const std::string& path)
{
    return path.substr(0, path.rfind('/'));
}

/// Hex SHA-256 of the first `octets` of a file; Status::data when it is shorter.
Result<std::string> hash_file(int fd, const std::string& path, std::uint64_t octets)
{
    Sha256 hash;
    std::string piece(piece_octets, '\0');
    for (std::uint64_t at = 0; at < octets;) {
        const ssize_t n =
            ::pread(fd, piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, octets - at)),
                    static_cast<off_t>(at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(errno, "cannot read " + path);
        if (n == 0)
            return fail(Status::data, path + " is shorter than it should be");
        hash.add(std::string_view(piece).substr(0, static_cast<std::size_t>(n)));
        at += static_cast<std::uint64_t>(n);
    }
    return hex(hash.finish());
}

Result<Fd> open_file(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd)
        return fail_errno(errno, "cannot open " + path);
    return fd;
}

Result<void> fit(const std::string& path, const Manifest::Entry& entry)
{
    auto fd = open_file(path);
    if (!fd)
        return fail(Status::data, fd.error().message);
    struct stat st {};
    if (::fstat(fd->value(), &st) != 0 || !S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != entry.size)
        return fail(Status::data, path + " has not the size that the manifest says");
    auto hash = hash_file(fd->value(), path, entry.size);
    if (!hash)
        return pass(hash);
    if (*hash != entry.sha256)
        return fail(Status::data, path + " does not fit its SHA-256 in the manifest");
    return {};
}

/// Copies the first `octets` durably: temporary file, fsync, read back, rename, fsync of the folder. Returns the
/// SHA-256 of what was read back, which is that of what was written.
Result<std::string> copy(const std::string& from, const std::string& to, std::uint64_t octets, mode_t mode)
{
    auto source = open_file(from);
    if (!source)
        return pass(source);
    if (auto made = make_directories(parent_of(to)); !made)
        return pass(made);
    const auto temporary = to + ".tmp";
    const auto give_up = [&](std::unexpected<Error> error) -> Result<std::string> {
        ::unlink(temporary.c_str());
        return error;
    };
    ::unlink(temporary.c_str()); // of a run that was cut short
    Fd out(::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!out)
        return fail_errno(errno, "cannot create " + temporary);
    Sha256 hash;
    std::string piece(piece_octets, '\0');
    for (std::uint64_t at = 0; at < octets;) {
        const ssize_t n = ::pread(source->value(), piece.data(),
                                  static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, octets - at)),
                                  static_cast<off_t>(at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return give_up(n < 0 ? fail_errno(errno, "cannot read " + from)
                                 : fail(Status::data, from + " is shorter than it should be"));
        const auto view = std::string_view(piece).substr(0, static_cast<std::size_t>(n));
        hash.add(view);
        if (auto written = write_all(out.value(), view); !written)
            return give_up(fail(written.error().status, temporary + ": " + written.error().message));
        at += view.size();
    }
    if (::fchmod(out.value(), mode) != 0 || ::fsync(out.value()) != 0)
        return give_up(fail_errno(errno, "cannot flush " + temporary));
    ::posix_fadvise(out.value(), 0, 0, POSIX_FADV_DONTNEED); // what is read back shall come from the disk
    auto back = hash_file(out.value(), temporary, octets);
    if (!back)
        return give_up(pass(back));
    const auto wanted = hex(hash.finish());
    if (*back != wanted)
        return give_up(fail(Status::temp_fail, temporary + " does not read back as it was written"));
    if (::rename(temporary.c_str(), to.c_str()) != 0)
        return give_up(fail_errno(errno, "cannot rename to " + to));
    if (auto synced = sync_directory(parent_of(to)); !synced)
        return pass(synced);
    return wanted;
}

/// packs/2026/11/000001.pack for the copy of an open one, packs/2026/11/000001.pack.4096.
std::string pack_of(const std::string& path)
{
    const auto at = path.rfind(".pack");
    return at == std::string::npos ? path : path.substr(0, at + 5);
}

} // namespace

Result<Copied> backup(const std::string& archive, const std::string& to)
{
    Manifest before;
    if (::access((to + "/MANIFEST").c_str(), F_OK) == 0) {
        auto there = Manifest::read(to + "/MANIFEST");
        if (!there)
            return fail(there.error().status, there.error().message, "back up to a new folder, and look at this one");
        before = std::move(*there);
    } else if (!is_free(to) && ::access((to + "/packs").c_str(), F_OK) != 0) {
        return fail(Status::config, to + " is neither a backup nor empty", "name another folder with --to");
    }
    if (auto made = make_directories(to); !made)
        return pass(made);
    Copied out;
    Manifest after = before; // what the archive has lost stays in its backup
    std::vector<std::string> old;
    for (const auto& file : packs_of(archive)) {
        if (before.find(file.path) != nullptr) { // a sealed pack never changes
            ++out.packs;
            continue;
        }
        const auto checked = check_pack(archive, file);
        const auto has_before = std::ranges::find_if(
            before.entries, [&](const Manifest::Entry& entry) { return pack_of(entry.path) == file.path; });
        if (checked.bad()) {
            for (const auto& finding : checked.findings)
                if (!finding.torn)
                    out.findings.push_back(finding);
            continue;
        }
        if (checked.end <= pack_head_octets)
            continue; // nothing in it yet
        const auto path = checked.sealed ? file.path : file.path + "." + std::to_string(checked.end);
        ++out.packs;
        if (before.find(path) != nullptr)
            continue;
        if (has_before != before.entries.end() && has_before->size > checked.end) {
            out.findings.push_back({file.path, "is shorter than its copy, which stays"});
            continue;
        }
        auto hash = copy(archive + "/" + file.path, to + "/" + path, checked.end, checked.sealed ? 0444 : 0600);
        if (!hash)
            return pass(hash);
        ++out.copied;
        out.octets += checked.end;
        if (has_before != before.entries.end()) {
            old.push_back(has_before->path);
            std::erase_if(after.entries, [&](const Manifest::Entry& entry) { return entry.path == has_before->path; });
        }
        after.set({path, checked.end, *hash});
    }
    if (auto written = write_durably(to + "/MANIFEST", after.text(), 0600); !written)
        return pass(written);
    for (const auto& path : old)
        ::unlink((to + "/" + path).c_str());
    return out;
}

Result<Copied> restore(const std::string& from, const std::string& archive)
{
    if (archive.empty())
        return fail(Status::config, "there is no home directory for the archive", "name a folder with --archive");
    if (!is_free(archive))
        return fail(Status::config, archive + " is not empty", "restore into a new folder");
    if (::access((from + "/MANIFEST").c_str(), F_OK) != 0)
        return fail(Status::config, "no backup at " + from, "'mgw-archive backup --to DIR' makes one");
    auto manifest = Manifest::read(from + "/MANIFEST");
    if (!manifest)
        return pass(manifest);
    for (const auto& entry : manifest->entries)
        if (auto fits = fit(from + "/" + entry.path, entry); !fits)
            return pass(fits);
    for (const auto& folder : {archive, archive + "/packs", archive + "/index"})
        if (auto made = make_directories(folder); !made)
            return pass(made);
    Copied out;
    Manifest restored;
    for (const auto& entry : manifest->entries) {
        const auto path = pack_of(entry.path);
        const bool sealed = path == entry.path;
        auto hash = copy(from + "/" + entry.path, archive + "/" + path, entry.size, sealed ? 0444 : 0600);
        if (!hash)
            return pass(hash);
        if (*hash != entry.sha256)
            return fail(Status::data, entry.path + " changed while it was restored");
        restored.set({path, sealed ? entry.size : 0, sealed ? entry.sha256 : std::string{}});
        ++out.packs;
        ++out.copied;
        out.octets += entry.size;
    }
    if (auto written = write_durably(archive + "/manifest", restored.text(), 0600); !written)
        return pass(written);
    if (auto written = write_durably(archive + "/FORMAT", format_line, 0600); !written)
        return pass(written);
    return out;
}

} // namespace mgw::archive
