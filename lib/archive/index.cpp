#include "lib/archive/index.hpp"

#include "lib/archive/pack.hpp"
#include "lib/core/handle.hpp"
#include "lib/mail/block.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/message.hpp"

#include <sqlite3.h>
#include <unistd.h>

namespace mgw::archive
{

namespace
{

using Database = Handle<sqlite3, sqlite3_close_v2>;
using Statement = Handle<sqlite3_stmt, sqlite3_finalize>;

constexpr int schema_version = 1;
constexpr const char* schema =
    "CREATE TABLE packs(path TEXT PRIMARY KEY, salt INTEGER, indexed INTEGER, last_offset INTEGER, last_id TEXT);"
    "CREATE TABLE messages(id TEXT, pack TEXT, offset INTEGER, time_us INTEGER, octets INTEGER, mgw_id TEXT, sender "
    "TEXT,"
    " recipients TEXT, header_from TEXT, header_to TEXT, subject TEXT, message_id TEXT);"
    "CREATE INDEX by_id ON messages(id); CREATE INDEX by_mgw_id ON messages(mgw_id);"
    "CREATE INDEX by_message_id ON messages(message_id); CREATE INDEX by_time ON messages(time_us, id);"
    "PRAGMA user_version=1;";
constexpr std::size_t longest_field = 1000;

std::string column_text(sqlite3_stmt* statement, int column)
{
    const auto* text = sqlite3_column_text(statement, column);
    // SQLite's text is unsigned char
    return text == nullptr ? std::string{}
                           : std::string(reinterpret_cast<const char*>(text), // NOLINT
                                         static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
}

/// Valid UTF-8 without NUL: instr() and lower() want text.
std::string for_index(std::string_view octets)
{
    std::string out(octets.substr(0, longest_field));
    for (auto& c : out)
        if (c == '\0' || c == '\n' || c == '\r')
            c = ' ';
    return out;
}

Entry describe(const RecordHead& head, const std::string& pack, std::uint64_t offset, const Content& content)
{
    Entry entry{.id = head.id, .pack = pack, .offset = offset, .time_us = head.time_us, .octets = head.message_octets};
    if (const auto block = mail::Block::parse(content.block)) {
        entry.mgw_id = block->id();
        entry.sender = block->from().value_or("");
        for (const auto& recipient : block->recipients())
            entry.recipients += (entry.recipients.empty() ? "" : ", ") + recipient.path;
    }
    const mail::Message message(content.message);
    entry.header_from = for_index(mail::decode_words(message.value_of("From").value_or("")));
    entry.header_to = for_index(mail::decode_words(message.value_of("To").value_or("")) + " " +
                                mail::decode_words(message.value_of("Cc").value_or("")));
    entry.subject = for_index(mail::decode_words(message.value_of("Subject").value_or("")));
    entry.message_id = for_index(message.value_of("Message-ID").value_or(""));
    return entry;
}

} // namespace

struct Index::Impl {
    std::string archive;
    Database db;

    bool run(const char* sql) { return sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

    Statement prepare(const char* sql)
    {
        sqlite3_stmt* raw = nullptr;
        sqlite3_prepare_v2(db.get(), sql, -1, &raw, nullptr);
        return Statement(raw);
    }

    static void bind(const Statement& to, int at, const std::string& text)
    {
        sqlite3_bind_text(to.get(), at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    static void bind(const Statement& to, int at, std::uint64_t number)
    {
        sqlite3_bind_int64(to.get(), at, static_cast<sqlite3_int64>(number));
    }

    std::unexpected<Error> failed() const
    {
        return fail(Status::temp_fail, "the index of " + archive + ": " + sqlite3_errmsg(db.get()),
                    "it may be deleted: the next command makes it again");
    }

    bool open(const std::string& path)
    {
        sqlite3* raw = nullptr;
        const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
        db.reset(raw);
        if (code != SQLITE_OK)
            return false;
        sqlite3_busy_timeout(db.get(), 10000);
        // the confined process may write in the archive only
        return run("PRAGMA temp_store=MEMORY") && run("PRAGMA synchronous=NORMAL") && run("BEGIN IMMEDIATE");
    }

    /// Within the transaction: whether the tables are those of this version and the packs still what they were.
    bool is_good()
    {
        auto version = prepare("PRAGMA user_version");
        if (!version || sqlite3_step(version.get()) != SQLITE_ROW ||
            sqlite3_column_int(version.get(), 0) != schema_version)
            return false;
        version.reset();
        auto packs = prepare("SELECT path, salt, indexed, last_offset, last_id FROM packs");
        int code = SQLITE_ERROR;
        while (packs && (code = sqlite3_step(packs.get())) == SQLITE_ROW) {
            auto pack = Pack::open(archive + "/" + column_text(packs.get(), 0));
            if (!pack || pack->head().salt != static_cast<std::uint32_t>(sqlite3_column_int64(packs.get(), 1)) ||
                pack->size() < static_cast<std::uint64_t>(sqlite3_column_int64(packs.get(), 2)))
                return false;
            const auto last_id = column_text(packs.get(), 4);
            if (last_id.empty())
                continue;
            // another record may have taken the place of one that was cut off
            const auto head = pack->head_at(static_cast<std::uint64_t>(sqlite3_column_int64(packs.get(), 3)));
            if (!head || head->id != last_id)
                return false;
        }
        return code == SQLITE_DONE;
    }

    bool rebuild() { return run("DROP TABLE IF EXISTS packs; DROP TABLE IF EXISTS messages;") && run(schema); }

    Result<void> take_in()
    {
        auto seen = prepare("SELECT indexed FROM packs WHERE path = ?");
        auto add = prepare("INSERT INTO messages VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
        auto done = prepare("INSERT OR REPLACE INTO packs VALUES(?,?,?,?,?)");
        if (!seen || !add || !done)
            return failed();
        for (const auto& file : packs_of(archive)) {
            sqlite3_reset(seen.get());
            bind(seen, 1, file.path);
            const std::uint64_t from = sqlite3_step(seen.get()) == SQLITE_ROW
                                           ? static_cast<std::uint64_t>(sqlite3_column_int64(seen.get(), 0))
                                           : 0;
            if (from >= file.size)
                continue;
            auto pack = Pack::open(archive + "/" + file.path);
            if (!pack)
                continue; // verify names it
            std::string last_id;
            std::uint64_t last_offset = 0;
            auto end = pack->walk(
                from,
                [&](const RecordHead& head, std::uint64_t offset) -> Result<void> {
                    last_id = head.id;
                    last_offset = offset;
                    if (head.kind == Kind::message)
                        return insert(add,
                                      describe(head, file.path, offset, pack->read(head, offset).value_or(Content{})));
                    return {};
                },
                [](const Damage&) {});
            if (!end)
                return pass(end);
            if (last_id.empty())
                continue;
            sqlite3_reset(done.get());
            bind(done, 1, file.path);
            bind(done, 2, pack->head().salt);
            bind(done, 3, *end);
            bind(done, 4, last_offset);
            bind(done, 5, last_id);
            if (sqlite3_step(done.get()) != SQLITE_DONE)
                return failed();
        }
        return {};
    }

    Result<void> insert(const Statement& add, const Entry& entry)
    {
        sqlite3_reset(add.get());
        int at = 0;
        bind(add, ++at, entry.id);
        bind(add, ++at, entry.pack);
        bind(add, ++at, entry.offset);
        bind(add, ++at, entry.time_us);
        bind(add, ++at, entry.octets);
        for (const auto* text : {&entry.mgw_id, &entry.sender, &entry.recipients, &entry.header_from, &entry.header_to,
                                 &entry.subject, &entry.message_id})
            bind(add, ++at, *text);
        if (sqlite3_step(add.get()) != SQLITE_DONE)
            return failed();
        return {};
    }

    Result<void> refresh()
    {
        if (!is_good() && !rebuild())
            return failed();
        if (auto taken = take_in(); !taken)
            return taken;
        if (!run("COMMIT"))
            return failed();
        return {};
    }
};

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::~Index() = default;
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;

Result<Index> Index::open(const std::string& archive)
{
    const auto path = archive + "/index/archive.sqlite";
    Result<void> last = fail(Status::temp_fail, "the index of " + archive + " cannot be opened");
    // as it is; else anew; else, where the disk is full or read-only, in memory
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (attempt == 1) {
            ::unlink(path.c_str());
            ::unlink((path + "-journal").c_str());
        }
        auto impl = std::make_unique<Impl>();
        impl->archive = archive;
        if (!impl->open(attempt == 2 ? ":memory:" : path))
            continue;
        last = impl->refresh();
        if (last)
            return Index(std::move(impl));
    }
    return pass(last);
}

Result<void> Index::select(const Query& query, const std::function<void(const Entry&)>& found)
{
    std::string sql = "SELECT id, pack, offset, time_us, octets, mgw_id, sender, recipients, header_from, header_to,"
                      " subject, message_id FROM messages WHERE time_us >= ?1 AND time_us < ?2";
    if (!query.from.empty())
        sql += " AND instr(lower(sender || ' ' || header_from), lower(?3)) > 0";
    if (!query.to.empty())
        sql += " AND instr(lower(recipients || ' ' || header_to), lower(?4)) > 0";
    if (!query.subject.empty())
        sql += " AND instr(lower(subject), lower(?5)) > 0";
    if (!query.id.empty())
        sql += " AND (id = ?6 OR mgw_id = ?6 OR message_id = ?6 OR message_id = '<' || ?6 || '>')";
    sql += " ORDER BY time_us, pack, offset";
    auto statement = impl_->prepare(sql.c_str());
    if (!statement)
        return impl_->failed();
    Impl::bind(statement, 1, query.since_us);
    Impl::bind(statement, 2, query.until_us);
    Impl::bind(statement, 3, query.from);
    Impl::bind(statement, 4, query.to);
    Impl::bind(statement, 5, query.subject);
    Impl::bind(statement, 6, query.id);
    int code = SQLITE_ERROR;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
        auto* row = statement.get();
        found(Entry{.id = column_text(row, 0),
                    .pack = column_text(row, 1),
                    .offset = static_cast<std::uint64_t>(sqlite3_column_int64(row, 2)),
                    .time_us = static_cast<std::uint64_t>(sqlite3_column_int64(row, 3)),
                    .octets = static_cast<std::uint64_t>(sqlite3_column_int64(row, 4)),
                    .mgw_id = column_text(row, 5),
                    .sender = column_text(row, 6),
                    .recipients = column_text(row, 7),
                    .header_from = column_text(row, 8),
                    .header_to = column_text(row, 9),
                    .subject = column_text(row, 10),
                    .message_id = column_text(row, 11)});
    }
    if (code != SQLITE_DONE)
        return impl_->failed();
    return {};
}

} // namespace mgw::archive
