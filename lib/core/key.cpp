#include "lib/core/key.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/random.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw
{

namespace
{

constexpr std::size_t key_octets = 32;

Result<std::string> read_key(const std::string& path)
{
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!fd) {
        if (errno == ENOENT)
            return std::string{};
        auto error = fail_errno(errno, "cannot open the key " + path);
        error.error().status = Status::config;
        return error;
    }
    struct stat st {};
    if (::fstat(fd.value(), &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || st.st_uid != ::geteuid())
        return fail(Status::config, "the key " + path + " can be read by others or is not yours", "chmod 600 " + path);
    auto key = read_all(fd.value(), key_octets + 1);
    if (!key || key->size() != key_octets)
        return fail(Status::config, "the key " + path + " is not 32 octets long", "remove it and a new one is made");
    return key;
}

} // namespace

std::string state_directory()
{
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && state[0] == '/')
        return std::string(state) + "/mgw";
    if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/')
        return std::string(home) + "/.local/state/mgw";
    return {};
}

Result<std::string> load_key(const std::string& path)
{
    const std::string directory =
        path.empty() ? state_directory()
                     : path.substr(0, path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
    if (path.empty() && directory.empty())
        return std::string{};
    const std::string file = path.empty() ? directory + "/key" : path;
    auto key = read_key(file);
    if (!key || !key->empty())
        return key;
    if (!directory.empty())
        if (auto made = make_directories(directory); !made)
            return path.empty() ? Result<std::string>(std::string{})
                                : pass(made); // a home that cannot be written is no home
    Random random;
    const std::string temporary = file + "." + random.word(12);
    const Fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!fd)
        return path.empty() ? Result<std::string>(std::string{})
                            : Result<std::string>(fail_errno(errno, "cannot create the key " + file));
    auto written = write_all(fd.value(), random.octets(key_octets));
    if (written && ::fsync(fd.value()) != 0)
        written = fail_errno(errno, "cannot flush " + temporary);
    // of two first users one wins the link; both read the winner's key
    if (written && ::link(temporary.c_str(), file.c_str()) != 0 && errno != EEXIST)
        written = fail_errno(errno, "cannot make the key " + file);
    ::unlink(temporary.c_str());
    if (!written)
        return pass(written);
    return read_key(file);
}

} // namespace mgw
