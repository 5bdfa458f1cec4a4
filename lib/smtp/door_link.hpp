#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/door.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace mgw::smtp
{

struct DoorLinkOptions {
    std::chrono::milliseconds deadline{10'000}; ///< for an answer
    bool defers = false;           ///< without an answer: 4xx at connect, MAIL and RCPT; otherwise all passes
    bool defers_recipients = true; ///< without an answer: 4xx at RCPT, for an address that may not exist
    std::vector<DoorPoint> unused; ///< where all passes unasked
    std::function<void(const Error&)> complain = [](const Error&) {};
};

/// The front's side of make_door_link(). Answers that are late count as none; their absence is told once a minute.
std::unique_ptr<DoorClient> open_door_link(boost::asio::io_context& io, Fd link, DoorLinkOptions options);

} // namespace mgw::smtp
