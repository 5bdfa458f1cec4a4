#include "lib/smtp/lane_writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/uio.h>
#include <utility>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t vector_limit = 256;

std::size_t frame_size(const LaneFrame& frame)
{
    auto octets = frame.head.size() + frame.tail.size();
    for (const auto piece : frame.pieces)
        octets += piece.size();
    return octets;
}

struct Gather {
    std::array<iovec, vector_limit> parts{};
    std::size_t count = 0;
    std::size_t skip = 0; ///< octets to leave out at the front

    void add(std::string_view octets)
    {
        const auto skipped = std::min(skip, octets.size());
        skip -= skipped;
        octets.remove_prefix(skipped);
        if (!octets.empty() && count < parts.size())
            parts[count++] = {const_cast<char*>(octets.data()), octets.size()};
    }
};

} // namespace

Result<bool> LaneWriter::flush(int fd)
{
    while (!frames_.empty()) {
        Gather gather;
        gather.skip = offset_;
        for (const auto& frame : frames_) {
            gather.add(frame.head);
            for (const auto piece : frame.pieces)
                gather.add(piece);
            gather.add(frame.tail);
            if (gather.count == vector_limit)
                break;
        }
        const ssize_t n = ::writev(fd, gather.parts.data(), static_cast<int>(gather.count));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0)
            return fail_errno(errno, "cannot write to the lane");
        written(static_cast<std::size_t>(n));
    }
    return true;
}

void LaneWriter::written(std::size_t octets)
{
    offset_ += octets;
    while (!frames_.empty() && offset_ >= frame_size(frames_.front())) {
        offset_ -= frame_size(frames_.front());
        frames_.pop_front();
    }
}

std::deque<LaneFrame> LaneWriter::take_unwritten()
{
    if (offset_ > 0)
        frames_.pop_front();
    offset_ = 0;
    return std::exchange(frames_, {});
}

bool LaneWriter::withdraw(const std::string& id)
{
    const auto found = std::ranges::find(frames_, id, &LaneFrame::id);
    if (found == frames_.end() || (found == frames_.begin() && offset_ > 0))
        return false;
    frames_.erase(found);
    return true;
}

} // namespace mgw::smtp
