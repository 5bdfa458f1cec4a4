#include "lib/state/grey_step.hpp"
#include "lib/state/open.hpp"
#include "lib/state/sqlite_file.hpp"

#include <algorithm>
#include <mutex>

#include <sqlite3.h>

namespace mgw::state
{

namespace
{

constexpr std::int64_t hour = std::int64_t{3600} * 1000000;
constexpr unsigned sweep_every = 256; ///< rows written
constexpr int swept_at_once = 1024;

class SqliteStore final : public Store {
public:
    SqliteStore(std::string path, std::chrono::milliseconds timeout, std::uint64_t limit_octets)
        : file_(std::move(path), timeout), limit_octets_(limit_octets)
    {}

    std::string describe() const override { return file_.path(); }

    Result<void> open()
    {
        if (auto opened = file_.open(); !opened)
            return opened;
        return prepare_all() ? Result<void>{} : Result<void>(file_.failed());
    }

protected:
    Result<std::vector<Debt>> do_take(const std::vector<Step>& steps, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<std::vector<Debt>> {
            if (!run(begin_))
                return file_.failed();
            std::vector<Debt> out;
            std::vector<bool> is_there;
            bool granted = true;
            for (const auto& step : steps) {
                const auto row = find(step.key, Item::Kind::rate, now);
                if (!row)
                    return file_.undo();
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
                    return file_.undo();
            }
            if (!finish(now))
                return file_.undo();
            return out;
        });
    }

    Result<Grey> do_grey(const std::string& key, const GreyTimes& times, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<Grey> {
            if (!run(begin_))
                return file_.failed();
            const auto row = find(key, Item::Kind::grey, now);
            if (!row)
                return file_.undo();
            std::optional<GreyRecord> record;
            if (*row)
                record = GreyRecord{(*row)->a, (*row)->b, static_cast<std::uint64_t>((*row)->c)};
            const auto out = grey_step(record, times, now);
            const Row after{.a = record->first,
                            .b = record->last,
                            .c = static_cast<std::int64_t>(record->uses),
                            .until = record->until(times)};
            if (!keep(key, Item::Kind::grey, after) || !finish(now))
                return file_.undo();
            return out;
        });
    }

    Result<std::uint64_t> do_count(const std::string& key, std::uint64_t by, std::int64_t ttl,
                                   std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<std::uint64_t> {
            if (!run(begin_))
                return file_.failed();
            const auto row = find(key, Item::Kind::count, now);
            if (!row)
                return file_.undo();
            if (!*row && by == 0) {
                file_.run("ROLLBACK");
                return 0;
            }
            const auto sum = (*row ? (*row)->a : 0) + static_cast<std::int64_t>(by);
            if (!keep(key, Item::Kind::count, {.a = sum, .until = add_time(now, ttl)}) || !finish(now))
                return file_.undo();
            return static_cast<std::uint64_t>(sum);
        });
    }

    Result<std::optional<std::string>> do_get(const std::string& key, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<std::optional<std::string>> {
            const auto row = find(key, Item::Kind::value, now);
            if (!row)
                return file_.failed();
            return *row ? std::optional((*row)->value) : std::nullopt;
        });
    }

    Result<void> do_put(const std::string& key, std::string_view value, std::int64_t ttl, std::int64_t now) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<void> {
            if (!run(begin_))
                return file_.failed();
            if (!keep(key, Item::Kind::value, {.value = std::string(value), .until = add_time(now, ttl)}) ||
                !finish(now))
                return file_.undo();
            return {};
        });
    }

    Result<std::vector<Item>> do_list(const std::string& prefix, std::int64_t now, std::size_t limit) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<std::vector<Item>> {
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
                Item item{.kind = kind, .key = column_octets(s, 0), .until = from_microseconds(row.until), .text = {}};
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
                return file_.failed();
            return out;
        });
    }

    Result<std::size_t> do_forget(const std::string& key) override
    {
        const std::scoped_lock lock(mutex_);
        return file_.patiently([&]() -> Result<std::size_t> {
            auto* s = forget_.get();
            const Reset reset{s};
            bind(s, 1, key);
            if (sqlite3_step(s) != SQLITE_DONE)
                return file_.failed();
            return static_cast<std::size_t>(sqlite3_changes(file_.get()));
        });
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

    static bool run(const Statement& statement)
    {
        const Reset reset{statement.get()};
        return sqlite3_step(statement.get()) == SQLITE_DONE;
    }

    bool prepare_all()
    {
        return file_.prepare(begin_, "BEGIN IMMEDIATE") && file_.prepare(commit_, "COMMIT") &&
               file_.prepare(find_,
                             "SELECT a, b, c, value, until FROM entries WHERE key=?1 AND kind=?2 AND until>?3") &&
               file_.prepare(keep_,
                             "INSERT INTO entries VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(key, kind) DO UPDATE SET"
                             " a=?3, b=?4, c=?5, value=?6, until=?7, sweep=?8") &&
               file_.prepare(update_, "UPDATE entries SET a=?3, b=?4, c=?5, value=?6, until=?7 WHERE key=?1 AND kind=?2"
                                      " AND sweep=?8") &&
               file_.prepare(remove_, "DELETE FROM entries WHERE key=?1 AND kind=?2") &&
               file_.prepare(forget_, "DELETE FROM entries WHERE key=?1") &&
               file_.prepare(list_, "SELECT key, kind, a, b, c, value, until FROM entries WHERE key>=?1 AND until>?2"
                                    " AND key<?4 ORDER BY key, kind LIMIT ?3") &&
               file_.prepare(list_all_,
                             "SELECT key, kind, a, b, c, value, until FROM entries WHERE key>=?1 AND until>?2"
                             " ORDER BY key, kind LIMIT ?3") &&
               file_.prepare(sweep_, "DELETE FROM entries WHERE (key, kind) IN"
                                     " (SELECT key, kind FROM entries WHERE sweep<=?1 ORDER BY sweep LIMIT ?2)") &&
               file_.prepare(pages_, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count,"
                                     " pragma_freelist_count, pragma_page_size");
    }

    static void bind(sqlite3_stmt* s, int at, const std::string& octets)
    {
        sqlite3_bind_blob(s, at, octets.data(), static_cast<int>(octets.size()), SQLITE_STATIC);
    }
    static Row row_at(sqlite3_stmt* s, int column)
    {
        return {.a = sqlite3_column_int64(s, column),
                .b = sqlite3_column_int64(s, column + 1),
                .c = sqlite3_column_int64(s, column + 2),
                .value = column_octets(s, column + 3),
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
               (sqlite3_changes(file_.get()) != 0 || write(keep_.get(), key, kind, row));
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
            const auto octets = static_cast<std::uint64_t>(sqlite3_column_int64(pages_.get(), 0));
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

    SqliteFile file_; // before the statements: they end first
    std::uint64_t limit_octets_;
    std::mutex mutex_;
    unsigned written_ = 0;
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
