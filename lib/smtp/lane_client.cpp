#include "lib/smtp/lane_client.hpp"

#include "lib/smtp/lane_writer.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <deque>
#include <list>
#include <map>
#include <unistd.h>

namespace mgw::smtp
{

namespace asio = boost::asio;
using Instant = std::chrono::steady_clock::time_point;
using Descriptor = asio::posix::stream_descriptor;

namespace
{

struct OpenLane {
    OpenLane(asio::io_context& io, Fd in, Fd out, std::uint8_t number, const std::optional<Limits>& frames)
        : input(io, in.release()), answers(io, out.release()), serial(number),
          book(frames ? LaneBook(*frames) : LaneBook())
    {
        input.non_blocking(true);
        answers.non_blocking(true);
    }
    Descriptor input;
    Descriptor answers;
    std::uint8_t serial;
    LaneBook book;
    LaneWriter writer;
    bool flushing = false;    ///< a flush is due or waits for the pipe
    bool close_after = false; ///< close the input once all is written
    Instant heard = std::chrono::steady_clock::now();
};
using LanePointer = std::shared_ptr<OpenLane>;

struct Waiting {
    std::size_t recipients = 0;
    Instant pushed;
    Instant give_up;
    LaneClient::Done done;
    std::weak_ptr<OpenLane> lane;
};

} // namespace

struct LaneClient::Impl {
    asio::io_context& io;
    bool per_message;
    std::function<void(std::uint8_t)> want;
    std::function<void(const Error&)> complain;
    std::optional<Limits> frames;
    std::list<LanePointer> lanes;
    LanePointer current;
    std::deque<LaneFrame> queue; ///< frames for which there is no lane yet
    std::map<std::string, Waiting, std::less<>> waiting;

    void push(const LanePointer& lane, LaneFrame frame)
    {
        const auto found = waiting.find(frame.id);
        if (found == waiting.end())
            return;
        found->second.lane = lane;
        found->second.pushed = std::chrono::steady_clock::now();
        lane->book.expect(frame.id, found->second.recipients);
        lane->writer.push(std::move(frame));
        flush_soon(lane);
    }

    /// All that sessions push in one round of the loop leaves in one system call.
    void flush_soon(const LanePointer& lane)
    {
        if (lane->flushing)
            return;
        lane->flushing = true;
        asio::post(io, [this, lane] { flush(lane); });
    }

    void flush(const LanePointer& lane)
    {
        lane->flushing = false;
        if (!lane->input.is_open())
            return;
        auto written = lane->writer.flush(lane->input.native_handle());
        if (!written) {
            give_up_lane(lane);
        } else if (!*written) {
            lane->flushing = true;
            lane->input.async_wait(Descriptor::wait_write, [this, lane](boost::system::error_code error) {
                lane->flushing = false;
                if (!error)
                    flush(lane);
            });
        } else if (lane->close_after) {
            close_input(lane);
        }
    }

    static void close_input(const LanePointer& lane)
    {
        boost::system::error_code ignored;
        lane->input.close(ignored);
    }

    /// No message goes there any more; answers are still read.
    void give_up_lane(const LanePointer& lane)
    {
        close_input(lane);
        for (auto& frame : lane->writer.take_unwritten()) {
            lane->book.forget(frame.id);
            queue.push_back(std::move(frame));
        }
        if (current == lane) {
            current.reset();
            want(lane->serial);
        }
        if (current) { // an older lane died while it drained
            std::deque<LaneFrame> queued;
            queued.swap(queue);
            for (auto& frame : queued)
                push(current, std::move(frame));
        }
    }

    void listen(const LanePointer& lane)
    {
        lane->answers.async_wait(Descriptor::wait_read, [this, lane](boost::system::error_code error) {
            if (!error)
                take_answers(lane);
        });
    }

    void take_answers(const LanePointer& lane)
    {
        std::array<char, 32768> octets;
        const ssize_t n = ::read(lane->answers.native_handle(), octets.data(), octets.size());
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return listen(lane);
        if (n <= 0)
            return lane_ended(lane);
        lane->heard = std::chrono::steady_clock::now();
        auto outcomes = lane->book.feed({octets.data(), static_cast<std::size_t>(n)});
        if (!outcomes) {
            complain(outcomes.error());
            return lane_ended(lane);
        }
        for (auto& outcome : *outcomes)
            finish(std::move(outcome));
        listen(lane);
    }

    void lane_ended(const LanePointer& lane)
    {
        give_up_lane(lane);
        boost::system::error_code ignored;
        lane->answers.close(ignored);
        lanes.remove(lane);
        for (const auto& id : lane->book.ids())
            finish(no_answers(id, "The filters ended before they answered"));
    }

    LaneOutcome no_answers(const std::string& id, const std::string& text) const
    {
        const auto found = waiting.find(id);
        return {id, std::vector<mail::Answer>(found == waiting.end() ? 0 : found->second.recipients, no_answer(text)),
                std::nullopt};
    }

    void finish(LaneOutcome outcome)
    {
        auto node = waiting.extract(outcome.id);
        if (!node.empty())
            node.mapped().done(std::move(outcome));
    }

    void expire(const std::string& id)
    {
        std::erase_if(queue, [&](const LaneFrame& frame) { return frame.id == id; });
        const auto& entry = waiting.at(id);
        if (const auto lane = entry.lane.lock()) {
            lane->book.forget(id);
            lane->writer.withdraw(id);
            if (lane->heard < entry.pushed && lane->input.is_open()) {
                complain(Error{Status::temp_fail, "the lane does not answer; a new one takes its place"});
                give_up_lane(lane);
            }
        }
        finish(no_answers(id, "The filters took too long"));
    }
};

LaneClient::LaneClient(asio::io_context& io, bool per_message, std::function<void(std::uint8_t)> want,
                       std::function<void(const Error&)> complain, std::optional<Limits> frames)
    : impl_(new Impl{io, per_message, std::move(want), std::move(complain), frames, {}, {}, {}, {}})
{}

LaneClient::~LaneClient() = default;

void LaneClient::add_lane(Fd input, Fd answers, std::uint8_t serial)
{
    auto& my = *impl_;
    auto lane = std::make_shared<OpenLane>(my.io, std::move(input), std::move(answers), serial, my.frames);
    my.lanes.push_back(lane);
    my.listen(lane);
    std::deque<LaneFrame> queued;
    queued.swap(my.queue);
    if (my.per_message) {
        lane->close_after = true;
        if (!queued.empty()) {
            my.push(lane, std::move(queued.front()));
            queued.pop_front();
        }
        my.queue = std::move(queued);
        my.flush_soon(lane); // closes a lane whose message gave up meanwhile
        return;
    }
    if (my.current) {
        my.current->close_after = true;
        my.flush_soon(my.current);
    }
    my.current = lane;
    for (auto& frame : queued)
        my.push(lane, std::move(frame));
}

void LaneClient::lane_died(std::uint8_t serial)
{
    for (const auto& lane : impl_->lanes) {
        if (lane->serial != serial)
            continue;
        const auto died = lane;
        impl_->give_up_lane(died);
        return;
    }
}

void LaneClient::deliver(LaneFrame frame, std::size_t recipients, Instant give_up, Done done)
{
    auto& my = *impl_;
    my.waiting[frame.id] = Waiting{recipients, std::chrono::steady_clock::now(), give_up, std::move(done), {}};
    if (my.current)
        return my.push(my.current, std::move(frame));
    my.queue.push_back(std::move(frame));
    if (my.per_message)
        my.want(0);
}

std::size_t LaneClient::in_flight() const
{
    return impl_->waiting.size();
}

void LaneClient::tick()
{
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::string> overdue;
    for (const auto& [id, entry] : impl_->waiting)
        if (entry.give_up <= now)
            overdue.push_back(id);
    for (const auto& id : overdue)
        impl_->expire(id);
}

} // namespace mgw::smtp
