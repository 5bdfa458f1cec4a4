#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw
{

/// One record: a JSON object of one message at one stage. Keys keep their order; values are made valid UTF-8 without
/// control characters. The common keys are described in mgw(7).
class Record {
public:
    Record& text(std::string_view key, std::string_view value);
    Record& number(std::string_view key, std::int64_t value);
    Record& real(std::string_view key, double value);
    Record& flag(std::string_view key, bool value);
    Record& list(std::string_view key, const std::vector<std::string>& values);
    /// An address: stored hashed (SHA-256 with the machine's salt, 16 hex digits) when the log redacts.
    Record& address(std::string_view key, std::string_view value);
    Record& addresses(std::string_view key, const std::vector<std::string>& values);

    bool empty() const { return fields_.empty(); }
    /// Appends the fields of `other`.
    void merge(const Record& other);
    /// `{"k":"v",...}` without line end; addresses hashed with `salt` unless it is empty.
    std::string json(std::string_view salt = {}) const;

    /// For passing a record between processes.
    std::string pack() const;
    static Record unpack(std::string_view packed);

private:
    struct Field {
        char kind; // t text, v verbatim JSON, a address
        std::string key;
        std::vector<std::string> values;
    };
    std::vector<Field> fields_;
};

/// The salt of redacted addresses: made of this user's key (which it makes, as load_key does), the same for all tools.
Result<std::string> redaction_salt();
/// An address as it stands in a redacted record; itself without a salt.
std::string redacted(std::string_view salt, std::string_view address);

/// Where records go: `FILE`, `-` (standard error), `syslog`, `journald`, or nothing. One write a record, O_APPEND.
/// Failing to log never fails mail: it is counted.
class Log {
public:
    Log() = default;
    /// Opens the target. Status::config when it cannot be opened.
    static Result<Log> open(std::string_view target, std::string tool, bool redact);

    /// Writes time, host, pid, tool and the record's own fields.
    void write(Time time, const Record& record);
    bool is_open() const { return kind_ != Kind::none; }
    std::uint64_t failures() const { return failures_; }

private:
    enum class Kind : char { none, file, standard_error, syslog, journald };
    Kind kind_ = Kind::none;
    int fd_ = -1;
    std::string tool_;
    std::string salt_;
    std::uint64_t failures_ = 0;
};

} // namespace mgw
