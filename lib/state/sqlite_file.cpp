#include "lib/state/sqlite_file.hpp"

#include "lib/core/binary.hpp"
#include "lib/core/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::state
{

namespace
{

constexpr std::uint32_t application_id = 0x6d677773; // "mgws"
constexpr std::uint32_t schema_version = 1;
constexpr const char* schema =
    "CREATE TABLE entries(key BLOB, kind INTEGER, a INTEGER, b INTEGER, c INTEGER, value BLOB,"
    " until INTEGER, sweep INTEGER, PRIMARY KEY(key, kind)) WITHOUT ROWID;"
    "CREATE INDEX by_sweep ON entries(sweep);"
    "PRAGMA application_id=1835497331; PRAGMA user_version=1;";
constexpr std::uint64_t checked_at_start = 64U << 20; ///< larger files are read through as they are used

std::uint32_t big_endian(std::string_view octets, std::size_t at)
{
    return __builtin_bswap32(number_at<std::uint32_t>(octets, at));
}

/// Makes the file where there is none, and looks at the header of one that is there without touching it (SQLite's file
/// format: magic at 0, user version at 60, application id at 68). Status::config if it is not ours.
Result<void> identify(const std::string& path)
{
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
    if (!file)
        return fail_errno(errno, "cannot open the state file " + path);
    struct stat status {};
    if (::fstat(file.value(), &status) != 0)
        return fail_errno(errno, "cannot look at the state file " + path);
    if (!S_ISREG(status.st_mode))
        return fail(Status::config, path + " is not a file");
    std::string head(100, '\0');
    const auto count = ::pread(file.value(), head.data(), head.size(), 0);
    if (count < 0)
        return fail_errno(errno, "cannot read the state file " + path);
    if (count == 0)
        return {};
    if (static_cast<std::size_t>(count) < head.size() || !head.starts_with(std::string_view("SQLite format 3\0", 16)) ||
        big_endian(head, 68) != application_id)
        return fail(Status::config, path + " is not a state file of mgw; it was not changed",
                    "name another file, or move this one away");
    if (const auto version = big_endian(head, 60); version != schema_version)
        return fail(Status::config,
                    path + " is a state file of version " + std::to_string(version) + "; this program knows version " +
                        std::to_string(schema_version) + "; it was not changed",
                    "move it away: the state begins anew");
    return {};
}

} // namespace

void close_database(sqlite3* database) noexcept
{
    sqlite3_close_v2(database);
}

void finalize_statement(sqlite3_stmt* statement) noexcept
{
    sqlite3_finalize(statement);
}

std::string column_octets(sqlite3_stmt* statement, int column)
{
    const auto* octets = static_cast<const char*>(sqlite3_column_blob(statement, column));
    return octets == nullptr ? std::string{}
                             : std::string(octets, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

bool SqliteFile::run(const char* sql)
{
    return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool SqliteFile::prepare(Statement& into, const char* sql)
{
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    into.reset(raw);
    return code == SQLITE_OK;
}

Result<void> SqliteFile::open()
{
    return patiently([&] { return open_once(); });
}

Result<void> SqliteFile::open_once()
{
    db_.reset();
    if (auto known = identify(path_); !known)
        return known;
    sqlite3* raw = nullptr;
    // ":memory:" and the like are names of files, too
    const auto name = path_.starts_with('/') ? path_ : "./" + path_;
    const int code = sqlite3_open_v2(name.c_str(), &raw,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    db_.reset(raw);
    if (code != SQLITE_OK)
        return cannot_open();
    sqlite3_busy_timeout(raw, static_cast<int>(std::clamp<std::int64_t>(timeout_.count(), 1, INT_MAX)));
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (auto made = make_tables(); !made)
        return made;
    // a commit is not flushed by itself: the log is, when its pages go to the file
    if (!run("PRAGMA journal_mode=WAL") || !run("PRAGMA synchronous=NORMAL") || !run("PRAGMA temp_store=MEMORY") ||
        !run("PRAGMA cache_size=-8192"))
        return cannot_open();
    if (auto checked = check(); !checked)
        return checked;
    return {};
}

std::unexpected<Error> SqliteFile::failed()
{
    const int code = db_ ? sqlite3_errcode(db_.get()) & 0xff : SQLITE_NOMEM;
    std::string what = "the state file " + path_ + ": ";
    is_busy_ = code == SQLITE_BUSY || code == SQLITE_LOCKED;
    if (is_busy_)
        return fail(Status::temp_fail,
                    what + "another process has it locked for longer than " + std::to_string(timeout_.count()) + " ms");
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return fail(Status::temp_fail, what + "it is damaged (" + sqlite3_errmsg(db_.get()) + ")",
                    "move it away: the state begins anew");
    return fail(Status::temp_fail, what + (db_ ? sqlite3_errmsg(db_.get()) : "no memory"));
}

/// The error at hand, with the transaction taken back.
std::unexpected<Error> SqliteFile::undo()
{
    auto out = failed();
    if (db_ && sqlite3_get_autocommit(db_.get()) == 0)
        run("ROLLBACK");
    return out;
}

/// Makes the tables in an empty file; two processes may come here at once.
Result<void> SqliteFile::make_tables()
{
    if (!run("BEGIN IMMEDIATE"))
        return cannot_open();
    Statement names;
    if (!prepare(names, "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name NOT LIKE"
                        " 'sqlite_autoindex%' ORDER BY name)"))
        return cannot_open();
    const int code = sqlite3_step(names.get());
    if (code != SQLITE_ROW)
        return cannot_open();
    const auto found = column_octets(names.get(), 0);
    names.reset();
    if (found.empty() && !run(schema))
        return cannot_open();
    if (!found.empty() && found != "by_sweep,entries") {
        run("ROLLBACK");
        return fail(Status::config, path_ + " has tables that are not of mgw; it was not changed",
                    "name another file, or move this one away");
    }
    return run("COMMIT") ? Result<void>{} : Result<void>(cannot_open());
}

/// Reads the file through, if it is not too large for that.
Result<void> SqliteFile::check()
{
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) > checked_at_start)
        return {};
    Statement statement;
    if (!prepare(statement, "PRAGMA quick_check(1)"))
        return cannot_open();
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_ROW && column_octets(statement.get(), 0) == "ok")
        return {};
    if (code == SQLITE_ROW)
        return damaged(column_octets(statement.get(), 0));
    return cannot_open();
}

std::unexpected<Error> SqliteFile::damaged(const std::string& what) const
{
    return fail(Status::config, "the state file " + path_ + " is damaged (" + what + "); it was not removed",
                "move it away: the state begins anew");
}
/// The error at hand while the file is opened: damage is then the administrator's matter.
std::unexpected<Error> SqliteFile::cannot_open()
{
    const int code = db_ ? sqlite3_errcode(db_.get()) & 0xff : SQLITE_NOMEM;
    auto out = undo();
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? damaged(sqlite3_errstr(code)) : out;
}

} // namespace mgw::state
