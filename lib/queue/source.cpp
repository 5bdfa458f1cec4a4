#include "lib/queue/scan.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::queue
{

namespace
{
/// Enough for a record's head and a usual envelope in one call.
constexpr std::size_t least_window = 4096;
} // namespace

Result<FileSource> FileSource::open(const std::string& path)
{
    FileSource source;
    source.fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat st {};
    if (!source.fd_ || ::fstat(source.fd_.value(), &st) != 0)
        return fail_errno(errno, "cannot open " + path);
    if (!S_ISREG(st.st_mode))
        return fail(Status::data, path + " is no regular file");
    source.size_ = static_cast<std::uint64_t>(st.st_size);
    return source;
}

Result<std::string_view> FileSource::read(std::uint64_t offset, std::size_t count)
{
    if (offset >= size_)
        return std::string_view{};
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - offset));
    if (offset < window_offset_ || offset + count > window_offset_ + window_.size()) {
        window_.resize(
            static_cast<std::size_t>(std::min<std::uint64_t>(std::max(count, least_window), size_ - offset)));
        window_offset_ = offset;
        std::size_t have = 0;
        while (have < window_.size()) {
            const ssize_t n =
                ::pread(fd_.value(), window_.data() + have, window_.size() - have, static_cast<off_t>(offset + have));
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0) {
                const int code = errno;
                window_.clear();
                return fail_errno(code, "cannot read the spool");
            }
            if (n == 0)
                break;
            have += static_cast<std::size_t>(n);
        }
        window_.resize(have);
    }
    return std::string_view(window_).substr(static_cast<std::size_t>(offset - window_offset_), count);
}

std::uint64_t FileSource::next_data(std::uint64_t offset)
{
    if (offset >= size_)
        return size_;
    const off_t data = ::lseek(fd_.value(), static_cast<off_t>(offset), SEEK_DATA);
    if (data >= 0)
        return static_cast<std::uint64_t>(data);
    return errno == ENXIO ? size_ : offset;
}

} // namespace mgw::queue
