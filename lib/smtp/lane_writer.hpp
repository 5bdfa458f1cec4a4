#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <cstddef>
#include <deque>
#include <string>

namespace mgw::smtp
{

/// The one writer of a lane: whole frames, in order, as many as fit into one system call.
class LaneWriter {
public:
    void push(LaneFrame frame) { frames_.push_back(std::move(frame)); }
    bool empty() const { return frames_.empty(); }
    std::size_t size() const { return frames_.size(); }

    /// Writes what the descriptor takes without waiting. True when all is written, false when it must wait until the
    /// descriptor is ready. Status::temp_fail when nobody reads any more.
    Result<bool> flush(int fd);
    /// Takes a frame back of which nothing has been written. False when it is too late, or it is not here.
    bool withdraw(const std::string& id);
    /// Takes all frames back of which nothing has been written; one that was begun is dropped.
    std::deque<LaneFrame> take_unwritten();

private:
    void written(std::size_t octets);

    std::deque<LaneFrame> frames_;
    std::size_t offset_ = 0; // octets of the first frame that are written
};

} // namespace mgw::smtp
