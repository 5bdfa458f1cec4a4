#include "lib/smtp/door_link.hpp"

#include "lib/smtp/door_wire.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <sys/socket.h>

namespace mgw::smtp
{

namespace
{

using Descriptor = boost::asio::posix::stream_descriptor;
using Instant = std::chrono::steady_clock::time_point;
using ErrorCode = boost::system::error_code;
constexpr std::chrono::seconds complaints_apart{60};

class DoorLink final : public DoorClient {
public:
    DoorLink(boost::asio::io_context& io, Fd link, DoorLinkOptions options)
        : options_(std::move(options)), link_(io, link.release()),
          // what a front before this one asked may still be answered: other numbers
          number_(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()))
    {
        link_.non_blocking(true);
        wait_for_answers();
    }

    void ask(DoorQuestion question, Done done) override
    {
        if (std::ranges::find(options_.unused, question.at) != options_.unused.end())
            return done({});
        const auto number = number_++;
        to_send_.push_back(pack(number, question));
        waiting_.emplace(number,
                         Waiting{question.at, std::chrono::steady_clock::now() + options_.deadline, std::move(done)});
        if (!sending_)
            send();
    }

    void tick() override
    {
        const auto now = std::chrono::steady_clock::now();
        // in order of asking, so of deadline; what is called may ask again
        while (!waiting_.empty() && waiting_.begin()->second.deadline <= now) {
            auto late = waiting_.extract(waiting_.begin());
            complain(now);
            late.mapped().done(without_answer(late.mapped().at));
        }
    }

private:
    struct Waiting {
        DoorPoint at;
        Instant deadline;
        Done done;
    };

    void wait_for_answers()
    {
        link_.async_wait(Descriptor::wait_read, [this](const ErrorCode& error) {
            if (error)
                return;
            read();
            wait_for_answers();
        });
    }

    void read()
    {
        for (;;) {
            const ssize_t n = ::recv(link_.native_handle(), packet_.data(), packet_.size(), MSG_DONTWAIT);
            if (n <= 0)
                return;
            auto answer = unpack_answer({packet_.data(), static_cast<std::size_t>(n)});
            if (!answer)
                continue;
            if (auto found = waiting_.extract(answer->number))
                found.mapped().done(std::move(answer->value));
        }
    }

    void send()
    {
        sending_ = false;
        while (!to_send_.empty()) {
            const auto& packet = to_send_.front();
            if (::send(link_.native_handle(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
                if (errno == EINTR)
                    continue;
                if (errno == EAGAIN) {
                    sending_ = true;
                    link_.async_wait(Descriptor::wait_write, [this](const ErrorCode& error) {
                        if (!error)
                            send();
                    });
                    return;
                }
                // such a packet cannot be sent; its question ends by its deadline
            }
            to_send_.pop_front();
        }
    }

    DoorAnswer without_answer(DoorPoint at) const
    {
        DoorAnswer out;
        out.facts.emplace_back("door", "late");
        const bool counts = at == DoorPoint::connect || at == DoorPoint::mail || at == DoorPoint::recipient;
        if ((options_.defers && counts) || (options_.defers_recipients && at == DoorPoint::recipient)) {
            const bool closes = at == DoorPoint::connect;
            out.action = closes ? DoorAction::close : DoorAction::defer;
            out.reply = {closes ? 421 : 451, "4.3.0", "This cannot be checked now, try again later (rule door)"};
            out.rule = "door: no answer";
        }
        return out;
    }

    void complain(Instant now)
    {
        if (complained_ && now - *complained_ < complaints_apart)
            return;
        complained_ = now;
        options_.complain(Error{Status::temp_fail, "the door process did not answer in " +
                                                       std::to_string(options_.deadline.count()) + " ms"});
    }

    DoorLinkOptions options_;
    Descriptor link_;
    std::uint64_t number_;
    std::map<std::uint64_t, Waiting> waiting_;
    std::deque<std::string> to_send_;
    bool sending_ = false; ///< waits for room in the socket
    std::vector<char> packet_ = std::vector<char>(door_packet_octets + 1);
    std::optional<Instant> complained_;
};

} // namespace

std::unique_ptr<DoorClient> open_door_link(boost::asio::io_context& io, Fd link, DoorLinkOptions options)
{
    return std::make_unique<DoorLink>(io, std::move(link), std::move(options));
}

} // namespace mgw::smtp
