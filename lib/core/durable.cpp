#include "lib/core/durable.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/random.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw
{

namespace
{

std::string parent_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

Result<void> sync_directory(const std::string& path)
{
    const Fd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd)
        return fail_errno(errno, "cannot open the folder " + path);
    if (::fsync(fd.value()) != 0)
        return fail_errno(errno, "cannot flush the folder " + path);
    return {};
}

Result<void> write_durably(const std::string& path, std::string_view octets, mode_t mode)
{
    Random random;
    const std::string temporary = path + ".tmp." + random.word(12);
    const auto give_up = [&](int code, const std::string& what) -> Result<void> {
        ::unlink(temporary.c_str());
        return fail_errno(code, what + " " + path);
    };
    Fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
    if (!fd)
        return fail_errno(errno, "cannot create " + temporary);
    if (auto written = write_all(fd.value(), octets); !written) {
        ::unlink(temporary.c_str());
        return fail(Status::temp_fail, path + ": " + written.error().message);
    }
    if (::fsync(fd.value()) != 0)
        return give_up(errno, "cannot flush");
    if (::close(fd.release()) != 0)
        return give_up(errno, "cannot close");
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        return give_up(errno, "cannot rename to");
    return sync_directory(parent_of(path));
}

Result<void> make_directories(const std::string& path, mode_t mode)
{
    if (path.size() > 1 && path.ends_with('/')) // "a/b/" would else get the mode of a parent
        return make_directories(path.substr(0, std::max<std::size_t>(path.find_last_not_of('/') + 1, 1)), mode);
    if (::mkdir(path.c_str(), mode) == 0)
        return sync_directory(parent_of(path));
    if (errno == EEXIST) {
        struct stat st {};
        if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
            return {};
        return fail(Status::config, path + " is not a folder");
    }
    if (errno != ENOENT || parent_of(path) == path)
        return fail_errno(errno, "cannot make the folder " + path);
    if (auto parent = make_directories(parent_of(path), 0755); !parent)
        return parent;
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot make the folder " + path);
    return sync_directory(parent_of(path));
}

} // namespace mgw
