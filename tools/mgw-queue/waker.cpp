#include "tools/mgw-queue/waker.hpp"

#include "lib/queue/lane.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace mgw::queue_tool
{

Result<Waker> Waker::open(const std::string& spool)
{
    Waker waker;
    sigset_t stop;
    ::sigemptyset(&stop);
    ::sigaddset(&stop, SIGTERM);
    ::sigaddset(&stop, SIGINT);
    ::sigprocmask(SIG_BLOCK, &stop, nullptr);
    waker.signal_.reset(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!waker.signal_)
        return fail_errno(errno, "cannot wait for signals");
    waker.inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (waker.inotify_)
        ::inotify_add_watch(waker.inotify_.value(), (spool + "/lanes").c_str(), IN_CREATE);
    return waker;
}

void Waker::watch(const std::string& spool)
{
    if (!inotify_)
        return;
    for (unsigned lane = 0; lane < queue::lane_count; ++lane)
        if (!watched_.contains(lane) &&
            ::inotify_add_watch(inotify_.value(), (queue::lane_path(spool, lane) + "/lock").c_str(), IN_MODIFY) >= 0)
            watched_.insert(lane);
}

void Waker::sleep(std::chrono::milliseconds longest, int readable, int writable)
{
    std::array<pollfd, 4> waits{
        {{signal_.value(), POLLIN, 0}, {inotify_.value(), POLLIN, 0}, {readable, POLLIN, 0}, {writable, POLLOUT, 0}}};
    ::poll(waits.data(), waits.size(), static_cast<int>(longest.count()));
    alignas(inotify_event) std::array<char, 4096> events{};
    if ((waits[1].revents & POLLIN) != 0)
        while (::read(inotify_.value(), events.data(), events.size()) > 0) {
        }
}

unsigned Waker::signals()
{
    signalfd_siginfo info{};
    while (::read(signal_.value(), &info, sizeof info) == sizeof info)
        ++signals_;
    return signals_;
}

} // namespace mgw::queue_tool
