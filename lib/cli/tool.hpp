#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/limits.hpp"
#include "lib/core/log.hpp"
#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/core/sandbox.hpp"

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI
{
class App;
class Option;
} // namespace CLI

namespace mgw::cli
{

/// What a shell completes for an option's value.
enum class Complete : char { none, file, directory };

/// Options that every tool has, spelt the same in all of them.
struct CommonOptions {
    std::string config;                           ///< --config FILE (TOML); read before the others count
    std::string log;                              ///< --log FILE|-|syslog|journald
    bool log_redact = false;                      ///< --log-redact
    bool explain = false;                         ///< --explain, to standard error
    bool json = false;                            ///< --json
    bool dry_run = false;                         ///< --dry-run
    bool check = false;                           ///< --check: test the configuration without acting
    SandboxMode sandbox = SandboxMode::automatic; ///< --sandbox auto|require|off
    std::optional<std::uint64_t> seed;            ///< --seed N
    Limits limits;
};

/// One executable: its options, its run, its exit status. See any tools/mgw-NAME/main.cpp.
class Tool {
public:
    Tool(std::string name, std::string summary);
    ~Tool();
    Tool(const Tool&) = delete;
    Tool& operator=(const Tool&) = delete;

    CLI::App& app();
    const std::string& name() const { return name_; }
    /// A subcommand of the tool. parse() calls `declare`, which adds its options, only where they count: declaring is
    /// a good part of what a short run costs.
    void command(const std::string& name, const std::string& summary, std::function<void(CLI::App&)> declare);
    /// Commands that the tool can do without. parse() calls `declare`, which calls command() for each of `names`, only
    /// where one of them stands among the arguments, or might: for --help and a configuration file. `names` must
    /// outlive parse().
    void optional_commands(std::span<const std::string_view> names, std::function<void()> declare);
    /// Options that most runs do not name. parse() calls `declare` only where one of them is named, or might be: for an
    /// option that is not declared, --help, a configuration file, the environment. On a command that is at once: it is
    /// declared only where it runs.
    void later(CLI::App& app, std::function<void()> declare);
    /// Declares what a value may be; the choices reach help, manual page and completions.
    CLI::Option* choices(CLI::Option* option, std::initializer_list<const char*> values);
    /// Declares how a shell completes the value.
    CLI::Option* hint(CLI::Option* option, Complete complete);

    /// Options, MGW_… environment and configuration file. A status where there is nothing left to do (--help,
    /// --version,
    /// --generate, usage and configuration errors, which are reported here), else nothing.
    std::optional<int> parse(int argc, char** argv);

    const CommonOptions& common() const { return common_; }
    /// Fixed by SOURCE_DATE_EPOCH.
    const Clock& clock() const { return clock_; }
    /// From the kernel, or fixed by --seed.
    Random& random() { return random_; }
    /// Where records go; opened by run().
    Log& log() { return log_; }
    /// --explain text: one line to standard error when --explain was given.
    void explain(const std::string& line) const;
    /// "mgw-NAME: message" and a hint line on standard error.
    void complain(const Error& error) const;
    void warn(const std::string& message) const;
    /// One line on the terminal that the next text replaces; empty takes it away. Only for a terminal.
    void status_line(const std::string& text) const;

    /// The options that were given, by the command line, the configuration or the environment, with their values: one
    /// "--name value value" a line in the order of their declaration, without those of `but_not`.
    std::string given_options(const std::set<std::string, std::less<>>& but_not) const;

    /// Does the work: opens the log, is the one net for exceptions (Status::temp_fail), reports an error, flushes and
    /// checks standard output, returns the exit status. SIGPIPE and
    /// SIGXFSZ are ignored.
    int run(const std::function<Result<Status>()>& work);

private:
    struct Impl;
    /// Of the commands whose names are among `named`, or of all.
    void declare_commands(const std::vector<std::string>* named);
    void declare_optional_commands(const std::vector<std::string>& arguments, bool all);
    void declare_common();
    void declare_what_is_named(const std::vector<std::string>& arguments, bool all);

    std::unique_ptr<Impl> impl_;
    std::string name_;
    CommonOptions common_;
    Clock clock_;
    Random random_;
    Log log_;
    mutable bool has_status_line_ = false;
};

} // namespace mgw::cli
