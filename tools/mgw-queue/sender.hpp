#pragma once

#include "lib/core/child.hpp"
#include "lib/core/fd.hpp"
#include "lib/mail/frame.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::queue_tool
{

/// The program that delivers, as a long-lived child: frames in, answers out, neither side ever waits for the other.
class Sender {
public:
    static Result<Sender> start(const Arguments& command, const std::vector<std::string>& environment);

    /// Queues a frame; flush() writes what the pipe takes.
    void send(std::string_view frame) { out_ += frame; }
    std::size_t unsent_octets() const { return out_.size() - written_; }
    /// No more frames will come: the child ends when it has answered all.
    void finish() { finishing_ = true; }
    /// Writes what the pipe takes; false when the child no longer reads.
    bool flush();
    /// Answer lines that have come; `ended` when the child has closed its output.
    std::vector<mail::Answer> receive(bool& ended);
    /// Waits for the child's end; describes it.
    std::string wait();
    void kill();

    int in_fd() const { return in_.value(); } ///< to poll for writing; -1 once closed
    int out_fd() const { return answers_.value(); }
    bool ready() const { return ready_; }     ///< it has said that it is a sink
    int exit_status() const { return exit_; } ///< after wait(); -1 for a signal

private:
    Child child_;
    Fd in_;
    Fd answers_;
    std::string out_;
    std::size_t written_ = 0;
    std::string lines_;
    bool finishing_ = false;
    bool ready_ = false;
    int exit_ = -1;
};

} // namespace mgw::queue_tool
