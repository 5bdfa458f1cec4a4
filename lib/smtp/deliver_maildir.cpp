#include "lib/smtp/deliver_maildir.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/random.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

Outcome trouble(int code, const std::string& what)
{
    const bool full = code == ENOSPC || code == EDQUOT;
    return {full ? 452 : 451, full ? "4.3.1" : "4.3.0", what + ": " + std::strerror(code), {}};
}

/// time.MmicrosPpidQsequenceRrandom.host,S=size: unique without a look at the folder.
std::string unique_name(const std::string& host, std::size_t octets)
{
    static std::atomic<unsigned> sequence{0};
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    return std::to_string(micros / 1000000) + ".M" + std::to_string(micros % 1000000) + "P" +
           std::to_string(::getpid()) + "Q" + std::to_string(sequence++) + "R" + Random{}.word(8) + "." + host +
           ",S=" + std::to_string(octets);
}

/// Slash and colon have a meaning in Maildir names.
std::string name_safe(std::string host)
{
    for (char& c : host)
        if (c == '/' || c == ':' || static_cast<unsigned char>(c) <= 32)
            c = '_';
    return host;
}

Result<void> make_maildir(const std::string& folder)
{
    for (const char* sub : {"", "/tmp", "/new", "/cur"}) {
        struct stat st {};
        const std::string path = folder + sub;
        if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
            continue;
        if (auto made = make_directories(path); !made)
            return made;
    }
    return {};
}

} // namespace

Result<void> Maildir::prepare() const
{
    for (const auto& folder : allowed_)
        if (auto made = make_directories(folder); !made)
            return fail(Status::config, "cannot make the folder " + folder + ": " + made.error().message,
                        "make it, or name another with --maildir");
    return {};
}

bool Maildir::is_allowed(const std::string& folder) const
{
    const auto parts = split(folder, '/');
    if (!folder.starts_with('/') || std::ranges::find(parts, "..") != parts.end())
        return false;
    return std::ranges::any_of(allowed_, [&](const std::string& a) {
        return folder == a || (folder.starts_with(a) && (a.ends_with('/') || folder[a.size()] == '/'));
    });
}

Outcome Maildir::deliver(const std::string& folder, const FinalMail& mail) const
{
    if (!is_allowed(folder))
        return {
            451, "4.3.5", "the folder " + printable_ascii(folder, 200) + " is not below one named by --maildir", {}};
    if (auto made = make_maildir(folder); !made)
        return {451, "4.3.0", printable_ascii(made.error().message), {}};

    const std::string octets = final_octets(mail);
    const std::string name = unique_name(name_safe(host_), octets.size());
    const std::string temporary = folder + "/tmp/" + name;
    const std::string final_name = folder + "/new/" + name;
    Fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd)
        return trouble(errno, "cannot write into " + folder + "/tmp");
    Outcome failed;
    if (auto written = write_all(fd.value(), octets); !written)
        failed = trouble(errno, "cannot write into " + folder + "/tmp");
    else if (::fsync(fd.value()) != 0)
        failed = trouble(errno, "cannot flush a message in " + folder + "/tmp");
    else if (::close(fd.release()) != 0) // where quotas of network file systems speak up
        failed = trouble(errno, "cannot close a message in " + folder + "/tmp");
    else if (!mail.may_commit())
        failed = too_late();
    else if (::rename(temporary.c_str(), final_name.c_str()) != 0)
        failed = trouble(errno, "cannot move a message into " + folder + "/new");
    if (failed.code != 0) {
        ::unlink(temporary.c_str());
        return failed;
    }
    if (auto flushed = sync_directory(folder + "/new"); !flushed)
        return {451, "4.3.0", printable_ascii(flushed.error().message) + "; the message may be there twice", {}};
    return {250, "2.0.0", "delivered", {}};
}

} // namespace mgw::smtp
