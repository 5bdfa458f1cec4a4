#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/monitor/event.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace mgw::monitor
{

/// Lines longer than this are malformed: a tool writes less. Memory stays bounded whatever the file holds.
constexpr std::size_t longest_line = 1U << 20;

/// What was read and what could not be: malformed lines are counted, never fatal.
struct Counts {
    std::uint64_t records = 0;
    std::uint64_t malformed = 0;
};

/// Files of records, opened once so that the process can give up its rights before it reads.
class Files {
public:
    /// Opens each name; "-" is standard input, and so is an empty list. Status::data for what cannot be opened.
    static Result<Files> open(const std::vector<std::string>& names);

    /// Whether the files can be read again.
    bool can_rewind() const;
    /// Calls `each` for every record, with its line, from the beginning of every file that has one.
    Result<Counts> read(const std::function<void(const Event&, std::string_view line)>& each);

private:
    struct File {
        std::string name;
        Fd fd;
        off_t begin; ///< where reading starts, -1 where that cannot be gone back to
    };
    std::vector<File> files_;
};

} // namespace mgw::monitor
