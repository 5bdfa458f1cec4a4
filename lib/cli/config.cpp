#define TOML_EXCEPTIONS 0
#include "lib/cli/impl.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <toml++/toml.h>

namespace mgw::cli
{

namespace
{

constexpr std::array tools{"mgw-recv",  "mgw-auth",  "mgw-scan", "mgw-filter",  "mgw-crypt",
                           "mgw-route", "mgw-queue", "mgw-send", "mgw-archive", "mgw-monitor"};

std::unexpected<Error> at(const std::string& path, const toml::node& node, const std::string& what,
                          std::string hint = {})
{
    return fail(Status::config, path + ":" + std::to_string(node.source().begin.line) + ": " + what, std::move(hint));
}

Result<std::string> scalar(const std::string& path, const toml::node& node, const std::string& name)
{
    if (const auto text = node.value_exact<std::string>()) {
        if (text->contains('\n') || text->contains('\0'))
            return at(path, node, name + " has a line end or NUL");
        return *text;
    }
    if (const auto number = node.value_exact<std::int64_t>())
        return std::to_string(*number);
    if (const auto number = node.value_exact<double>()) {
        std::ostringstream out;
        out << *number;
        return out.str();
    }
    return at(path, node, name + " must be a string, a number, true, false or a list of these");
}

struct Reader {
    const std::string& path;
    const std::vector<std::string>& arguments;
    std::vector<std::string> added;

    bool is_given(const CLI::Option& option, const std::string& name) const
    {
        for (const auto& argument : arguments) {
            if (argument == "--")
                break;
            if (argument == name || argument.starts_with(name + "="))
                return true;
        }
        const std::string env = option.get_envname();
        return !env.empty() && std::getenv(env.c_str()) != nullptr;
    }

    Result<void> table(const toml::table& table, const CLI::App& app, const std::string& label, bool commands)
    {
        for (const auto& [key, node] : table) {
            const std::string name(key.str());
            if (commands && node.is_table()) {
                const CLI::App* sub = nullptr;
                for (const CLI::App* s : app.get_subcommands([&](const CLI::App* s) { return s->get_name() == name; }))
                    sub = s;
                if (sub == nullptr)
                    return at(path, node, "unknown command [" + label + "." + name + "]");
                // a command's table counts only where that command runs
                if (std::ranges::find(arguments, name) != arguments.end())
                    if (auto read = this->table(*node.as_table(), *sub, label + "." + name, false); !read)
                        return read;
                continue;
            }
            const CLI::Option* option = app.get_option_no_throw("--" + name);
            if (option == nullptr || name == "config" || name == "help" || name == "version")
                return at(path, node, "unknown key " + name + " in [" + label + "]",
                          "keys are the names of options without --");
            if (!option->get_configurable())
                return at(path, node, name + " is an option of the command line only");
            if (is_given(*option, "--" + name))
                continue;
            if (auto read = value(node, *option, name); !read)
                return read;
        }
        return {};
    }

    Result<void> value(const toml::node& node, const CLI::Option& option, const std::string& name)
    {
        if (const auto flag = node.value_exact<bool>()) {
            if (option.get_items_expected_max() != 0)
                return at(path, node, name + " takes a value, not true or false");
            if (*flag)
                added.push_back("--" + name);
            return {};
        }
        if (const auto* list = node.as_array()) {
            for (const auto& item : *list) {
                auto text = scalar(path, item, name);
                if (!text)
                    return pass(text);
                added.push_back("--" + name + "=" + *text);
            }
            return {};
        }
        auto text = scalar(path, node, name);
        if (!text)
            return pass(text);
        if (option.get_items_expected_max() == 0)
            return at(path, node, name + " is true or false");
        added.push_back("--" + name + "=" + *text);
        return {};
    }
};

Result<void> read_limits(const std::string& path, const toml::table& table, Limits& limits)
{
    const std::array<std::pair<std::string_view, std::size_t*>, 15> members{{
        {"message", &limits.message_octets},
        {"header", &limits.header_octets},
        {"field", &limits.field_octets},
        {"fields", &limits.fields},
        {"nesting", &limits.nesting},
        {"parts", &limits.parts},
        {"addresses", &limits.addresses},
        {"encoded-words", &limits.encoded_words},
        {"decoded-factor", &limits.decoded_factor},
        {"archive-depth", &limits.archive_depth},
        {"archive-ratio", &limits.archive_ratio},
        {"archive-entries", &limits.archive_entries},
        {"received", &limits.received},
        {"recipients", &limits.recipients},
        {"block", &limits.block_octets},
    }};
    for (const auto& [key, node] : table) {
        const auto member = std::ranges::find(members, key.str(), [](const auto& m) { return m.first; });
        if (member == members.end())
            return at(path, node, "unknown key " + std::string(key.str()) + " in [limits]");
        auto text = scalar(path, node, std::string(key.str()));
        if (!text)
            return pass(text);
        const auto number = parse_size(*text);
        if (!number || *number == 0)
            return at(path, node, std::string(key.str()) + " must be a number above 0, with k, M or G behind it");
        *member->second = *number;
    }
    return {};
}

} // namespace

Result<std::vector<std::string>> read_config(const std::string& path, const std::string& tool, const CLI::App& app,
                                             const std::vector<std::string>& arguments, Limits& limits)
{
    auto text = read_file(path, 1U << 20);
    if (!text)
        return pass(text);
    const toml::parse_result parsed = toml::parse(*text, path);
    if (!parsed)
        return fail(Status::config, path + ":" + std::to_string(parsed.error().source().begin.line) + ": " +
                                        printable(parsed.error().description()));
    Reader reader{path, arguments, {}};
    for (const auto& [key, node] : parsed.table()) {
        const std::string name(key.str());
        const toml::table* table = node.as_table();
        if (name == "limits" && table != nullptr) {
            if (auto read = read_limits(path, *table, limits); !read)
                return pass(read);
        } else if (name == tool && table != nullptr) {
            if (auto read = reader.table(*table, app, name, true); !read)
                return pass(read);
        } else if (table == nullptr || std::ranges::find(tools, name) == tools.end()) {
            return at(path, node, "unknown key " + name,
                      "there is one table for each tool, such as [mgw-auth], and [limits]");
        }
    }
    return reader.added;
}

} // namespace mgw::cli
