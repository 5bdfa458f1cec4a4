#include "lib/core/binary.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/handle.hpp"
#include "lib/state/grey_step.hpp"
#include "lib/state/open.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <mutex>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::state
{

namespace
{

using Database = Handle<sqlite3, sqlite3_close_v2>;
using Statement = Handle<sqlite3_stmt, sqlite3_finalize>;

constexpr std::uint32_t application_id = 0x6d677773; // "mgws"
constexpr std::uint32_t schema_version = 1;
/// `sweep` is `until` in whole hours, rounded up: an index over it is seldom rewritten.
constexpr const char* schema =
    "CREATE TABLE entries(key BLOB, kind INTEGER, a INTEGER, b INTEGER, c INTEGER, value BLOB,"
    " until INTEGER, sweep INTEGER, PRIMARY KEY(key, kind)) WITHOUT ROWID;"
    "CREATE INDEX by_sweep ON entries(sweep);"
    "PRAGMA application_id=1835497331; PRAGMA user_version=1;";
constexpr std::int64_t hour = std::int64_t{3600} * 1000000;
constexpr std::uint64_t checked_at_start = 64U << 20; ///< larger files are read through as they are used
constexpr unsigned sweep_every = 256;                 ///< rows written
constexpr int swept_at_once = 1024;

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

class SqliteStore final : public Store {
public:
    SqliteStore(std::string path, std::chrono::milliseconds timeout, std::uint64_t limit_octets)
        : path_(std::move(path)), timeout_(timeout), limit_octets_(limit_octets)
    {}

    std::string describe() const override { return path_; }

    Result<void> open()
    {
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
        return prepare_all() ? Result<void>{} : Result<void>(cannot_open());
    }

protected:
    Result<std::vector<Debt>> do_take(const std::vector<Step>& steps, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        if (!run(begin_))
            return failed();
        std::vector<Debt> out;
        std::vector<bool> is_there;
        bool granted = true;
        for (const auto& step : steps) {
            const auto row = find(step.key, Item::Kind::rate, now);
            if (!row)
                return undo();
            const auto before = std::clamp<std::int64_t>(*row ? (*row)->a - now : 0, 0, step.tolerance);
            const bool fits = step.increment <= 0 || before + step.increment <= step.tolerance;
            granted = granted && fits;
            is_there.push_back(row->has_value());
            out.push_back({before, fits});
        }
        for (std::size_t i = 0; granted && i < steps.size(); ++i) {
            if (steps[i].increment == 0)
                continue;
            const auto stamp = now + out[i].before + steps[i].increment;
            const bool done = stamp > now ? keep(steps[i].key, Item::Kind::rate, {.a = stamp, .until = stamp})
                                          : (!is_there[i] || remove(steps[i].key, Item::Kind::rate));
            if (!done)
                return undo();
        }
        if (!finish(now))
            return undo();
        return out;
    }

    Result<Grey> do_grey(const std::string& key, const GreyTimes& times, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        if (!run(begin_))
            return failed();
        const auto row = find(key, Item::Kind::grey, now);
        if (!row)
            return undo();
        std::optional<GreyRecord> record;
        if (*row)
            record = GreyRecord{(*row)->a, (*row)->b, static_cast<std::uint64_t>((*row)->c)};
        const auto out = grey_step(record, times, now);
        const Row after{.a = record->first,
                        .b = record->last,
                        .c = static_cast<std::int64_t>(record->uses),
                        .until = record->until(times)};
        if (!keep(key, Item::Kind::grey, after) || !finish(now))
            return undo();
        return out;
    }

    Result<std::uint64_t> do_count(const std::string& key, std::uint64_t by, std::int64_t ttl,
                                   std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        if (!run(begin_))
            return failed();
        const auto row = find(key, Item::Kind::count, now);
        if (!row)
            return undo();
        if (!*row && by == 0) {
            run("ROLLBACK");
            return 0;
        }
        const auto sum = (*row ? (*row)->a : 0) + static_cast<std::int64_t>(by);
        if (!keep(key, Item::Kind::count, {.a = sum, .until = add_time(now, ttl)}) || !finish(now))
            return undo();
        return static_cast<std::uint64_t>(sum);
    }

    Result<std::optional<std::string>> do_get(const std::string& key, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        const auto row = find(key, Item::Kind::value, now);
        if (!row)
            return failed();
        return *row ? std::optional((*row)->value) : std::nullopt;
    }

    Result<void> do_put(const std::string& key, std::string_view value, std::int64_t ttl, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        if (!run(begin_))
            return failed();
        if (!keep(key, Item::Kind::value, {.value = std::string(value), .until = add_time(now, ttl)}) || !finish(now))
            return undo();
        return {};
    }

    Result<std::vector<Item>> do_list(const std::string& prefix, std::int64_t now, std::size_t limit) override
    {
        const std::scoped_lock lock(mutex_);
        // the first key behind all that begin with the prefix; a blob is greater than any number
        std::string behind = prefix;
        while (!behind.empty() && behind.back() == '\xff')
            behind.pop_back();
        if (!behind.empty())
            ++behind.back();
        auto* s = behind.empty() ? list_all_.get() : list_.get();
        const Reset reset{s};
        bind(s, 1, prefix);
        sqlite3_bind_int64(s, 2, now);
        sqlite3_bind_int64(s, 3, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
        if (!behind.empty())
            bind(s, 4, behind);
        std::vector<Item> out;
        int code = SQLITE_ROW;
        while ((code = sqlite3_step(s)) == SQLITE_ROW) {
            const Row row = row_at(s, 2);
            const auto kind = static_cast<Item::Kind>(sqlite3_column_int(s, 1));
            Item item{.kind = kind, .key = blob_at(s, 0), .until = from_microseconds(row.until), .text = {}};
            if (kind == Item::Kind::rate)
                item.text = rate_text(row.a, now);
            else if (kind == Item::Kind::grey)
                item.text = grey_text({row.a, row.b, static_cast<std::uint64_t>(row.c)});
            else if (kind == Item::Kind::count)
                item.text = std::to_string(row.a);
            else
                item.text = value_text(row.value);
            out.push_back(std::move(item));
        }
        if (code != SQLITE_DONE)
            return failed();
        return out;
    }

    Result<std::size_t> do_forget(const std::string& key) override
    {
        const std::scoped_lock lock(mutex_);
        auto* s = forget_.get();
        const Reset reset{s};
        bind(s, 1, key);
        if (sqlite3_step(s) != SQLITE_DONE)
            return failed();
        return static_cast<std::size_t>(sqlite3_changes(db_.get()));
    }

private:
    struct Row {
        std::int64_t a = 0;
        std::int64_t b = 0;
        std::int64_t c = 0;
        std::string value = {};
        std::int64_t until = 0;
    };
    /// Gives a statement back, so that it keeps no lock and no pointer.
    struct Reset {
        sqlite3_stmt* statement;
        explicit Reset(sqlite3_stmt* s) : statement(s) {}
        Reset(const Reset&) = delete;
        Reset& operator=(const Reset&) = delete;
        ~Reset()
        {
            sqlite3_reset(statement);
            sqlite3_clear_bindings(statement);
        }
    };

    std::unexpected<Error> failed() const
    {
        const int code = db_ ? sqlite3_errcode(db_.get()) & 0xff : SQLITE_NOMEM;
        std::string what = "the state file " + path_ + ": ";
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
            return fail(Status::temp_fail, what + "another process has it locked for longer than " +
                                               std::to_string(timeout_.count()) + " ms");
        if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
            return fail(Status::temp_fail, what + "it is damaged (" + sqlite3_errmsg(db_.get()) + ")",
                        "move it away: the state begins anew");
        return fail(Status::temp_fail, what + (db_ ? sqlite3_errmsg(db_.get()) : "no memory"));
    }

    /// The error at hand, with the transaction taken back.
    std::unexpected<Error> undo()
    {
        auto out = failed();
        if (db_ && sqlite3_get_autocommit(db_.get()) == 0)
            run("ROLLBACK");
        return out;
    }

    bool run(const char* sql) { return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
    static bool run(const Statement& statement)
    {
        const Reset reset{statement.get()};
        return sqlite3_step(statement.get()) == SQLITE_DONE;
    }

    bool prepare(Statement& into, const char* sql)
    {
        sqlite3_stmt* raw = nullptr;
        const int code = sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
        into.reset(raw);
        return code == SQLITE_OK;
    }

    bool prepare_all()
    {
        return prepare(begin_, "BEGIN IMMEDIATE") && prepare(commit_, "COMMIT") &&
               prepare(find_, "SELECT a, b, c, value, until FROM entries WHERE key=?1 AND kind=?2 AND until>?3") &&
               prepare(keep_, "INSERT INTO entries VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(key, kind) DO UPDATE SET"
                              " a=?3, b=?4, c=?5, value=?6, until=?7, sweep=?8") &&
               prepare(update_, "UPDATE entries SET a=?3, b=?4, c=?5, value=?6, until=?7 WHERE key=?1 AND kind=?2"
                                " AND sweep=?8") &&
               prepare(remove_, "DELETE FROM entries WHERE key=?1 AND kind=?2") &&
               prepare(forget_, "DELETE FROM entries WHERE key=?1") &&
               prepare(list_, "SELECT key, kind, a, b, c, value, until FROM entries WHERE key>=?1 AND until>?2"
                              " AND key<?4 ORDER BY key, kind LIMIT ?3") &&
               prepare(list_all_, "SELECT key, kind, a, b, c, value, until FROM entries WHERE key>=?1 AND until>?2"
                                  " ORDER BY key, kind LIMIT ?3") &&
               prepare(sweep_, "DELETE FROM entries WHERE (key, kind) IN"
                               " (SELECT key, kind FROM entries WHERE sweep<=?1 ORDER BY sweep LIMIT ?2)") &&
               prepare(pages_, "SELECT (SELECT page_count FROM pragma_page_count)"
                               " - (SELECT freelist_count FROM pragma_freelist_count)");
    }

    /// Makes the tables in an empty file; two processes may come here at once.
    Result<void> make_tables()
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
        const auto found = blob_at(names.get(), 0);
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
    Result<void> check()
    {
        struct stat status {};
        if (::stat(path_.c_str(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) > checked_at_start)
            return {};
        Statement statement;
        if (!prepare(statement, "PRAGMA quick_check(1)"))
            return cannot_open();
        const int code = sqlite3_step(statement.get());
        if (code == SQLITE_ROW && blob_at(statement.get(), 0) == "ok")
            return {};
        if (code == SQLITE_ROW)
            return damaged(blob_at(statement.get(), 0));
        return cannot_open();
    }

    std::unexpected<Error> damaged(const std::string& what) const
    {
        return fail(Status::config, "the state file " + path_ + " is damaged (" + what + "); it was not removed",
                    "move it away: the state begins anew");
    }
    /// The error at hand while the file is opened: damage is then the administrator's matter.
    std::unexpected<Error> cannot_open()
    {
        const int code = db_ ? sqlite3_errcode(db_.get()) & 0xff : SQLITE_NOMEM;
        auto out = undo();
        return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? damaged(sqlite3_errstr(code)) : out;
    }

    static void bind(sqlite3_stmt* s, int at, const std::string& octets)
    {
        sqlite3_bind_blob(s, at, octets.data(), static_cast<int>(octets.size()), SQLITE_STATIC);
    }
    static std::string blob_at(sqlite3_stmt* s, int column)
    {
        const auto* octets = static_cast<const char*>(sqlite3_column_blob(s, column));
        return octets == nullptr ? std::string{}
                                 : std::string(octets, static_cast<std::size_t>(sqlite3_column_bytes(s, column)));
    }
    static Row row_at(sqlite3_stmt* s, int column)
    {
        return {.a = sqlite3_column_int64(s, column),
                .b = sqlite3_column_int64(s, column + 1),
                .c = sqlite3_column_int64(s, column + 2),
                .value = blob_at(s, column + 3),
                .until = sqlite3_column_int64(s, column + 4)};
    }

    /// The entry, or nothing; an empty outer optional for an error.
    std::optional<std::optional<Row>> find(const std::string& key, Item::Kind kind, std::int64_t now)
    {
        auto* s = find_.get();
        const Reset reset{s};
        bind(s, 1, key);
        sqlite3_bind_int(s, 2, static_cast<int>(kind));
        sqlite3_bind_int64(s, 3, now);
        const int code = sqlite3_step(s);
        if (code == SQLITE_ROW)
            return std::optional<Row>(row_at(s, 0));
        return code == SQLITE_DONE ? std::optional(std::optional<Row>{}) : std::nullopt;
    }

    /// Writes an entry; most keep their hour, and then no index is touched.
    bool keep(const std::string& key, Item::Kind kind, const Row& row)
    {
        ++written_;
        return write(update_.get(), key, kind, row) &&
               (sqlite3_changes(db_.get()) != 0 || write(keep_.get(), key, kind, row));
    }
    static bool write(sqlite3_stmt* s, const std::string& key, Item::Kind kind, const Row& row)
    {
        const Reset reset{s};
        bind(s, 1, key);
        sqlite3_bind_int(s, 2, static_cast<int>(kind));
        sqlite3_bind_int64(s, 3, row.a);
        sqlite3_bind_int64(s, 4, row.b);
        sqlite3_bind_int64(s, 5, row.c);
        bind(s, 6, row.value);
        sqlite3_bind_int64(s, 7, row.until);
        sqlite3_bind_int64(s, 8, row.until / hour + 1);
        return sqlite3_step(s) == SQLITE_DONE;
    }
    bool remove(const std::string& key, Item::Kind kind)
    {
        const Reset reset{remove_.get()};
        bind(remove_.get(), 1, key);
        sqlite3_bind_int(remove_.get(), 2, static_cast<int>(kind));
        return sqlite3_step(remove_.get()) == SQLITE_DONE;
    }

    /// Ends the transaction; now and then with what has ended removed, or with what ends first where the file is full.
    bool finish(std::int64_t now)
    {
        if (written_ >= sweep_every) {
            written_ = 0;
            if (!sweep(now / hour))
                return false;
            const Reset reset{pages_.get()};
            if (sqlite3_step(pages_.get()) != SQLITE_ROW)
                return false;
            const auto octets = static_cast<std::uint64_t>(sqlite3_column_int64(pages_.get(), 0)) * 4096;
            if (octets > limit_octets_ && !sweep(INT64_MAX))
                return false;
        }
        return run(commit_);
    }
    bool sweep(std::int64_t until_hour)
    {
        const Reset reset{sweep_.get()};
        sqlite3_bind_int64(sweep_.get(), 1, until_hour);
        sqlite3_bind_int(sweep_.get(), 2, swept_at_once);
        return sqlite3_step(sweep_.get()) == SQLITE_DONE;
    }

    std::string path_;
    std::chrono::milliseconds timeout_;
    std::uint64_t limit_octets_;
    std::mutex mutex_;
    unsigned written_ = 0;
    Database db_; // before the statements: they end first
    Statement begin_, commit_, find_, keep_, update_, remove_, forget_, list_, list_all_, sweep_, pages_;
};

} // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const StoreOptions& options)
{
    auto store = std::make_unique<SqliteStore>(options.location, options.timeout, options.limit_octets);
    if (auto opened = store->open(); !opened)
        return pass(opened);
    return store;
}

} // namespace mgw::state
