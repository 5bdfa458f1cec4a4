#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"

#include <chrono>
#include <set>
#include <string>

namespace mgw::queue_tool
{

/// What wakes `run`: new mail (inotify on the lanes' marks), a signal to stop, the sender, the time.
class Waker {
public:
    static Result<Waker> open(const std::string& spool);

    /// Watches lanes that are new since the last call.
    void watch(const std::string& spool);
    /// Sleeps until something happens or the time is over. -1 for a descriptor that does not matter.
    void sleep(std::chrono::milliseconds longest, int readable, int writable);
    /// How many times SIGTERM or SIGINT has come.
    unsigned signals();

private:
    Fd inotify_; ///< none where the kernel gives no more: then time alone wakes
    Fd signal_;
    std::set<unsigned> watched_;
    unsigned signals_ = 0;
};

} // namespace mgw::queue_tool
