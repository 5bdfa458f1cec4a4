#include "lib/cli/tool.hpp"

#include "lib/cli/impl.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <new>
#include <unistd.h>

#ifndef MGW_VERSION
#define MGW_VERSION "unknown"
#endif

namespace mgw::cli
{

Tool::Tool(std::string name, std::string summary) : impl_(std::make_unique<Impl>()), name_(std::move(name))
{
    CLI::App& app = impl_->app;
    app.name(name_);
    app.description(std::move(summary));
    app.set_help_flag("--help", "Print this help and exit.");
    app.add_flag_callback(
        "--version", [] { throw CLI::CallForVersion(MGW_VERSION, 0); }, "Print the version and exit.");
    app.fallthrough();
}

void Tool::declare_common()
{
    CLI::App& app = impl_->app;
    app.option_defaults()->group("Common options");
    hint(app.add_option("--config", common_.config,
                        "Configuration file (TOML); its table [" + name_ + "] has these options by name.")
             ->type_name("FILE")
             ->envname("MGW_CONFIG"),
         Complete::file);
    hint(app.add_option("--log", common_.log, "Where records go: a file, - (standard error), syslog or journald.")
             ->type_name("FILE")
             ->envname("MGW_LOG"),
         Complete::file);
    app.add_flag("--log-redact", common_.log_redact, "Hash addresses in records.")->envname("MGW_LOG_REDACT");
    app.add_flag("--explain", common_.explain,
                 "Say on standard error what was asked, what came back and which rule decided.");
    app.add_flag("--json", common_.json, "Print for programs: JSON instead of text.");
    app.add_flag("--dry-run", common_.dry_run, "Say what would be done and change nothing; mail passes unchanged.");
    app.add_flag("--check", common_.check, "Test options, configuration and files, then exit.");
    choices(app.add_option("--sandbox", impl_->sandbox,
                           "Confinement after set-up; require makes a feature that the kernel lacks an error.")
                ->type_name("MODE")
                ->envname("MGW_SANDBOX")
                ->capture_default_str(),
            {"auto", "require", "off"});
    app.add_option("--seed", common_.seed, "Fix what is random, for reproducible runs.")->type_name("N");
    app.option_defaults()->group("Options");
}

Tool::~Tool() = default;

CLI::App& Tool::app()
{
    return impl_->app;
}

void Tool::command(const std::string& name, const std::string& summary, std::function<void(CLI::App&)> declare)
{
    impl_->commands.emplace_back(impl_->app.add_subcommand(name, summary), std::move(declare));
}

void Tool::optional_commands(std::span<const std::string_view> names, std::function<void()> declare)
{
    impl_->optional_names = names;
    impl_->optional_commands = std::move(declare);
}

void Tool::declare_optional_commands(const std::vector<std::string>& arguments, bool all)
{
    const auto is_named = [&](const std::string& argument) {
        return argument == "--help" ||
               std::ranges::find(impl_->optional_names, argument) != impl_->optional_names.end();
    };
    if (impl_->optional_commands && (all || std::ranges::any_of(arguments, is_named)))
        impl_->optional_commands();
}

void Tool::later(CLI::App& app, std::function<void()> declare)
{
    if (&app == &impl_->app)
        impl_->later.push_back(std::move(declare));
    else
        declare();
}

void Tool::declare_what_is_named(const std::vector<std::string>& arguments, bool all)
{
    const auto is_declared = [&](const std::string& argument) {
        if (argument == "--help")
            return false;
        if (argument.size() < 2 || argument[0] != '-')
            return true;
        const std::string name = argument.substr(0, argument.find('='));
        return impl_->app.get_option_no_throw(name) != nullptr ||
               std::ranges::any_of(impl_->commands, [&](const auto& command) {
                   return command.first->get_option_no_throw(name) != nullptr;
               });
    };
    const auto options_end = std::ranges::find(arguments, "--");
    impl_->later.emplace_back([this] { declare_common(); });
    for (auto& declare : impl_->later)
        if (all || !std::all_of(arguments.begin(), options_end, is_declared))
            declare();
    impl_->later.clear();
}

void Tool::declare_commands(const std::vector<std::string>* named)
{
    for (const auto& [sub, declare] : impl_->commands) {
        if (named != nullptr && std::ranges::find(*named, sub->get_name()) == named->end())
            continue;
        sub->set_help_flag("--help", "Print this help and exit.");
        sub->fallthrough();
        declare(*sub);
    }
}

CLI::Option* Tool::choices(CLI::Option* option, std::initializer_list<const char*> values)
{
    const std::vector<std::string> list(values.begin(), values.end());
    impl_->choices[option] = list;
    return option->check(CLI::IsMember(list).description(""));
}

CLI::Option* Tool::hint(CLI::Option* option, Complete complete)
{
    impl_->hints[option] = complete;
    return option;
}

namespace
{

/// Lets "--name=" mean an empty value: CLI11 2.1 takes the next argument instead.
void admit_empty_values(CLI::App& app)
{
    for (CLI::Option* option : app.get_options())
        option->transform([](std::string value) { return value == empty_value ? std::string{} : value; });
    for (CLI::App* sub : app.get_subcommands({}))
        admit_empty_values(*sub);
}

/// Value of "--name VALUE" or "--name=VALUE" in the arguments.
std::optional<std::string> argument_of(const std::vector<std::string>& arguments, const std::string& name)
{
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
        if (arguments[i] == name && i + 1 < arguments.size())
            return arguments[i + 1];
        if (arguments[i].starts_with(name + "="))
            return arguments[i].substr(name.size() + 1);
    }
    return std::nullopt;
}

char** end_of_environment()
{
    char** at = environ;
    while (*at != nullptr)
        ++at;
    return at;
}

} // namespace

std::optional<int> Tool::parse(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);    // a file size limit is a write error like a full disk
    for (int fd = 0; fd < 3; ++fd) // a file must never land on a standard descriptor
        if (::fcntl(fd, F_GETFD) < 0)
            ::open("/dev/null", fd == STDIN_FILENO
                                    ? O_WRONLY
                                    : (fd == STDOUT_FILENO ? O_RDONLY : O_RDWR)); // reading and writing fail
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (const auto what = argument_of(arguments, "--generate")) {
        declare_optional_commands(arguments, true);
        declare_commands(nullptr);
        declare_what_is_named(arguments, true);
        auto text = generate(*what, name_, impl_->app, impl_->choices, impl_->hints);
        if (!text) {
            complain(text.error());
            return static_cast<int>(text.error().status);
        }
        std::cout << *text << std::flush;
        return std::cout.good() ? 0 : static_cast<int>(Status::temp_fail);
    }
    std::string config = argument_of(arguments, "--config").value_or("");
    if (config.empty())
        if (const char* value = std::getenv("MGW_CONFIG"); value != nullptr)
            config = value;
    if (config.empty() && ::access("/etc/mgw/mgw.toml", F_OK) == 0)
        config = "/etc/mgw/mgw.toml";
    declare_optional_commands(arguments, !config.empty());
    declare_commands(&arguments);
    const auto is_ours = [](const char* variable) { return std::string_view(variable).starts_with("MGW_"); };
    declare_what_is_named(arguments, !config.empty() || std::any_of(environ, end_of_environment(), is_ours));
    if (!config.empty()) {
        auto added = read_config(config, name_, impl_->app, arguments, common_.limits);
        if (!added) {
            complain(added.error());
            return static_cast<int>(added.error().status);
        }
        const auto end_of_options = std::ranges::find(arguments, "--");
        arguments.insert(end_of_options, added->begin(), added->end());
    }
    for (auto& argument : arguments) {
        if (argument == "--")
            break;
        if (argument.starts_with("--") && argument.ends_with("=") && std::ranges::count(argument, '=') == 1)
            argument += empty_value;
    }
    try {
        if (std::ranges::any_of(arguments, [](const auto& argument) { return argument.contains(empty_value); }))
            admit_empty_values(impl_->app);
        std::ranges::reverse(arguments);
        impl_->app.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
        const CLI::App* shown = &impl_->app;
        for (const auto subs = impl_->app.get_subcommands(); const CLI::App* sub : subs)
            shown = sub;
        if (shown == &impl_->app)
            std::cout << shown->help() << std::flush;
        else
            std::cout << shown->help(name_) << "Options that every tool has, such as --json and --log: " << name_
                      << " --help\n"
                      << std::flush;
        return 0;
    } catch (const CLI::CallForVersion&) {
        std::cout << name_ << " " << MGW_VERSION << "\n" << std::flush;
        return 0;
    } catch (const CLI::ParseError& e) {
        std::string message = e.what();
        if (!message.empty() && message[0] >= 'A' && message[0] <= 'Z' &&
            (message.size() < 2 || (message[1] >= 'a' && message[1] <= 'z') || message[1] == ' '))
            message[0] = lower(message[0]);
        std::ranges::replace(message, '\n', ' ');
        std::string asked = name_;
        for (const CLI::App* sub : impl_->app.get_subcommands())
            asked += " " + sub->get_name();
        complain(Error{Status::usage, printable(trim(message)), "see " + asked + " --help"});
        return static_cast<int>(Status::usage);
    }
    common_.sandbox = impl_->sandbox == "require"
                          ? SandboxMode::require
                          : (impl_->sandbox == "off" ? SandboxMode::off : SandboxMode::automatic);
    clock_ = Clock::from_environment();
    random_ = Random{common_.seed};
    return std::nullopt;
}

namespace
{

/// What is foreign in a text for people, such as a file's name, must not command their terminal.
std::string safe_lines(std::string_view text)
{
    std::string out;
    for (const auto line : split(text, '\n')) {
        out.append(out.empty() && line.data() == text.data() ? "" : "\n");
        out += shown(line, line.size() * 4); // an octet becomes "\xHH" at most
    }
    return out;
}

} // namespace

void Tool::explain(const std::string& line) const
{
    if (common_.explain)
        std::fputs((name_ + ": " + safe_lines(line) + "\n").c_str(), stderr);
}

void Tool::status_line(const std::string& text) const
{
    if (text.empty() && !has_status_line_)
        return;
    has_status_line_ = !text.empty();
    std::fputs(("\r" + (text.empty() ? text : name_ + ": " + text) + "\x1b[K").c_str(), stderr);
    std::fflush(stderr);
}

void Tool::complain(const Error& error) const
{
    status_line({});
    std::string text = name_ + ": " + safe_lines(error.message) + "\n";
    if (!error.hint.empty())
        text += name_ + ": " + safe_lines(error.hint) + "\n";
    std::fputs(text.c_str(), stderr);
}

void Tool::warn(const std::string& message) const
{
    status_line({});
    std::fputs((name_ + ": warning: " + safe_lines(message) + "\n").c_str(), stderr);
}

std::string Tool::given_options(const std::set<std::string, std::less<>>& but_not) const
{
    std::string out;
    const auto add = [&](const CLI::App& app) {
        for (const CLI::Option* option : app.get_options()) {
            if (option->count() == 0 || option->get_positional() || but_not.contains(option->get_name()))
                continue;
            out += option->get_name();
            for (const auto& value : option->results())
                out += ' ' + value;
            out += '\n';
        }
    };
    add(impl_->app);
    for (const auto subs = impl_->app.get_subcommands(); const CLI::App* sub : subs)
        add(*sub);
    return out;
}

int Tool::run(const std::function<Result<Status>()>& work)
{
    const auto failed = [&](const Error& error) {
        complain(error);
        return static_cast<int>(error.status);
    };
    try {
        auto log = Log::open(common_.log, name_, common_.log_redact);
        if (!log)
            return failed(log.error());
        log_ = std::move(*log);
        auto status = work();
        if (!status)
            return failed(status.error());
        std::cout.flush();
        if (!std::cout.good() || std::fflush(stdout) != 0)
            return failed(Error{Status::temp_fail, "cannot write to standard output", {}});
        return static_cast<int>(*status);
    } catch (const std::bad_alloc&) {
        return failed(Error{Status::temp_fail, "out of memory", {}});
    } catch (const std::exception& e) {
        return failed(Error{Status::temp_fail, std::string("unexpected failure: ") + printable(e.what()), {}});
    }
}

} // namespace mgw::cli
