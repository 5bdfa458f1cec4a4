#pragma once

#include "lib/cli/tool.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/frame.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mgw::cli
{

enum class Kind : char { automatic, message, mbox, frames };
enum class BlockMode : char { automatic, keep, strip };

/// --shard I/N: the I-th of each N messages. 1/1 is all of them.
struct Shard {
    std::uint64_t index = 1;
    std::uint64_t count = 1;
    bool takes(std::uint64_t number) const { return (number - 1) % count == index - 1; }
    bool operator==(const Shard&) const = default;
};

/// --input, --output, --block, --shard, --key-file and the operands.
struct StreamOptions {
    Kind input = Kind::automatic;
    Kind output = Kind::automatic;
    BlockMode block = BlockMode::automatic;
    Shard shard;
    std::string key_file;
    std::vector<std::string> operands; ///< files, mboxes, Maildirs, folders of messages
};

/// --client-ip, --helo, --from, --to, --trust-received: the envelope of messages that bring none.
struct EnvelopeOptions {
    std::string client_ip;
    std::string client_name;
    std::string helo;
    std::optional<std::string> from;
    std::vector<std::string> to;
    unsigned trust_received = 0;
};

void declare_stream_options(Tool& tool, CLI::App& app, StreamOptions& options);
void declare_envelope_options(Tool& tool, CLI::App& app, EnvelopeOptions& options);

/// A place in a stream of many messages: just behind one of them.
struct Position {
    std::uint64_t number = 0;  ///< messages up to here, those of other shards too
    std::uint64_t source = 0;  ///< files up to here, the one in which it is too; 0 before the first
    std::string chain;         ///< hash of their names (Operands::chain)
    std::string path;          ///< the file in which it is; empty for standard input
    bool whole = false;        ///< nothing is left in that file
    std::uint64_t offset = 0;  ///< octets of the file up to here, where it is an mbox
    bool lengths_hold = true;  ///< MboxReader::lengths_hold
    std::uint64_t earlier = 0; ///< of `number` those in files before this one
};

/// One transaction as it came in, with what is needed to write it back octet for octet.
struct Item {
    mail::Frame frame; ///< in kinds message and mbox one member
    Kind kind = Kind::message;
    std::string prefix;  ///< the From line as it stood (message, mbox), with its line end
    std::string trailer; ///< mbox: the empty line after the message
    std::string name;    ///< file or "standard input", and the position, for complaints
    Position position;   ///< behind it; in frames nothing
    bool block_was_believed = false;
    bool has_from_field = false; ///< mbox: mail::has_from_field, which is left as it stood
};

/// How far an Input came, for people.
struct Passed {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::optional<std::uint64_t> all_octets; ///< where it is known
    std::uint64_t files = 0;
    std::optional<std::uint64_t> all_files; ///< where it is known
};

/// Reads transactions of any kind from a descriptor or from operands. Never waits while it holds a whole one.
class Input {
public:
    Input(Tool& tool, const StreamOptions& options, const EnvelopeOptions& envelope, int fd = 0);
    ~Input();
    Input(Input&&) noexcept;

    /// What was wrong with options and operands, and this user's key where it will be needed: call it before the
    /// process is confined. Status::usage where --shard makes no sense, Status::data for an operand that cannot be
    /// read.
    Result<void> prepare();
    /// The next transaction, waiting for it; nothing at the end. Errors end the stream: Status::data for an operand
    /// that cannot be read, Status::temp_fail for empty standard input or a broken frame. A file of a folder that
    /// cannot be opened is said, the others are read, and the error comes at the end.
    Result<std::optional<Item>> next();
    /// Only for frames on a descriptor: reads what is there (waits for at least one octet) and says whether more may
    /// come.
    Result<bool> read_some();
    /// A transaction that is complete already; never reads.
    Result<std::optional<Item>> take();
    /// True when `read_some` and `take` may be used: frames, or standard input.
    bool is_stream() const;
    Kind kind() const;
    int fd() const;
    std::size_t buffered_octets() const;
    /// Where it stands: behind the last message that it gave or passed over.
    const Position& position() const;
    /// Goes on behind a position of an earlier Input over the same operands. Status::config when the files up to there
    /// are not the same ones; whether the file at the position is the same is the caller's to find out (Resume).
    Result<void> go_on(const Position& position);
    Passed passed() const;
    /// The key for tags of blocks, loaded at most once; empty for frames and without a home. Status::config when it is
    /// unusable.
    Result<std::string> key();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// What a sink (mgw-queue add, mgw-send) reads and answers.
///
///     SinkStream in(tool, options.stream, options.envelope);
///     in.ready();                                   // "MGW1 sink"
///     while (auto batch = in.wait()) { if (batch->empty()) break; … commit … in.answer(frame, results); }
class SinkStream {
public:
    SinkStream(Tool& tool, const StreamOptions& options, const EnvelopeOptions& envelope, int in_fd = 0,
               int out_fd = 1);

    bool frames() const { return input_.kind() == Kind::frames; }
    /// Prints "MGW1 sink" in frames; nothing otherwise.
    Result<void> ready();
    /// All transactions that wait, at least one; an empty list at the end of input.
    Result<std::vector<Item>> wait();
    /// False once nobody reads the answers: then nothing may be committed.
    bool has_reader() const;
    /// Prints one line for each original recipient and "done" (frames). `results` holds one answer for each final
    /// recipient of the first member; they are folded here.
    Result<void> answer(const mail::Frame& frame, const std::vector<mail::Answer>& results);
    /// Status for the exit of a run over messages: ok, temp_fail if any result was 4xx, refused if any was 5xx.
    Status status() const { return status_; }

    Input& input() { return input_; }

private:
    Tool& tool_;
    Input input_;
    int out_fd_;
    Status status_ = Status::ok;
};

} // namespace mgw::cli
