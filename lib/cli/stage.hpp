#pragma once

#include "lib/cli/stream.hpp"
#include "lib/cli/tool.hpp"
#include "lib/core/log.hpp"
#include "lib/mail/block.hpp"
#include "lib/mail/edits.hpp"
#include "lib/mail/frame.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::cli
{

/// What a stage works with besides the message: one for each transaction. Deterministic under --seed and
/// SOURCE_DATE_EPOCH.
struct Context {
    Clock clock;
    Random random;
    Limits limits;
    bool dry_run = false;
    bool explaining = false;           ///< someone reads what explain() gets
    std::string explanation;           ///< lines for --explain
    Record record;                     ///< the stage's own fields of this message's record
    std::vector<mail::Member> created; ///< members that the stage adds to the transaction (notices, copies)

    void explain(std::string_view line)
    {
        if (explaining)
            explanation.append(line).append("\n");
    }
};

/// One message of a transaction: read `message`, change `block` by its mutators, put octet changes into `edits`.
struct Subject {
    mail::Block& block;
    std::string_view message; ///< without From line and block
    mail::Edits& edits;
};

/// A filter: measures, decides or transforms one message at a time. The harness (run_stage) does the streams, trust,
/// workers, failures, records, confinement and exit status; a stage is only about its subject.
class Stage {
public:
    virtual ~Stage() = default;

    /// Set-up before anything is read and before the workers are forked: policies, databases, keys. What is loaded here
    /// is shared by copy-on-write. Errors are Status::config or usage.
    virtual Result<void> prepare(Tool& tool) = 0;
    /// What its results rest on besides messages and options: hashes of policies and tables. A run that was interrupted
    /// does not go on (--resume) where they have changed. Not of what changes by itself, such as virus signatures,
    /// which each result names. Called after prepare().
    virtual std::string basis() const { return {}; }
    /// What the process needs after its set-up. Called after prepare().
    virtual Rights rights() const = 0;
    /// In each process that handles messages, before it is confined: open sockets, start threads.
    virtual Result<void> start() { return {}; }
    /// One message. An error (or an exception, a crash, a time-out) is the stage's own failure: --on-error says what it
    /// means for the message, which then goes on unchanged.
    virtual Result<void> process(Subject& subject, Context& context) = 0;
    /// How many workers are useful where --jobs is not given: 0 for the number of cores; more for stages that wait.
    virtual unsigned default_jobs() const { return 0; }
};

/// Options of every filter (declare_stage_options): kinds of stream, trust, envelope, workers, failures.
struct StageOptions {
    StreamOptions stream;
    EnvelopeOptions envelope;
    std::string on_error = "defer";           ///< defer|pass|quarantine
    bool exit_verdict = false;                ///< --exit-verdict
    unsigned jobs = 0;                        ///< --jobs N
    std::uint64_t memory_octets = 256U << 20; ///< --memory
    std::chrono::seconds timeout{60};         ///< --timeout for one message
    std::string resume;                       ///< --resume FILE
};

/// Declares the options on `app` (the tool's own or a subcommand).
void declare_stage_options(Tool& tool, CLI::App& app, StageOptions& options);

/// Runs a stage over everything on standard input, or the operands. `out_fd` is for tests; tools leave it.
Result<Status> run_stage(Tool& tool, const StageOptions& options, Stage& stage, int in_fd = 0, int out_fd = 1);

} // namespace mgw::cli
