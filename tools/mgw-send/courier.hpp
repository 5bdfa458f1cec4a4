#pragma once

#include "tools/mgw-send/options.hpp"

#include "lib/smtp/client_pool.hpp"
#include "lib/smtp/deliver_maildir.hpp"
#include "lib/smtp/deliver_pipe.hpp"
#include "lib/smtp/deliver_plan.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace mgw::send
{

/// What a courier delivers with.
struct Means {
    smtp::Pool& pool;
    const smtp::Maildir& maildir;
    const smtp::Pipes& pipes;
    std::optional<smtp::Destination> fallback;
    smtp::LineEnds line_ends = smtp::LineEnds::lf;
    std::size_t recipients = 50; ///< of one transaction
    bool downgrade = true;       ///< 8-bit parts are encoded for servers that need it
};

/// Carries transactions: first the message that came in, then, for recipients that it was accepted for, what stages
/// added to it. Many at a time.
class Courier {
public:
    Courier(cli::Tool& tool, Means means, cli::SinkStream& sink) : tool_(tool), means_(std::move(means)), sink_(sink) {}

    /// Starts the delivery of a transaction; its answers are printed when it is done.
    void take(cli::Item item);
    /// Octets of messages that are being delivered.
    std::size_t octets() const { return octets_; }
    std::size_t in_flight() const { return in_flight_; }
    /// Called whenever a transaction is done.
    std::function<void()> on_done = [] {};
    /// What went wrong with the answers; deliveries stop then.
    const std::optional<Error>& trouble() const { return trouble_; }

private:
    struct Job;
    struct Leg;
    using JobPtr = std::shared_ptr<Job>;
    using LegPtr = std::shared_ptr<Leg>;

    void start_leg(const LegPtr& leg);
    void start_group(const LegPtr& leg, const smtp::Group& group);
    void group_done(const LegPtr& leg);
    void first_leg_done(const JobPtr& job);
    void finish(const JobPtr& job);
    void record(const Leg& leg);
    void say_plan(const Leg& leg);

    cli::Tool& tool_;
    Means means_;
    cli::SinkStream& sink_;
    std::size_t octets_ = 0;
    std::size_t in_flight_ = 0;
    std::optional<Error> trouble_;
};

} // namespace mgw::send
