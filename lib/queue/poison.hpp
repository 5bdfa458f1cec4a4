#pragma once

#include "lib/core/clock.hpp"
#include "lib/mail/frame.hpp"
#include "lib/state/store.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

/// A message over which workers of a stage die again and again would come back for days, and cost workers each time.
namespace mgw::queue
{

/// Worker deaths that the stages noted in a block (result `deaths`); 0 for most.
unsigned worker_deaths(const mail::Block& block);

/// SHA-256, in hex, of what stays the same when the message is sent again: the body as it is here, and the first
/// Message-ID, From and Date; not what gateways add on the way (Received, Authentication-Results).
std::string poison_digest(std::string_view message);

/// Counts the workers that each message killed.
class PoisonBook {
public:
    static constexpr unsigned limit = 3;                    ///< deaths
    static constexpr std::chrono::hours remembered{5 * 24}; ///< from each death on: as long as senders try again

    /// `open` is called once, for the first message that killed a worker.
    using Open = std::function<Result<std::unique_ptr<state::Store>>()>;
    explicit PoisonBook(Open open) : open_(std::move(open)) {}

    /// Adds the deaths noted in `frame` to those that its messages had before. Once they are `limit`, the frame's own
    /// failures (defer, class error) give way to a quarantine verdict that tells what is known. Nothing changes for a
    /// frame without deaths. Status::temp_fail where the count cannot be kept.
    Result<void> judge(mail::Frame& frame, Time now);

private:
    Open open_;
    std::unique_ptr<state::Store> store_;
};

} // namespace mgw::queue
