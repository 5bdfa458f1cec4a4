#include "lib/mail/block.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/core.h>

namespace mgw::mail
{

namespace
{

constexpr std::array<std::string_view, 5> action_names{"accept", "quarantine", "defer", "discard", "reject"};
constexpr std::string_view end_name = "Mgw-End:";

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// "key=value" words of a line, values out of xtext.
Pairs parse_pairs(const std::vector<std::string_view>& words, std::size_t from)
{
    Pairs out;
    for (std::size_t i = from; i < words.size(); ++i) {
        const auto at = words[i].find('=');
        if (at != std::string_view::npos)
            out.emplace_back(std::string(words[i].substr(0, at)), from_xtext(words[i].substr(at + 1)));
    }
    return out;
}

std::string pair_words(const Pairs& values)
{
    std::string out;
    for (const auto& [key, value] : values)
        out.append(" ").append(key).append("=").append(xtext(value));
    return out;
}

/// "<path> parameters" as in Mgw-From and Mgw-To. A quoted local part may hold '>': the path ends at "> " or at the
/// last '>'.
std::pair<std::string, std::string> parse_path_line(std::string_view text)
{
    if (!text.starts_with('<'))
        return {};
    bool quoted = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '\\' && quoted)
            ++i;
        else if (text[i] == '>' && !quoted)
            return {std::string(text.substr(1, i - 1)), std::string(trim(text.substr(i + 1)))};
    }
    return {};
}

/// Whether a line may stand in a block: "Mgw-Name: value", printable, single blanks are the writer's business.
bool is_block_line(std::string_view line)
{
    if (!line.starts_with("Mgw-"))
        return false;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon < 5)
        return false;
    for (const char c : line.substr(4, colon - 4))
        if (!is_digit(c) && c != '-' && (lower(c) < 'a' || lower(c) > 'z'))
            return false;
    return colon + 1 == line.size() || line[colon + 1] == ' ';
}

/// Whether the path of an Mgw-From or Mgw-To line is closed, so that nobody reads another address than was meant.
bool has_good_path(std::string_view line)
{
    std::string_view value;
    if (line.starts_with("Mgw-From: "))
        value = line.substr(10);
    else if (line.starts_with("Mgw-To: "))
        value = line.substr(std::min(line.size(), line.find(' ', 8))).substr(line.find(' ', 8) < line.size() ? 1 : 0);
    else
        return true;
    return value == "<>" || value.starts_with("<> ") || !parse_path_line(value).first.empty();
}

std::string clean(std::string_view value)
{
    std::string out(value);
    std::erase_if(out, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    return out;
}

} // namespace

std::string_view action_name(Action action)
{
    return action_names[static_cast<std::size_t>(action)];
}

std::optional<Action> parse_action(std::string_view name)
{
    const auto at = std::ranges::find(action_names, name);
    if (at == action_names.end())
        return std::nullopt;
    return static_cast<Action>(at - action_names.begin());
}

Result<Block> Block::parse(std::string_view text, const Limits& limits)
{
    if (text.size() > limits.block_octets)
        return fail(Status::data, "envelope block is larger than " + std::to_string(limits.block_octets) + " octets");
    if (text.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos)
        return fail(Status::data, "envelope block has a CR or NUL");
    Block out;
    while (!text.empty()) {
        const auto lf = text.find('\n');
        if (lf == std::string_view::npos)
            return fail(Status::data, "envelope block has no end");
        const auto line = text.substr(0, lf);
        text.remove_prefix(lf + 1);
        if (line.starts_with(end_name)) {
            if (!text.empty())
                return fail(Status::data, "envelope block goes on after Mgw-End");
            return out;
        }
        if (!is_block_line(line))
            return fail(Status::data, "malformed line in an envelope block: " + printable_ascii(line, 80));
        if (!has_good_path(line))
            return fail(Status::data, "malformed path in an envelope block: " + printable_ascii(line, 80));
        out.lines_.emplace_back(line);
    }
    return fail(Status::data, "envelope block has no Mgw-End");
}

std::string Block::lines() const
{
    std::string out;
    for (const auto& line : lines_)
        out.append(line).append("\n");
    return out;
}

std::string Block::text() const
{
    return lines().append(end_name).append("\n");
}

std::vector<std::string_view> Block::values(std::string_view name) const
{
    std::vector<std::string_view> out;
    for (const std::string_view line : lines_)
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
            out.push_back(line.substr(std::min(line.size(), name.size() + 2)));
    return out;
}

void Block::append(std::string_view name, std::string_view value)
{
    std::string line = std::string(name) + ":";
    if (!value.empty())
        line += " " + clean(value);
    lines_.push_back(std::move(line));
}

void Block::set(std::string_view name, std::string_view value)
{
    for (auto& line : lines_) {
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':') {
            line = std::string(name) + ": " + clean(value);
            return;
        }
    }
    append(name, value);
}

void Block::remove_lines(std::string_view name)
{
    std::erase_if(lines_, [&](const std::string& line) {
        return line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':';
    });
}

std::string Block::id() const
{
    const auto v = values("Mgw-Id");
    return v.empty() ? std::string{} : std::string(v[0]);
}

void Block::set_id(std::string_view id)
{
    set("Mgw-Id", id);
}

Client Block::client() const
{
    Client out;
    const auto v = values("Mgw-Client");
    if (v.empty())
        return out;
    for (auto& [key, value] : parse_pairs(split_blanks(v[0]), 0)) {
        const std::array<std::pair<std::string_view, std::string*>, 9> members{{{"ip", &out.ip},
                                                                                {"name", &out.name},
                                                                                {"helo", &out.helo},
                                                                                {"proto", &out.proto},
                                                                                {"tls", &out.tls},
                                                                                {"listener", &out.listener},
                                                                                {"auth", &out.auth},
                                                                                {"cert", &out.cert},
                                                                                {"subject", &out.subject}}};
        for (const auto& [name, member] : members)
            if (key == name)
                *member = value;
    }
    return out;
}

void Block::set_client(const Client& client)
{
    Pairs values;
    const std::array<std::pair<const char*, const std::string*>, 9> members{{{"ip", &client.ip},
                                                                             {"name", &client.name},
                                                                             {"helo", &client.helo},
                                                                             {"proto", &client.proto},
                                                                             {"tls", &client.tls},
                                                                             {"listener", &client.listener},
                                                                             {"auth", &client.auth},
                                                                             {"cert", &client.cert},
                                                                             {"subject", &client.subject}}};
    for (const auto& [name, member] : members)
        if (!member->empty())
            values.emplace_back(name, *member);
    if (!values.empty())
        set("Mgw-Client", pair_words(values).substr(1));
}

std::optional<std::string> Block::from() const
{
    const auto v = values("Mgw-From");
    return v.empty() ? std::nullopt : std::optional(parse_path_line(v[0]).first);
}

std::string Block::from_parameters() const
{
    const auto v = values("Mgw-From");
    return v.empty() ? std::string{} : parse_path_line(v[0]).second;
}

void Block::set_from(std::string_view path, std::string_view parameters)
{
    set("Mgw-From", "<" + std::string(path) + ">" + (parameters.empty() ? "" : " " + std::string(parameters)));
}

double Block::deadline() const
{
    const auto v = values("Mgw-Deadline");
    return v.empty() ? 0 : std::strtod(std::string(v[0]).c_str(), nullptr);
}

void Block::set_deadline(double boot_seconds)
{
    set("Mgw-Deadline", fmt::format("{:.3f}", boot_seconds));
}

std::vector<Recipient> Block::recipients() const
{
    std::vector<Recipient> out;
    for (const auto value : values("Mgw-To")) {
        const auto blank = value.find(' ');
        if (blank == std::string_view::npos)
            continue;
        auto [path, parameters] = parse_path_line(value.substr(blank + 1));
        out.push_back(Recipient{std::string(value.substr(0, blank)), std::move(path), std::move(parameters)});
    }
    return out;
}

std::vector<Recipient> Block::final_recipients() const
{
    const auto all = recipients();
    std::vector<std::string_view> parents;
    for (const auto& r : all) {
        const auto dot = r.number.rfind('.');
        if (dot != std::string::npos)
            parents.push_back(std::string_view(r.number).substr(0, dot));
    }
    std::ranges::sort(parents);
    std::vector<Recipient> out;
    for (const auto& r : all)
        if (!std::ranges::binary_search(parents, std::string_view(r.number)))
            out.push_back(r);
    return out;
}

void Block::add_recipient(std::string_view number, std::string_view path, std::string_view parameters)
{
    append("Mgw-To", fmt::format("{} <{}>{}{}", number, path, parameters.empty() ? "" : " ", parameters));
}

void Block::add_result(std::string_view tool, const Pairs& values)
{
    append("Mgw-Result", std::string(tool) + pair_words(values));
}

Pairs Block::results(std::string_view tool) const
{
    Pairs out;
    for (const auto value : values("Mgw-Result")) {
        const auto words = split_blanks(value);
        if (words.empty() || words[0] != tool)
            continue;
        for (auto& pair : parse_pairs(words, 1)) {
            const auto at = std::ranges::find(out, pair.first, &Pairs::value_type::first);
            if (at != out.end())
                at->second = std::move(pair.second);
            else
                out.push_back(std::move(pair));
        }
    }
    return out;
}

std::optional<std::string> Block::result(std::string_view tool, std::string_view key) const
{
    for (auto& pair : results(tool))
        if (pair.first == key)
            return std::move(pair.second);
    return std::nullopt;
}

std::vector<std::string> Block::result_tools() const
{
    std::vector<std::string> out;
    for (const auto value : values("Mgw-Result")) {
        const std::string tool(value.substr(0, value.find(' ')));
        if (std::ranges::find(out, tool) == out.end())
            out.push_back(tool);
    }
    return out;
}

void Block::add_verdict(const Verdict& v)
{
    std::string value = fmt::format("{} {}", action_name(v.action), v.recipients);
    if (v.action == Action::defer || v.action == Action::reject) {
        const bool defers = v.action == Action::defer;
        const int code = v.code != 0 ? v.code : (defers ? 451 : 550);
        value += fmt::format(" {} {}", code, v.enhanced.empty() ? (defers ? "4.7.1" : "5.7.1") : v.enhanced);
    }
    if (!v.cls.empty())
        value += " class=" + xtext(v.cls);
    if (!v.by.empty())
        value += " by=" + xtext(v.by);
    if (!v.at.empty())
        value += " at=" + xtext(v.at);
    if (!v.text.empty())
        value += " text=" + printable_ascii(v.text, 400);
    append("Mgw-Verdict", value);
}

std::vector<Verdict> Block::verdicts() const
{
    std::vector<Verdict> out;
    for (auto value : values("Mgw-Verdict")) {
        Verdict v;
        if (const auto text = value.find(" text="); text != std::string_view::npos) {
            v.text = value.substr(text + 6);
            value = value.substr(0, text);
        }
        const auto words = split_blanks(value);
        if (words.size() < 2)
            continue;
        const auto action = parse_action(words[0]);
        if (!action)
            continue;
        v.action = *action;
        v.recipients = words[1];
        for (std::size_t i = 2; i < words.size(); ++i) {
            if (const auto code = parse_number(words[i]); code && *code >= 200 && *code < 600)
                v.code = static_cast<int>(*code);
            else if (words[i].starts_with("class="))
                v.cls = from_xtext(words[i].substr(6));
            else if (words[i].starts_with("by="))
                v.by = from_xtext(words[i].substr(3));
            else if (words[i].starts_with("at="))
                v.at = from_xtext(words[i].substr(3));
            else if (is_digit(words[i][0]))
                v.enhanced = words[i];
        }
        out.push_back(std::move(v));
    }
    return out;
}

bool covers(std::string_view recipients, std::string_view number)
{
    if (recipients == "*")
        return true;
    for (const auto one : split(recipients, ','))
        if (number == one || (number.size() > one.size() && number.starts_with(one) && number[one.size()] == '.'))
            return true;
    return false;
}

Verdict Block::effective(std::string_view number) const
{
    const auto all = verdicts();
    std::vector<std::string_view> allowed;
    for (const auto& v : all)
        if (v.action == Action::accept && !v.cls.empty() && v.cls != "error" && covers(v.recipients, number))
            allowed.push_back(v.cls);
    const auto rank = [](Action a) {
        return a == Action::reject ? static_cast<int>(Action::discard) : static_cast<int>(a);
    };
    Verdict strictest;
    for (const auto& v : all) {
        if (!covers(v.recipients, number) || std::ranges::find(allowed, v.cls) != allowed.end())
            continue;
        if (rank(v.action) > rank(strictest.action))
            strictest = v;
    }
    return strictest;
}

Verdict Block::strictest() const
{
    const auto rank = [](Action a) {
        return a == Action::reject ? static_cast<int>(Action::discard) : static_cast<int>(a);
    };
    const auto recipients = final_recipients();
    if (recipients.empty())
        return effective("*"); // without recipients only verdicts on "*" count
    Verdict out;
    for (const auto& r : recipients) {
        Verdict v = effective(r.number);
        if (rank(v.action) > rank(out.action))
            out = std::move(v);
    }
    return out;
}

void Block::add_hop(std::string_view recipients, std::string_view destination)
{
    append("Mgw-Hop", std::string(recipients) + " " + std::string(destination));
}

std::string Block::hop(std::string_view number) const
{
    std::string out;
    for (const auto value : values("Mgw-Hop")) {
        const auto blank = value.find(' ');
        if (blank != std::string_view::npos && covers(value.substr(0, blank), number))
            out = value.substr(blank + 1);
    }
    return out;
}

void Block::add_mark(const Mark& mark)
{
    if (mark.values.empty())
        return;
    const Pairs first(mark.values.begin(), mark.values.begin() + 1);
    const Pairs rest(mark.values.begin() + 1, mark.values.end());
    append("Mgw-Mark", pair_words(first).substr(1) + " " + mark.recipients + pair_words(rest));
}

std::vector<Mark> Block::marks() const
{
    std::vector<Mark> out;
    for (const auto value : values("Mgw-Mark")) {
        const auto words = split_blanks(value);
        Mark mark{"*", parse_pairs(words, 0)};
        for (const auto word : words)
            if (!word.contains('='))
                mark.recipients = word;
        out.push_back(std::move(mark));
    }
    return out;
}

void Block::add_effect(const Effect& effect)
{
    append("Mgw-Effect", effect.name + " " + effect.recipients + pair_words(effect.values));
}

std::vector<Effect> Block::effects() const
{
    std::vector<Effect> out;
    for (const auto value : values("Mgw-Effect")) {
        const auto words = split_blanks(value);
        if (words.size() >= 2)
            out.push_back(Effect{std::string(words[0]), std::string(words[1]), parse_pairs(words, 2)});
    }
    return out;
}

std::string block_tag(std::string_view key, const Block& block, std::string_view message)
{
    Sha256 digest;
    digest.add(message);
    if (!message.ends_with('\n')) { // programs between two stages may add the missing line end
        const auto lf = message.find('\n');
        digest.add(lf != std::string_view::npos && lf > 0 && message[lf - 1] == '\r' ? "\r\n" : "\n");
    }
    return hex(hmac_sha256(key, "MGW1\n" + block.lines() + digest.finish()));
}

std::optional<FoundBlock> find_block(std::string_view octets, std::size_t offset, const Limits& limits)
{
    if (!octets.substr(std::min(offset, octets.size())).starts_with("Mgw-"))
        return std::nullopt;
    FoundBlock found;
    found.begin = offset;
    std::string text;
    std::size_t at = offset;
    while (at < octets.size() && at - offset <= limits.block_octets) {
        const auto lf = octets.find('\n', at);
        if (lf == std::string_view::npos)
            return std::nullopt;
        std::string_view line = octets.substr(at, lf - at);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        at = lf + 1;
        if (line.starts_with(end_name)) {
            constexpr std::string_view tag = "Mgw-End: hmac-sha256=";
            if (line.starts_with(tag))
                found.tag = line.substr(tag.size());
            auto block = Block::parse(text + "Mgw-End:\n", limits);
            if (!block)
                return std::nullopt;
            found.block = std::move(*block);
            found.end = at;
            return found;
        }
        if (!is_block_line(line))
            return std::nullopt;
        text.append(line).append("\n");
    }
    return std::nullopt;
}

std::vector<Field> foreign_mgw_fields(std::string_view octets)
{
    std::vector<Field> out;
    bool inside = false;
    std::size_t at = 0;
    while (at < octets.size()) {
        const auto lf = octets.find('\n', at);
        const std::size_t end = lf == std::string_view::npos ? octets.size() : lf + 1;
        const std::string_view line = octets.substr(at, end - at);
        if (line == "\n" || line == "\r\n")
            break;
        if (inside && is_blank(line[0])) {
            out.back().end = end;
        } else {
            std::size_t name = 0;
            while (name < line.size() && line[name] > 32 && line[name] < 127 && line[name] != ':')
                ++name;
            std::size_t colon = name;
            while (colon < line.size() && is_blank(line[colon]))
                ++colon;
            inside = istarts_with(line, "Mgw-") && colon < line.size() && line[colon] == ':';
            if (inside)
                out.push_back(Field{at, at + name, at + colon + 1, end});
        }
        at = end;
    }
    return out;
}

} // namespace mgw::mail
