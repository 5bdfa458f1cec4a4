#include "lib/queue/lane.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/random.hpp"
#include "lib/queue/scan.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace mgw::queue
{

namespace
{

constexpr std::uint64_t first_allocation = 256U << 10;
constexpr std::uint64_t largest_allocation = 8U << 20;

bool set_lock(int fd)
{
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/// Someone else's lock. An open file description lock can be asked for without taking it.
bool is_locked(int fd)
{
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool means_no_space(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

} // namespace

std::string lane_path(const std::string& spool, unsigned lane)
{
    return spool + "/lanes/" + (lane < 10 ? "0" : "") + std::to_string(lane);
}

std::string segment_path(const std::string& spool, unsigned lane, std::uint64_t sequence)
{
    return lane_path(spool, lane) + "/" + id_text(sequence) + ".seg";
}

std::vector<std::uint64_t> segments_of(const std::string& spool, unsigned lane)
{
    std::vector<std::uint64_t> found;
    std::error_code error;
    for (std::filesystem::directory_iterator at(lane_path(spool, lane), error), end; !error && at != end;
         at.increment(error)) {
        const auto name = at->path().filename().string();
        if (name.size() == 20 && name.ends_with(".seg"))
            if (const auto sequence = parse_id(name.substr(0, 16)))
                found.push_back(*sequence);
    }
    std::ranges::sort(found);
    return found;
}

LaneMark read_mark(const std::string& spool, unsigned lane)
{
    LaneMark mark;
    const Fd fd(::open((lane_path(spool, lane) + "/lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd)
        return mark;
    mark.writer_lives = is_locked(fd.value());
    std::array<char, 50> text{};
    if (::pread(fd.value(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return mark;
    const std::string_view view(text.data(), text.size());
    mark.sequence = parse_id(view.substr(0, 16)).value_or(0);
    mark.flushed = parse_id(view.substr(17, 16)).value_or(0);
    mark.last_id = parse_id(view.substr(34, 16)).value_or(0);
    return mark;
}

std::optional<Fd> Lane::lock(const std::string& spool, unsigned lane)
{
    Fd fd(::open((lane_path(spool, lane) + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd || !set_lock(fd.value()))
        return std::nullopt;
    return fd;
}

Result<Lane> Lane::open(const std::string& spool, const LaneOptions& options)
{
    ::signal(SIGXFSZ, SIG_IGN); // a file size limit is a full disk, not the end of the process
    Lane lane(spool, options);
    for (unsigned i = 0; i < lane_count && !lane.lock_; ++i) {
        const unsigned number = options.from_top ? lane_count - 1 - i : i;
        const std::string path = lane_path(spool, number);
        if (auto made = make_directories(path); !made)
            return pass(made);
        Fd fd(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!fd)
            return fail_errno(errno, "cannot open " + path + "/lock");
        if (!set_lock(fd.value())) {
            if (errno != EAGAIN && errno != EACCES)
                return fail_errno(errno, "cannot lock " + path + "/lock");
            continue;
        }
        lane.lock_ = std::move(fd);
        lane.number_ = number;
    }
    if (!lane.lock_)
        return fail(Status::temp_fail, "all " + std::to_string(lane_count) + " lanes of " + spool + " have a writer",
                    "run fewer writers on one spool");
    if (auto resumed = lane.resume(); !resumed)
        return pass(resumed);
    return lane;
}

/// Goes on in the lane's last segment when it ends cleanly; else the first commit begins a new one.
Result<void> Lane::resume()
{
    last_id_ = read_mark(spool_, number_).last_id;
    const auto sequences = segments_of(spool_, number_);
    if (sequences.empty())
        return {};
    head_.sequence = sequences.back();
    const std::string path = segment_path(spool_, number_, sequences.back());
    auto source = FileSource::open(path);
    if (!source)
        return {};
    const auto head = read_segment_head(*source);
    if (!head)
        return {};
    const auto scanned = scan(*source, *head);
    last_id_ = std::max(last_id_, head->floor);
    for (const auto& found : scanned.records)
        if (id_lane(found.head.id) == number_)
            last_id_ = std::max(last_id_, found.head.id);
    if (!scanned.clean_end || !scanned.damages.empty() || scanned.next + first_allocation > options_.segment_octets)
        return {};
    Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    // What a writer that died had not flushed is whole and counts from now on.
    if (!fd || ::fdatasync(fd.value()) != 0)
        return {};
    segment_ = std::move(fd);
    head_ = *head;
    end_ = flushed_ = scanned.next;
    allocated_ = source->size();
    publish();
    return {};
}

Id Lane::next_id()
{
    const std::uint64_t tick = microseconds(options_.clock.now()) / 16;
    Id id = tick << 16 | static_cast<Id>(number_) << 8;
    if (id <= last_id_) {
        id = last_id_ + 1;
        if ((id & 0xFF00U) >> 8 != number_) // the counter is used up
            id = ((last_id_ >> 16) + 1) << 16 | static_cast<Id>(number_) << 8;
    }
    return last_id_ = id;
}

std::unexpected<Error> Lane::failed(int code, const std::string& what)
{
    no_space_ = means_no_space(code);
    return fail_errno(code, what);
}

Result<void> Lane::begin_segment(std::uint64_t first_octets)
{
    const std::uint64_t now = microseconds(options_.clock.now());
    SegmentHead head{.lane = number_,
                     .sequence = std::max(now, head_.sequence + 1),
                     .created_us = now,
                     .floor = last_id_,
                     .salt = static_cast<std::uint32_t>(Random{}.next())};
    const std::string path = segment_path(spool_, number_, head.sequence);
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd)
        return failed(errno, "cannot create " + path);
    segment_ = std::move(fd);
    allocated_ = end_ = 0;
    head_ = head;
    const auto give_up = [&](std::unexpected<Error> error) -> Result<void> {
        segment_.reset();
        ::unlink(path.c_str());
        return error;
    };
    if (auto reserved = reserve(segment_head_octets + first_octets); !reserved)
        return give_up(pass(reserved));
    const std::string octets = encode(head_);
    if (::pwrite(segment_.value(), octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
        return give_up(failed(errno, "cannot write " + path));
    if (::fdatasync(segment_.value()) != 0)
        return give_up(failed(errno, "cannot flush " + path));
    if (auto synced = sync_directory(lane_path(spool_, number_)); !synced)
        return give_up(pass(synced));
    end_ = flushed_ = segment_head_octets;
    publish();
    return {};
}

/// Allocates ahead, so that a full disk is noticed before anything is written.
Result<void> Lane::reserve(std::uint64_t octets)
{
    if (end_ + octets <= allocated_)
        return {};
    const std::uint64_t ahead = std::clamp(allocated_, first_allocation, largest_allocation);
    const std::uint64_t room = options_.segment_octets > allocated_ ? options_.segment_octets - allocated_ : 0;
    for (const std::uint64_t grow :
         {std::max(end_ + octets - allocated_, std::min(ahead, room)), end_ + octets - allocated_}) {
        const auto from = static_cast<off_t>(allocated_);
        int result = ::fallocate(segment_.value(), 0, from, static_cast<off_t>(grow));
        if (result != 0 && errno == EOPNOTSUPP)
            result = ::ftruncate(segment_.value(), from + static_cast<off_t>(grow));
        if (result == 0) {
            allocated_ += grow;
            return {};
        }
    }
    return failed(errno, "cannot allocate space in " + segment_path(spool_, number_, head_.sequence));
}

Result<void> Lane::commit(std::vector<Group>& groups)
{
    no_space_ = false;
    std::uint64_t octets = 0;
    for (const auto& group : groups)
        for (const auto& write : group) {
            if (write.header.size() > max_record_header || write.body.size() > max_record_body)
                return fail(Status::data, "a message is too large for the spool");
            octets += RecordHead{.body_octets = write.body.size(),
                                 .header_octets = static_cast<std::uint32_t>(write.header.size())}
                          .total_octets();
        }
    if (segment_ && end_ + octets > options_.segment_octets && end_ > segment_head_octets)
        segment_.reset();
    if (!segment_)
        if (auto begun = begin_segment(octets); !begun)
            return begun;
    if (auto reserved = reserve(octets); !reserved)
        return reserved;
    if (auto appended = append(groups); !appended) {
        abandon(flushed_);
        return appended;
    }
    if (auto done = flush(); !done) {
        // The kernel marks pages clean after a failed flush: trying again would report success for octets that are
        // gone.
        abandon(flushed_);
        return done;
    }
    return {};
}

Result<void> Lane::append(std::vector<Group>& groups)
{
    const std::uint64_t now = microseconds(options_.clock.now());
    std::vector<std::string> pieces; // heads and tails by turns
    std::vector<iovec> parts;
    std::size_t records = 0;
    for (const auto& group : groups)
        records += group.size();
    pieces.reserve(records * 2);
    parts.reserve(records * 4);
    const auto add = [&](std::string_view octets) {
        if (!octets.empty())
            parts.push_back({const_cast<char*>(octets.data()), octets.size()}); // NOLINT: writev does not write there
    };
    for (auto& group : groups)
        for (auto& write : group) {
            if (write.id == 0)
                write.id = next_id();
            const RecordHead head{.type = write.type,
                                  .first = &write == &group.front(),
                                  .more = &write != &group.back(),
                                  .id = write.id,
                                  .time_us = std::max(now, write.not_before_us),
                                  .durable = flushed_,
                                  .body_octets = write.body.size(),
                                  .header_octets = static_cast<std::uint32_t>(write.header.size())};
            add(pieces.emplace_back(encode(head, write.header, head_.salt)));
            add(write.header);
            add(write.body);
            add(pieces.emplace_back(encode_tail(head, write.body, head_.salt)));
        }
    std::size_t done = 0;
    std::uint64_t at = end_;
    while (done < parts.size()) {
        const auto count = static_cast<int>(std::min<std::size_t>(parts.size() - done, IOV_MAX));
        ssize_t n = ::pwritev(segment_.value(), &parts[done], count, static_cast<off_t>(at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(n < 0 ? errno : EIO, "cannot write " + segment_path(spool_, number_, head_.sequence));
        at += static_cast<std::uint64_t>(n);
        for (; done < parts.size() && static_cast<std::size_t>(n) >= parts[done].iov_len; ++done)
            n -= static_cast<ssize_t>(parts[done].iov_len);
        if (n > 0) {
            parts[done].iov_base = static_cast<char*>(parts[done].iov_base) + n;
            parts[done].iov_len -= static_cast<std::size_t>(n);
        }
    }
    end_ = at;
    return {};
}

Result<void> Lane::flush()
{
    const auto begin = std::chrono::steady_clock::now();
    if (::fdatasync(segment_.value()) != 0)
        return failed(errno, "cannot flush " + segment_path(spool_, number_, head_.sequence));
    flush_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    flushed_ = end_;
    publish();
    return {};
}

/// Tells readers how far they may look. It is a hint that the next flush renews: a failure costs them time, no message.
void Lane::publish()
{
    const std::string mark = id_text(head_.sequence) + " " + id_text(flushed_) + " " + id_text(last_id_) + "\n";
    [[maybe_unused]] const auto n = ::pwrite(lock_.value(), mark.data(), mark.size(), 0);
}

/// Cuts off what was never acknowledged, so that no later reader takes it for a message, and leaves the segment.
void Lane::abandon(std::uint64_t keep)
{
    [[maybe_unused]] const int cut = ::ftruncate(segment_.value(), static_cast<off_t>(keep));
    segment_.reset();
}

} // namespace mgw::queue
