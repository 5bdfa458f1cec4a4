#include "lib/cli/stream.hpp"

#include "lib/cli/envelope.hpp"
#include "lib/cli/impl.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/key.hpp"
#include "lib/core/text.hpp"
#include "lib/core/ulid.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/mbox.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace mgw::cli
{

namespace
{

constexpr std::size_t chunk_octets = 256U << 10;
/// More than any message that a gateway sees: a guard for memory, not a policy (that is Limits::message_octets).
constexpr std::size_t hard_limit_octets = std::size_t{2} << 30;

struct Source {
    Kind kind = Kind::message;
    std::string path; ///< empty for standard input
};

Result<Kind> detect(const std::string& path)
{
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) {
        auto error = fail_errno(errno, "cannot open " + path);
        error.error().status = Status::data;
        return error;
    }
    char first[5] = {};
    const ssize_t n = ::pread(fd.value(), first, sizeof first, 0);
    return n == 5 && std::string_view(first, 5) == "From " ? Kind::mbox : Kind::message;
}

/// Messages of a folder: a Maildir's new and cur, else all files, by name.
Result<std::vector<Source>> list_folder(const std::string& path)
{
    namespace fs = std::filesystem;
    std::vector<std::string> folders;
    std::error_code error;
    for (const char* sub : {"/new", "/cur"})
        if (fs::is_directory(path + sub, error))
            folders.push_back(path + sub);
    if (folders.empty())
        folders.push_back(path);
    std::vector<Source> out;
    for (const auto& folder : folders) {
        std::vector<std::string> files;
        for (const auto& entry : fs::directory_iterator(folder, error))
            if (entry.is_regular_file(error) && !entry.path().filename().string().starts_with("."))
                files.push_back(entry.path().string());
        if (error)
            return fail(Status::data, "cannot read the folder " + folder + ": " + error.message());
        std::ranges::sort(files);
        for (auto& file : files) {
            auto kind = detect(file);
            if (!kind)
                return pass(kind);
            out.push_back(Source{*kind, std::move(file)});
        }
    }
    return out;
}

/// Whether a second separator stands in what begins with one.
bool looks_like_mbox(std::string_view text)
{
    for (std::size_t at = text.find("\n\nFrom "); at != std::string_view::npos; at = text.find("\n\nFrom ", at + 1))
        if (mail::is_separator(text.substr(at + 2, text.find('\n', at + 2) - at - 2)))
            return true;
    return false;
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
    std::vector<Source> sources;
    bool from_operands = false;
    std::optional<Error> start_error;
    std::size_t source = 0;
    Fd file;
    mail::FrameReader frames;
    mail::MboxReader mbox;
    bool ended = false;
    bool mbox_open = false;
    std::uint64_t count = 0;

    Impl(Tool& t, const StreamOptions& o, const EnvelopeOptions& e, int fd)
        : tool(t), options(o), envelope(e), in_fd(fd), frames(t.common().limits)
    {}

    void plan()
    {
        if (options.operands.empty()) {
            kind = options.input == Kind::automatic ? Kind::message : options.input;
            sources.push_back(Source{kind, {}});
            return;
        }
        from_operands = true;
        std::error_code error;
        for (const auto& operand : options.operands) {
            if (std::filesystem::is_directory(operand, error)) {
                auto list = list_folder(operand);
                if (!list) {
                    start_error = list.error();
                    return;
                }
                sources.insert(sources.end(), list->begin(), list->end());
                kind = Kind::mbox;
                continue;
            }
            auto found = detect(operand);
            if (!found) {
                start_error = found.error();
                return;
            }
            sources.push_back(Source{options.input == Kind::automatic ? *found : options.input, operand});
        }
        kind = sources.size() == 1 && options.operands.size() == 1 && kind != Kind::mbox ? sources[0].kind : Kind::mbox;
    }

    Result<void> need_key()
    {
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
        const std::string base = sources[source].path.empty() ? "standard input" : sources[source].path;
        return sources[source].kind == Kind::mbox ? base + ", message " + std::to_string(count) : base;
    }

    /// Takes a believed block off `text` (which stands behind the From line), or makes one.
    Item make_item(std::string text, std::string prefix, Kind item_kind)
    {
        Item item;
        item.kind = item_kind;
        item.prefix = std::move(prefix);
        ++count;
        item.name = name();
        mail::Member member;
        const auto found = mail::find_block(text, 0, tool.common().limits);
        if (found) {
            const std::string_view after = std::string_view(text).substr(found->end);
            const std::string message = item_kind == Kind::mbox ? mail::mboxrd_unquote(after) : std::string{};
            const std::string_view covered = item_kind == Kind::mbox ? std::string_view(message) : after;
            if (!key.empty() && !found->tag.empty() &&
                equal_secret(found->tag, mail::block_tag(key, found->block, covered))) {
                item.block_was_believed = true;
                member.block = found->block;
                text.erase(0, found->end);
            } else if (!warned) {
                warned = true;
                tool.warn(item.name +
                          ": an envelope block without a valid tag is not believed; it is text of a foreign message");
            }
        }
        if (item_kind == Kind::mbox) {
            item.original = text;
            member.message = mail::mboxrd_unquote(text);
        } else {
            member.message = std::move(text);
        }
        if (item.block_was_believed)
            complete_block(envelope, member.block);
        else
            member.block = make_block(tool, envelope, member.message);
        item.frame.id = member.block.id();
        item.frame.members.push_back(std::move(member));
        return item;
    }

    Result<bool> open_source()
    {
        const Source& s = sources[source];
        if (s.path.empty())
            return true;
        file.reset(::open(s.path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file) {
            auto error = fail_errno(errno, "cannot open " + s.path);
            error.error().status = Status::data;
            return error;
        }
        return true;
    }

    int source_fd() const { return sources[source].path.empty() ? in_fd : file.value(); }

    Result<std::optional<Item>> next_mbox()
    {
        std::string chunk;
        for (;;) {
            if (auto entry = mbox.next()) {
                Item item = make_item(std::move(entry->text), std::move(entry->prefix), Kind::mbox);
                item.trailer = std::move(entry->trailer);
                return item;
            }
            if (ended)
                return std::nullopt;
            chunk.resize(chunk_octets);
            const ssize_t n = ::read(source_fd(), chunk.data(), chunk.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return fail_errno(errno, "cannot read " + name());
            if (n == 0) {
                ended = true;
                mbox.finish();
            } else {
                mbox.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(n)));
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
            text.error().status = Status::temp_fail;
            return pass(text);
        }
        if (text->empty() && sources.size() == 1)
            return fail(Status::temp_fail, "no message on " + name());
        const std::size_t prefix = mail::from_line_octets(*text);
        std::string line = text->substr(0, prefix);
        text->erase(0, prefix);
        if (prefix > 0 && looks_like_mbox(*text))
            tool.warn(name() + " looks like an mbox and is taken for one message; say --input=mbox");
        return make_item(std::move(*text), std::move(line), Kind::message);
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
    return impl_->kind == Kind::frames && !impl_->from_operands;
}
std::size_t Input::buffered_octets() const
{
    return impl_->frames.buffered() + impl_->mbox.buffered();
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
    if (in.start_error)
        return std::unexpected(*in.start_error);
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
    while (in.source < in.sources.size()) {
        const Kind kind = in.sources[in.source].kind;
        if (!in.mbox_open) {
            if (auto opened = in.open_source(); !opened)
                return pass(opened);
            in.mbox_open = true;
            in.ended = false;
            in.mbox = mail::MboxReader{};
        }
        if (kind == Kind::mbox) {
            auto item = in.next_mbox();
            if (!item || *item)
                return item;
        } else {
            auto item = in.next_message();
            in.mbox_open = false;
            ++in.source;
            return item;
        }
        in.mbox_open = false;
        ++in.source;
        if (in.count == 0 && in.source == in.sources.size())
            return fail(Status::temp_fail,
                        "no message on " +
                            (in.sources.back().path.empty() ? std::string("standard input") : in.sources.back().path));
    }
    return std::nullopt;
}

namespace
{

/// The block with its tag in the message's own line ends.
std::string block_octets(const mail::Member& member, const std::string& key)
{
    std::string text = member.block.lines();
    text += key.empty() ? "Mgw-End:\n"
                        : "Mgw-End: hmac-sha256=" + mail::block_tag(key, member.block, member.message) + "\n";
    const auto lf = member.message.find('\n');
    if (lf == std::string::npos || lf == 0 || member.message[lf - 1] != '\r')
        return text;
    std::string out;
    for (const char c : text)
        out.append(c == '\n' ? "\r\n" : std::string(1, c));
    return out;
}

std::string from_line(const mail::Member& member)
{
    const auto from = member.block.from();
    std::string sender = from && !from->empty() ? *from : "MAILER-DAEMON";
    std::ranges::replace(sender, ' ', '-');
    const std::time_t now = unix_seconds(Clock::from_environment().now());
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char date[32];
    ::asctime_r(&parts, date);
    return "From " + sender + " " + date;
}

} // namespace

std::string output_octets(const Item& item, Kind kind, BlockMode block, const std::string& key)
{
    if (kind == Kind::frames)
        return mail::frame_octets(item.frame);
    const bool keep = block != BlockMode::strip;
    if (kind == Kind::message) {
        const auto& member = item.frame.members.at(0);
        return item.prefix + (keep ? block_octets(member, key) : std::string{}) + member.message;
    }
    std::string out;
    for (std::size_t i = 0; i < item.frame.members.size(); ++i) {
        const auto& member = item.frame.members[i];
        const bool as_it_was =
            i == 0 && item.kind == Kind::mbox && mail::mboxrd_unquote(item.original) == member.message;
        out += i == 0 && !item.prefix.empty() ? item.prefix : from_line(member);
        if (keep)
            out += block_octets(member, key);
        out += as_it_was ? item.original : mail::mboxrd_quote(member.message);
        if (as_it_was && item.frame.members.size() == 1) {
            out += item.trailer; // the last message of a file may lack the empty line
            continue;
        }
        if (!out.ends_with('\n')) // the line end that the tag counts on
            out += mail::Message(member.message).line_end();
        out += i == 0 && !item.trailer.empty() ? item.trailer : "\n";
    }
    return out;
}

namespace
{

void declare_kind_options(Tool& tool, CLI::App& app, StreamOptions& options)
{
    static const std::map<std::string, Kind> kinds{
        {"message", Kind::message}, {"mbox", Kind::mbox}, {"frames", Kind::frames}};
    const auto kind_option = [&](const char* name, Kind& into, const char* text) {
        tool.choices(app.add_option_function<std::string>(
                            name, [&into](const std::string& value) { into = kinds.at(value); }, text)
                         ->type_name("KIND"),
                     {"message", "mbox", "frames"});
    };
    kind_option("--input", options.input,
                "Kind of the input: one message (the default), an mbox, or the frames of a lane.");
    kind_option("--output", options.output, "Kind of the output; the default is that of the input.");
    tool.choices(app.add_option_function<std::string>(
                        "--block",
                        [&options](const std::string& value) {
                            options.block = value == "keep" ? BlockMode::keep : BlockMode::strip;
                        },
                        "Whether the envelope block stands before messages on output.")
                     ->type_name("MODE"),
                 {"keep", "strip"});
    tool.hint(app.add_option("--key-file", options.key_file,
                             "Key for the tags of envelope blocks, 32 octets; the default is in the state folder.")
                  ->type_name("FILE"),
              Complete::file);
}

void declare_envelope(CLI::App& app, EnvelopeOptions& options)
{
    const CLI::Validator is_path(
        [](std::string& value) {
            return mail::parse_path(value) ? std::string{} : "not an address: " + printable(value, 80);
        },
        "");
    const CLI::Validator is_recipient(
        [](std::string& value) {
            const auto path = mail::parse_path(value);
            return path && !path->empty() ? std::string{} : "not an address: " + printable(value, 80);
        },
        "");
    const CLI::Validator is_ip(
        [](std::string& value) {
            unsigned char octets[16];
            const bool good = value.empty() || ::inet_pton(AF_INET, value.c_str(), octets) == 1 ||
                              ::inet_pton(AF_INET6, value.c_str(), octets) == 1;
            return good ? std::string{} : "not an IP address: " + printable(value, 80);
        },
        "");
    app.add_option("--client-ip", options.client_ip, "Address of the SMTP client that sent the message, IPv4 or IPv6.")
        ->check(is_ip)
        ->type_name("IP");
    app.add_option("--client-name", options.client_name, "Verified name of the SMTP client.")->type_name("NAME");
    app.add_option("--helo", options.helo, "Name that the SMTP client gave in EHLO or HELO.")->type_name("NAME");
    app.add_option("--from", options.from, "Envelope sender; an empty value is the null sender.")
        ->check(is_path)
        ->type_name("ADDRESS");
    app.add_option("--to", options.to, "Envelope recipient; may be repeated.")
        ->check(is_recipient)
        ->type_name("ADDRESS")
        ->allow_extra_args(false); // else it takes the operands that follow it
    app.add_option("--trust-received", options.trust_received,
                   "How many topmost Received fields to believe for the client's address, 0 to 100.")
        ->type_name("N")
        ->check(CLI::Range(0, 100).description(""));
}

} // namespace

void declare_stream_options(Tool& tool, CLI::App& app, StreamOptions& options)
{
    tool.hint(app.add_option("operands", options.operands,
                             "Messages, mboxes, Maildirs and folders of messages to read instead of standard input.")
                  ->type_name("FILE"),
              Complete::file);
    tool.later(app, [&] { declare_kind_options(tool, app, options); });
}

void declare_envelope_options(Tool& tool, CLI::App& app, EnvelopeOptions& options)
{
    tool.later(app, [&] { declare_envelope(app, options); });
}

} // namespace mgw::cli
