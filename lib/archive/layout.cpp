#include "lib/archive/layout.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/key.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::archive
{

namespace fs = std::filesystem;

std::string default_archive()
{
    const auto state = state_directory();
    return state.empty() ? state : state + "/archive";
}

Result<void> require_archive(const std::string& path)
{
    if (path.empty())
        return fail(Status::config, "there is no home directory for the archive", "name a folder with --archive");
    const auto format = read_file(path + "/FORMAT", 4096);
    if (!format)
        return fail(Status::config, "no archive at " + path, "name one with --archive; 'mgw-archive add' makes it");
    if (*format != format_line)
        return fail(Status::config, path + " is an archive of another format",
                    "this program reads the format of mgw-archive(5) whose file FORMAT says 'mgw-archive 1'");
    return {};
}

bool is_free(const std::string& path)
{
    std::error_code error;
    if (!fs::exists(path, error))
        return !error;
    return fs::is_directory(path, error) && fs::is_empty(path, error) && !error;
}

Result<void> make_archive(const std::string& path)
{
    std::error_code error;
    if (path.empty() || ::access((path + "/FORMAT").c_str(), F_OK) == 0)
        return require_archive(path);
    if (!is_free(path) && !fs::exists(path + "/packs", error))
        return fail(Status::config, path + " is neither an archive nor empty", "name another folder with --archive");
    for (const auto& folder : {path, path + "/packs", path + "/index"})
        if (auto made = make_directories(folder); !made)
            return made;
    return write_durably(path + "/FORMAT", format_line, 0600);
}

std::vector<PackFile> packs_of(const std::string& archive)
{
    std::vector<PackFile> out;
    std::error_code error;
    for (fs::recursive_directory_iterator at(archive + "/packs", error), end; !error && at != end;
         at.increment(error)) {
        const auto path = at->path().lexically_relative(archive).string(); // packs/2026/11/000001.pack
        if (path.size() != 25 || !path.ends_with(".pack") || at.depth() != 2)
            continue;
        const auto number = parse_number(std::string_view(path).substr(14, 6));
        struct stat st {};
        if (!number || ::lstat(at->path().c_str(), &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        out.push_back({.number = static_cast<std::uint32_t>(*number),
                       .path = path,
                       .month = path.substr(6, 7),
                       .size = static_cast<std::uint64_t>(st.st_size),
                       .sealed = (st.st_mode & 0222U) == 0});
    }
    std::ranges::sort(out, {}, &PackFile::path);
    std::ranges::stable_sort(out, {}, &PackFile::number);
    return out;
}

std::string pack_path(std::uint32_t number, const std::string& month)
{
    return fmt::format("packs/{}/{:06}.pack", month, number);
}

std::string month_of(Time time)
{
    const auto text = rfc3339(time);
    return text.substr(0, 4) + "/" + text.substr(5, 2);
}

std::uint64_t microseconds(Time time)
{
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    return us > 0 ? static_cast<std::uint64_t>(us) : 0;
}

Time from_microseconds(std::uint64_t us)
{
    constexpr std::uint64_t last_us = 253402300799ULL * 1'000'000; // the year 9999
    return Time{std::chrono::duration_cast<Time::duration>(
        std::chrono::microseconds(std::min(us, std::min<std::uint64_t>(last_us, INT64_MAX / 1000))))};
}

bool lock(int fd, bool waits)
{
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    int result = -1;
    do
        result = ::fcntl(fd, waits ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

Result<Fd> lock_archive(const std::string& archive)
{
    const auto path = archive + "/lock";
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || !lock(fd.value(), true))
        return fail_errno(errno, "cannot lock " + path);
    return fd;
}

} // namespace mgw::archive
