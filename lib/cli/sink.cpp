#include "lib/cli/stream.hpp"

#include "lib/core/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace mgw::cli
{

SinkStream::SinkStream(Tool& tool, const StreamOptions& options, const EnvelopeOptions& envelope, int in_fd, int out_fd)
    : tool_(tool), input_(tool, options, envelope, in_fd), out_fd_(out_fd)
{}

Result<void> SinkStream::ready()
{
    if (!frames())
        return {};
    return write_all(out_fd_, std::string(mail::sink_ready) + "\n");
}

Result<std::vector<Item>> SinkStream::wait()
{
    std::vector<Item> out;
    if (!input_.is_stream()) {
        auto item = input_.next();
        if (!item)
            return pass(item);
        if (*item)
            out.push_back(std::move(**item));
        return out;
    }
    for (;;) {
        auto item = input_.take();
        if (!item) {
            // what is whole before a broken frame still counts; the next call says what is wrong
            if (!out.empty())
                return out;
            return pass(item);
        }
        if (*item) {
            if ((*item)->frame.members.empty()) // a question to filters; sinks say by themselves when they are ready
                continue;
            out.push_back(std::move(**item));
            continue;
        }
        pollfd in{input_.fd(), POLLIN, 0};
        if (!out.empty() && (::poll(&in, 1, 0) <= 0))
            return out;
        auto more = input_.read_some();
        if (!more)
            return pass(more);
        if (!*more) {
            auto last = input_.take();
            if (!last && out.empty())
                return pass(last);
            if (last && *last && !(*last)->frame.members.empty())
                out.push_back(std::move(**last));
            return out;
        }
    }
}

bool SinkStream::has_reader() const
{
    pollfd out{out_fd_, POLLOUT, 0};
    return ::poll(&out, 1, 0) <= 0 || (out.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

Result<void> SinkStream::answer(const mail::Frame& frame, const std::vector<mail::Answer>& results)
{
    const auto& block = frame.members.at(0).block;
    if (frames()) {
        std::string text;
        for (const auto& answer : mail::fold_answers(block, results))
            text += mail::answer_line(answer);
        mail::Answer done;
        done.id = frame.id;
        done.done = true;
        return write_all(out_fd_, text + mail::answer_line(done));
    }
    for (const auto& result : results) {
        if (result.code / 100 == 2)
            continue;
        const Status status = result.code / 100 == 4 ? Status::temp_fail : Status::refused;
        tool_.complain(Error{status,
                             "recipient " + result.number + ": " + std::to_string(result.code) + " " + result.enhanced +
                                 " " + result.text,
                             {}});
        if (status_ != Status::temp_fail) // anything temporary: the caller tries again
            status_ = status;
    }
    return {};
}

} // namespace mgw::cli
