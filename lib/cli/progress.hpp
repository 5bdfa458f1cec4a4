#pragma once

#include "lib/cli/stream.hpp"

#include <chrono>
#include <string>

namespace mgw::cli
{

/// One line on a terminal about a run over many messages; nothing where standard error is no terminal, or where other
/// text goes there (--explain, --log=-).
class Progress {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Progress(Tool& tool, Time begin = std::chrono::steady_clock::now());
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    bool is_shown() const { return shown_; }
    /// Shows how far the input is passed, a few times a second, after the first second.
    void show(const Input& input);

    /// "12,345 messages, 310 MB, 52 MB/s, 0:42 left": `passed` since `first`, in `seconds`.
    static std::string text(const Passed& first, const Passed& passed, double seconds);

private:
    Tool& tool_;
    bool shown_;
    Time begin_;
    Time last_;
    Passed first_;
    bool has_first_ = false;
};

} // namespace mgw::cli
