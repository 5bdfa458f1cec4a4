#include "lib/cli/stream.hpp"

#include "lib/cli/envelope.hpp"
#include "lib/cli/operands.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/key.hpp"
#include "lib/mail/mbox.hpp"
#include "lib/mail/separator.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::cli
{

namespace
{

constexpr std::size_t chunk_octets = 256U << 10;
/// More than any message that a gateway sees: a guard for memory, not a policy (that is Limits::message_octets).
constexpr std::size_t hard_limit_octets = std::size_t{2} << 30;

/// Whether a second separator stands in what begins with one.
bool looks_like_mbox(std::string_view text)
{
    for (auto at = mail::find_from_line(text); at != std::string_view::npos; at = mail::find_from_line(text, at + 1)) {
        const bool after_empty = at > 0 && (text[at - 1] == '\n' || (text[at - 1] == '\r' && at > 1));
        const auto line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
        if (after_empty && mail::from_line_kind(line) == mail::FromLine::dated)
            return true;
    }
    return false;
}

std::optional<std::uint64_t> regular_octets(int fd)
{
    struct stat st {};
    return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? std::optional<std::uint64_t>(st.st_size) : std::nullopt;
}

std::optional<std::uint64_t> regular_octets(const std::string& path)
{
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) ? std::optional<std::uint64_t>(st.st_size)
                                                                 : std::nullopt;
}

} // namespace

struct Input::Impl {
    Tool& tool;
    const StreamOptions& options;
    const EnvelopeOptions& envelope;
    int in_fd;
    Kind kind = Kind::message;
    std::string key;
    bool key_loaded = false;
    bool warned = false;
    std::optional<Error> start_error;
    Operands operands;
    std::optional<Source> source; ///< the one that is read now
    Kind source_kind = Kind::message;
    Fd file;
    mail::FrameReader frames;
    mail::MboxReader mbox;
    std::uint64_t mbox_begin = 0; ///< offset at which `mbox` began
    bool standard_input_read = false;
    bool has_folder = false;
    bool ended = false;
    std::uint64_t unread = 0; ///< files of folders that could not be opened
    Status unread_status = Status::ok;
    Position at;
    std::uint64_t octets = 0;
    std::optional<std::uint64_t> all_octets = 0; ///< of operands, where they are files alone

    Impl(Tool& t, const StreamOptions& o, const EnvelopeOptions& e, int fd)
        : tool(t), options(o), envelope(e), in_fd(fd), operands(o.operands), frames(t.common().limits)
    {}

    bool from_operands() const { return !options.operands.empty(); }
    Status unreadable() const { return from_operands() ? Status::data : Status::temp_fail; }

    void plan()
    {
        kind = options.input == Kind::automatic ? Kind::message : options.input;
        if (from_operands())
            plan_operands();
        if (start_error)
            return;
        if (kind == Kind::frames && from_operands())
            start_error = Error{Status::usage, "frames come from standard input, not from files", {}};
        else if (options.shard.count > 1 && kind == Kind::frames)
            start_error = Error{Status::usage, "--shard is not for frames: each must come out once", {}};
        else if (options.shard.count > 1 && kind == Kind::message)
            start_error = Error{Status::usage, "--shard needs many messages, and this is one",
                                "say --input=mbox, or name an mbox, a Maildir or a folder"};
    }

    void plan_operands()
    {
        bool many = options.operands.size() > 1;
        for (const auto& operand : options.operands) {
            auto found = operand_kind(operand);
            if (!found) {
                start_error = found.error();
                return;
            }
            const auto octets_of = regular_octets(operand);
            all_octets = all_octets && octets_of ? std::optional(*all_octets + *octets_of) : std::nullopt;
            has_folder = has_folder || (*found != OperandKind::message && *found != OperandKind::mbox);
            many = many || (*found != OperandKind::message && *found != OperandKind::mbox) ||
                   (*found == OperandKind::mbox && options.input == Kind::automatic);
        }
        if (kind != Kind::frames && many)
            kind = Kind::mbox;
    }

    Result<void> need_key()
    {
        if (start_error)
            return std::unexpected(*start_error);
        if (key_loaded || kind == Kind::frames)
            return {};
        auto loaded = load_key(options.key_file);
        if (!loaded)
            return pass(loaded);
        key = std::move(*loaded);
        key_loaded = true;
        if (key.empty())
            tool.warn("no home for a key: envelope blocks have no tag and none is believed");
        return {};
    }

    std::string name() const
    {
        const std::string base = !source || source->path.empty() ? "standard input" : source->path;
        return source_kind == Kind::mbox ? base + ", message " + std::to_string(at.number - at.earlier) : base;
    }

    /// Counts one message more; whether it is this shard's.
    bool count()
    {
        ++at.number;
        return options.shard.takes(at.number);
    }

    /// Takes a believed block off `text` (which stands behind the From line, without mbox quoting), or makes one.
    Item make_item(std::string text, std::string prefix)
    {
        Item item;
        item.kind = source_kind;
        item.prefix = std::move(prefix);
        item.name = name();
        item.position = at;
        mail::Member member;
        if (const auto found = mail::find_block(text, 0, tool.common().limits)) {
            const std::string_view after = std::string_view(text).substr(found->end);
            if (!key.empty() && !found->tag.empty() &&
                equal_secret(found->tag, mail::block_tag(key, found->block, after))) {
                item.block_was_believed = true;
                member.block = found->block;
                text.erase(0, found->end);
            } else if (!warned) {
                warned = true;
                tool.warn(item.name +
                          ": an envelope block without a valid tag is not believed; it is text of a foreign message");
            }
        }
        member.message = std::move(text);
        if (item.block_was_believed) {
            complete_block(envelope, member.block);
        } else {
            // of many messages each has its own sequence: with --seed an Mgw-Id depends neither on the shard nor on
            // where a run went on
            Random own = kind == Kind::mbox ? tool.random().fork(std::to_string(at.number)) : tool.random();
            member.block = make_block(tool, own, envelope, member.message);
        }
        item.frame.id = member.block.id();
        item.frame.members.push_back(std::move(member));
        return item;
    }

    int source_fd() const { return source && !source->path.empty() ? file.value() : in_fd; }

    /// Makes the next file the one that is read, without opening it. False at the end.
    Result<bool> next_source()
    {
        file.reset();
        source.reset();
        ended = false;
        mbox = mail::MboxReader{};
        mbox_begin = 0;
        if (!from_operands()) {
            if (standard_input_read)
                return false;
            standard_input_read = true;
            source = Source{};
            source_kind = kind;
        } else {
            auto next = operands.next();
            if (!next)
                return pass(next);
            if (!*next)
                return false;
            source = std::move(**next);
            source_kind = Kind::message; // until it is opened
        }
        at = Position{at.number, at.source + 1, operands.chain(), source->path, false, 0, true, at.number};
        return true;
    }

    /// Opens a Maildir's file wherever another program moved it to meanwhile. False if it removed it.
    Result<bool> open_moved()
    {
        constexpr int most_tries = 100; // it may be moved again and again
        std::string path = source->path;
        for (int tries = 0; tries < most_tries; ++tries) {
            auto moved = operands.find_moved(path);
            if (!moved)
                return pass(moved);
            if (!*moved) {
                tool.warn(source->path + " is gone");
                return false;
            }
            path = std::move(**moved);
            file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            if (file)
                return true;
            struct stat st {};
            if (errno != ENOENT || ::lstat(path.c_str(), &st) == 0) // it is there, and leads nowhere
                return unopened(errno, path);
        }
        return fail(Status::temp_fail, source->path + " is moved again and again, faster than it can be opened");
    }

    static std::unexpected<Error> unopened(int code, const std::string& path)
    {
        auto error = fail_errno(code, "cannot open " + path);
        if (code != EMFILE && code != ENFILE && code != ENOMEM) // our own trouble
            error.error().status = Status::data;
        return error;
    }

    /// False for a file that is gone, where that is no failure.
    Result<bool> open_source()
    {
        if (source->path.empty()) {
            const auto here = kind == Kind::mbox ? ::lseek(in_fd, 0, SEEK_CUR) : -1;
            at.offset = mbox_begin = here > 0 ? static_cast<std::uint64_t>(here) : 0;
            octets += at.offset;
            return true;
        }
        if (source->is_other)
            return fail(Status::data, source->path + " is no file");
        file.reset(::open(source->path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file && errno == ENOENT && source->may_vanish) {
            auto opened = open_moved();
            if (!opened || !*opened)
                return opened;
        }
        if (!file)
            return unopened(errno, source->path);
        if (!source->one_message && options.input != Kind::automatic) {
            source_kind = options.input;
        } else if (!source->one_message) {
            auto found = operand_kind(source->path);
            if (!found)
                return pass(found);
            source_kind = *found == OperandKind::mbox ? Kind::mbox : Kind::message;
        }
        return true;
    }

    /// Whether the others of its folder are read all the same: then it is said at once, and the end is a failure.
    bool leave_unread(const Error& error)
    {
        if (!source->in_folder)
            return false;
        tool.warn(error.message);
        ++unread;
        if (unread_status != Status::temp_fail)
            unread_status = error.status;
        return true;
    }

    Result<std::optional<Item>> next_mbox()
    {
        for (;;) {
            while (auto entry = mbox.next()) {
                octets += mbox_begin + mbox.consumed() - at.offset;
                at.offset = mbox_begin + mbox.consumed();
                at.lengths_hold = mbox.lengths_hold();
                if (!count())
                    continue;
                Item item = make_item(entry->quoted ? mail::mboxrd_unquote(entry->text) : std::string(entry->text),
                                      std::string(entry->prefix));
                item.has_from_field = mail::has_from_field(entry->text);
                item.trailer = entry->trailer; // making an item does not feed the reader
                return item;
            }
            if (ended)
                return std::nullopt;
            const auto room = mbox.room(chunk_octets);
            const ssize_t n = ::read(source_fd(), room.data(), room.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0) {
                auto error = fail_errno(errno, "cannot read " + name());
                error.error().status = unreadable();
                return error;
            }
            if (n == 0) {
                ended = true;
                mbox.finish();
            } else {
                mbox.fed(static_cast<std::size_t>(n));
            }
            if (mbox.buffered() > hard_limit_octets)
                return fail(Status::temp_fail,
                            name() + " is larger than " + std::to_string(hard_limit_octets) + " octets");
        }
    }

    Result<std::optional<Item>> next_message()
    {
        auto text = read_all(source_fd(), hard_limit_octets);
        if (!text) {
            text.error().message = name() + ": " + text.error().message;
            text.error().status = unreadable();
            return pass(text);
        }
        octets += text->size();
        if (text->empty() && kind == Kind::message)
            return fail(Status::temp_fail, "no message on " + name());
        const std::size_t prefix = mail::from_line_octets(*text);
        std::string line = text->substr(0, prefix);
        text->erase(0, prefix);
        if (prefix > 0 && !source->one_message && looks_like_mbox(*text))
            tool.warn(name() + " looks like an mbox and is taken for one message; say --input=mbox");
        return make_item(std::move(*text), std::move(line));
    }

    /// The next message of the file that is read now; nothing at its end.
    Result<std::optional<Item>> next_of_source()
    {
        if (source_kind == Kind::mbox)
            return next_mbox();
        if (at.whole)
            return std::nullopt;
        at.whole = true;
        return count() ? next_message() : Result<std::optional<Item>>(std::nullopt);
    }
};

Input::Input(Tool& tool, const StreamOptions& options, const EnvelopeOptions& envelope, int fd)
    : impl_(std::make_unique<Impl>(tool, options, envelope, fd))
{
    impl_->plan();
}
Input::~Input() = default;
Input::Input(Input&&) noexcept = default;

Result<void> Input::prepare()
{
    return impl_->need_key();
}

Kind Input::kind() const
{
    return impl_->kind;
}
int Input::fd() const
{
    return impl_->in_fd;
}
bool Input::is_stream() const
{
    return impl_->kind == Kind::frames;
}
std::size_t Input::buffered_octets() const
{
    return impl_->frames.buffered() + impl_->mbox.buffered();
}
const Position& Input::position() const
{
    return impl_->at;
}

Passed Input::passed() const
{
    const Impl& in = *impl_;
    Passed out;
    out.messages = in.at.number;
    out.octets = in.octets;
    out.files = in.at.source;
    out.all_files = in.from_operands() ? in.operands.total() : std::optional<std::uint64_t>(1);
    if (!in.from_operands()) {
        out.all_octets = regular_octets(in.in_fd);
        return out;
    }
    out.all_octets = in.all_octets;
    return out;
}

Result<void> Input::go_on(const Position& position)
{
    Impl& in = *impl_;
    const auto changed = [] {
        return fail(Status::config, "the files before the place where the last run stopped are not the same any more");
    };
    for (std::uint64_t i = 0; i < position.source; ++i) {
        auto next = in.next_source();
        if (!next)
            return pass(next);
        if (!*next)
            return changed();
        if ((i + 1 < position.source || position.whole) && !in.has_folder)
            in.octets += regular_octets(in.source->path).value_or(0);
    }
    if (in.at.chain != position.chain)
        return changed();
    if (position.source == 0)
        return {};
    const std::string path = in.at.path;
    in.at = position;
    in.at.path = path;
    const std::uint64_t before = in.octets + position.offset;
    if (position.whole) {
        in.source.reset();
        return {};
    }
    auto opened = in.open_source();
    if (!opened)
        return pass(opened);
    if (in.source_kind != Kind::mbox)
        return changed();
    in.at.offset = position.offset;
    in.octets = before;
    if (::lseek(in.source_fd(), static_cast<off_t>(position.offset), SEEK_SET) < 0)
        return fail_errno(errno, "cannot go on in " + in.name());
    in.mbox_begin = position.offset;
    in.mbox = mail::MboxReader(position.lengths_hold);
    return {};
}

Result<std::string> Input::key()
{
    if (auto loaded = impl_->need_key(); !loaded)
        return pass(loaded);
    return impl_->key;
}

Result<bool> Input::read_some()
{
    Impl& in = *impl_;
    if (in.ended)
        return false;
    std::string chunk;
    chunk.resize_and_overwrite(chunk_octets, [](char*, std::size_t n) { return n; });
    ssize_t n = 0;
    do {
        n = ::read(in.source_fd(), chunk.data(), chunk.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_errno(errno, "cannot read " + in.name());
    if (n == 0) {
        in.ended = true;
        return false;
    }
    in.frames.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(n)));
    return true;
}

Result<std::optional<Item>> Input::take()
{
    Impl& in = *impl_;
    auto frame = in.frames.next();
    if (!frame)
        return pass(frame);
    if (!*frame) {
        if (in.ended && in.frames.inside())
            return fail(Status::temp_fail, "input ends inside a frame", "the stage before this one failed");
        return std::nullopt;
    }
    Item item;
    item.kind = Kind::frames;
    item.frame = std::move(**frame);
    item.name = item.frame.id;
    item.block_was_believed = true;
    return item;
}

Result<std::optional<Item>> Input::next()
{
    Impl& in = *impl_;
    if (auto loaded = in.need_key(); !loaded)
        return pass(loaded);
    if (in.kind == Kind::frames) {
        for (;;) {
            auto item = take();
            if (!item || *item || in.ended)
                return item;
            if (auto more = read_some(); !more)
                return pass(more);
        }
    }
    for (;;) {
        if (in.source) {
            auto item = in.next_of_source();
            if (!item || *item)
                return item;
        }
        auto next = in.next_source();
        if (!next)
            return pass(next);
        if (!*next && in.at.number == 0 && !in.from_operands()) // folders and mboxes may be empty
            return fail(Status::temp_fail, "no message on standard input");
        if (!*next && in.unread > 0)
            return fail(in.unread_status, "of " + std::to_string(in.at.source) + " files " + std::to_string(in.unread) +
                                              " could not be read");
        if (!*next)
            return std::nullopt;
        // another shard's file need not be opened
        if (in.source->one_message && !in.options.shard.takes(in.at.number + 1))
            continue;
        auto opened = in.open_source();
        if (!opened && !in.leave_unread(opened.error()))
            return pass(opened);
        if (!opened || !*opened) {
            (void)in.count();
            in.at.whole = true;
        }
    }
}

} // namespace mgw::cli
