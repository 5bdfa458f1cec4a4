#pragma once

#include "lib/core/handle.hpp"
#include "lib/core/result.hpp"

#include <chrono>
#include <string>
#include <thread>

struct sqlite3;
struct sqlite3_stmt;

namespace mgw::state
{

void close_database(sqlite3* database) noexcept;
void finalize_statement(sqlite3_stmt* statement) noexcept;
using Database = Handle<sqlite3, close_database>;
using Statement = Handle<sqlite3_stmt, finalize_statement>;

/// The file behind an SQLite store: known by its application id and version, made where there is none or an empty one,
/// in WAL mode. Its table is
///     entries(key, kind, a, b, c, value, until, sweep), where sweep is `until` in whole hours, rounded up: an index
///     over it is seldom rewritten.
class SqliteFile {
public:
    SqliteFile(std::string path, std::chrono::milliseconds timeout) : path_(std::move(path)), timeout_(timeout) {}

    /// See open_store(). A file that is not ours is not touched, a damaged one stays as it is.
    Result<void> open();

    sqlite3* get() const { return db_.get(); }
    const std::string& path() const { return path_; }

    /// Runs one statement, or prepares it; false for an error.
    bool run(const char* sql);
    bool prepare(Statement& into, const char* sql);

    /// The error at hand as Status::temp_fail.
    std::unexpected<Error> failed();
    /// The same, with the transaction taken back.
    std::unexpected<Error> undo();

    /// Calls `act`, which gives a Result, again as long as another process is in the way, up to the time-out. SQLite
    /// itself waits only where it sees no deadlock: not where a file is made, or another process closes its last
    /// connection.
    auto patiently(const auto& act) -> decltype(act())
    {
        const auto deadline = std::chrono::steady_clock::now() + timeout_;
        for (;;) {
            is_busy_ = false;
            auto out = act();
            if (out || !is_busy_ || std::chrono::steady_clock::now() >= deadline)
                return out;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }

private:
    Result<void> open_once();
    Result<void> make_tables();
    Result<void> check();
    std::unexpected<Error> damaged(const std::string& what) const;
    std::unexpected<Error> cannot_open();

    std::string path_;
    std::chrono::milliseconds timeout_;
    bool is_busy_ = false; ///< the last error was a lock of another process
    Database db_;
};

/// The octets of a column; empty for NULL.
std::string column_octets(sqlite3_stmt* statement, int column);

} // namespace mgw::state
