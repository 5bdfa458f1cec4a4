#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgw
{

/// Random octets: the kernel's, or with a seed (tests, `--seed`) a fixed sequence.
class Random {
public:
    Random() = default;
    explicit Random(std::optional<std::uint64_t> seed) : state_(seed) {}

    std::uint64_t next();
    std::string octets(std::size_t count);
    /// Letters and digits, for boundaries and file names.
    std::string word(std::size_t count);
    /// An independent sequence for one message: depends on the seed and the name only, not on the order of work.
    Random fork(std::string_view name) const;

private:
    std::optional<std::uint64_t> state_;
};

} // namespace mgw
