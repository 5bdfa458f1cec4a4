#pragma once

#include "lib/cli/tool.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::cli
{

/// What a tool knows of its options beside CLI11.
struct Tool::Impl {
    CLI::App app;
    std::vector<std::pair<CLI::App*, std::function<void(CLI::App&)>>> commands;
    std::vector<std::function<void()>> later;
    std::map<const CLI::Option*, std::vector<std::string>> choices;
    std::map<const CLI::Option*, Complete> hints;
    std::string sandbox = "auto";
    std::uint64_t seed = 0;
};

/// Options of one app in the order of declaration, without hidden ones and --help.
std::vector<const CLI::Option*> visible_options(const CLI::App& app);

/// The option list as scdoc text, or a completion script: "man", "bash", "zsh", "fish".
Result<std::string> generate(std::string_view what, const std::string& tool, const CLI::App& app,
                             const std::map<const CLI::Option*, std::vector<std::string>>& choices,
                             const std::map<const CLI::Option*, Complete>& hints);

/// Arguments that a configuration file adds for `tool`: its table, as "--name=value", for options that neither the
/// command line nor the environment sets. Also reads [limits]. Status::config with file and line for an unknown key or
/// a wrong value.
Result<std::vector<std::string>> read_config(const std::string& path, const std::string& tool, const CLI::App& app,
                                             const std::vector<std::string>& arguments, Limits& limits);

/// Stands for an empty value on its way through CLI11, which takes the next argument where "--name=" has none.
inline constexpr std::string_view empty_value = "\x01";

} // namespace mgw::cli
