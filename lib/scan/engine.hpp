#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::scan
{

/// What libclamav may spend on one call. Every limit that is hit is told: never a silent "clean".
struct EngineLimits {
    std::size_t file_octets = 100U << 20; ///< one file, also inside archives
    std::size_t scan_octets = 200U << 20; ///< all that one call unpacks
    std::uint32_t files = 10000;
    std::uint32_t nesting = 40;
};

/// What was loaded.
struct Database {
    std::string path;
    std::string version; ///< "daily-27432,main-62" of signed files; "sha256-0123456789abcdef" of others; joined by ','
    unsigned signatures = 0;
    std::optional<Time> built;   ///< of the newest signed file, as signed
    std::optional<Time> changed; ///< of the newest file, by its modification time
};

enum class Outcome : char { clean, infected, unscanned };

/// Result of one call.
struct Answer {
    Outcome outcome = Outcome::clean;
    std::string name; ///< of the virus
    std::string why;  ///< of unscanned: "too-large", "limit:…", "encrypted", "error:…"
};

/// Octets that libclamav unpacked and looked at during a call: told for each file, outer and inner.
using Seen = std::function<void(std::string_view octets)>;

/// libclamav in this process. Load it once and fork: workers share it by copy-on-write. It is never freed: freeing
/// takes seconds for a real database, and the process ends by _exit.
class Engine {
public:
    /// `temporary` is a private folder for what libclamav unpacks. Status::config when the database cannot be read.
    static Result<Engine> load(const std::string& database, const std::string& temporary, const EngineLimits& limits);

    const Database& database() const { return database_; }
    /// Scans octets in memory, mail or any other file, for at most `time`.
    Answer scan(std::string_view octets, std::chrono::milliseconds time, const Seen& seen = {},
                bool mail_parser = true) const;

private:
    Engine() = default;
    void* engine_ = nullptr; ///< struct cl_engine, deliberately not owned
    EngineLimits limits_;
    Database database_;
};

} // namespace mgw::scan
