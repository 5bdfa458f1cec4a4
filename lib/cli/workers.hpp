#pragma once

#include "lib/cli/transaction.hpp"
#include "lib/core/fd.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mgw::cli
{

/// A transaction on its way through a worker.
struct Task {
    Item item;
    std::uint64_t sequence = 0;
    std::size_t octets = 0;
    bool alone = false; ///< a worker died or hung over it: once more, with nothing else beside it
};

/// A task that came back: its result, or why there is none.
struct Finished {
    Task task;
    TransactionResult result;
    std::string failure; ///< "killed by signal 11", "took longer than 60 s"; empty when there is a result
    unsigned deaths = 0; ///< of workers over it, when there is no result
};

/// Processes that run a stage, forked after its set-up: what it loaded is shared by copy-on-write, and hostile octets
/// are parsed where they can hurt only themselves.
class Workers {
public:
    /// `start` runs in each new process before its first message: the stage's start() and the confinement.
    Workers(Stage& stage, const Work& work, unsigned count, std::chrono::seconds timeout,
            std::function<Result<void>()> start);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    Result<void> fork_all();
    void submit(Task task);
    bool idle() const { return waiting_.empty() && in_work_ == 0; }
    std::size_t queued() const { return waiting_.size(); }
    std::size_t octets() const { return octets_; }
    /// Hands out what waits, waits up to `wait` for answers or for `also_fd` (readable; -1 for none), collects answers.
    /// Returns true when `also_fd` is readable.
    Result<bool> turn(int also_fd, std::chrono::milliseconds wait, std::vector<Finished>& finished);

private:
    struct Worker {
        pid_t pid = -1;
        Fd fd;
        std::deque<Task> tasks; ///< handed out, the first one is in work
        std::string answers;
        std::chrono::steady_clock::time_point since;
    };
    Result<void> fork_one(Worker& worker);
    [[noreturn]] void serve(int fd);
    Result<void> hand_out();
    void collect(Worker& worker, std::vector<Finished>& finished);
    void bury(Worker& worker, const std::string& why, std::vector<Finished>& finished);

    Stage& stage_;
    Work work_;
    std::chrono::seconds timeout_;
    std::function<Result<void>()> start_;
    std::vector<Worker> workers_;
    std::deque<Task> waiting_;
    std::size_t in_work_ = 0;
    std::size_t octets_ = 0;
};

} // namespace mgw::cli
