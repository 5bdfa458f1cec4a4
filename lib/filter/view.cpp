#include "lib/filter/view.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/attached.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"
#include "lib/mail/tnef.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace mgw::filter
{

namespace
{

/// Whether `key` is `name` or `name.N`, `name.N.M` …
bool is_numbered(std::string_view key, std::string_view name)
{
    if (!key.starts_with(name))
        return false;
    key.remove_prefix(name.size());
    return key.empty() || (key.size() > 1 && key.front() == '.' &&
                           std::ranges::all_of(key, [](char c) { return is_digit(c) || c == '.'; }));
}

/// What a file of that name is called once it is saved: C programs read up to a NUL; Windows takes blanks and full
/// stops off the end, and what follows a colon for a stream of the file.
std::string_view saved_name(std::string_view name)
{
    name = name.substr(0, name.find('\0'));
    constexpr std::size_t drive = 2; // "C:"
    name = name.substr(0, name.find(':', std::min(drive, name.size())));
    while (name.ends_with(' ') || name.ends_with('.'))
        name.remove_suffix(1);
    return name;
}

/// Adds the names that attachments have once they are saved, where they are others.
void add_saved_names(std::vector<Attachment>& attachments)
{
    for (std::size_t i = 0, n = attachments.size(); i < n; ++i) {
        const std::string saved(saved_name(attachments[i].name));
        if (saved.empty() || saved.size() == attachments[i].name.size())
            continue;
        Attachment other = attachments[i];
        other.name = saved;
        attachments.push_back(std::move(other));
    }
}

} // namespace

const mail::Message& View::message()
{
    if (!message_) {
        message_.emplace(octets_, limits_);
        values_.resize(message_->fields().size());
    }
    return *message_;
}

std::vector<std::size_t> View::fields(std::string_view name)
{
    std::vector<std::size_t> out;
    const auto& all = message().fields();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name_end - all[i].begin == name.size() && iequals(message_->name(all[i]), name))
            out.push_back(i);
    }
    return out;
}

std::string_view View::value(std::size_t field)
{
    auto& known = values_[field];
    if (!known) {
        const auto raw = message_->raw_value(message_->fields()[field]).substr(0, limits_.field_octets);
        const bool folded = raw.find_first_of("\r\n") != std::string_view::npos;
        if (!folded && !raw.contains("=?")) {
            known = trim(raw);
        } else {
            decoded_.push_back(mail::unfold(raw));
            if (decoded_.back().contains("=?"))
                decoded_.back() = mail::decode_words(decoded_.back(), limits_.encoded_words);
            known = decoded_.back();
        }
    }
    return *known;
}

const std::vector<mail::Mailbox>& View::addresses(std::size_t field)
{
    const auto [at, is_new] = addresses_.try_emplace(field);
    if (is_new) {
        const auto raw = message_->raw_value(message_->fields()[field]).substr(0, limits_.field_octets);
        at->second = mail::parse_addresses(mail::unfold(raw), limits_.addresses);
    }
    return at->second;
}

const View::Pairs& View::pairs(const std::string& tool)
{
    const auto [at, is_new] = results_.try_emplace(tool);
    if (is_new)
        at->second = block_.results(tool);
    return at->second;
}

bool View::has_results(const std::string& tool)
{
    return !pairs(tool).empty();
}

std::vector<std::string_view> View::results(const std::string& tool, std::string_view key)
{
    std::vector<std::string_view> out;
    for (const auto& [name, value] : pairs(tool)) {
        if (is_numbered(name, key))
            out.push_back(value);
    }
    return out;
}

const std::vector<Attachment>& View::attachments()
{
    if (!attachments_) {
        attachments_.emplace();
        const Pairs& scanned = pairs("mgw-scan");
        if (scanned.empty())
            attachments_of_parts();
        else
            attachments_of_scan(scanned);
        add_saved_names(*attachments_);
    }
    return *attachments_;
}

/// file.1, type.1 and true.1 belong together; so do member.1.2 and member-true.1.2, which stand inside file 1.
void View::attachments_of_scan(const Pairs& results)
{
    std::map<std::string, Attachment, std::less<>> by_number;
    std::vector<std::string> order;
    for (const auto& [key, value] : results) {
        const auto dot = key.find('.');
        if (dot == std::string::npos)
            continue;
        const auto kind = std::string_view(key).substr(0, dot);
        std::string Attachment::*member = nullptr;
        if (kind == "file" || kind == "member")
            member = &Attachment::name;
        else if (kind == "type")
            member = &Attachment::type;
        else if (kind == "true" || kind == "member-true")
            member = &Attachment::true_type;
        else
            continue;
        auto number = key.substr(dot + 1);
        const auto [at, is_new] = by_number.try_emplace(number);
        if (is_new)
            order.push_back(std::move(number));
        at->second.*member = value;
    }
    for (const auto& number : order)
        attachments_->push_back(std::move(by_number.find(number)->second));
}

void View::attachments_of_parts()
{
    std::set<std::string, std::less<>> names;
    std::set<std::string, std::less<>> types;
    const auto add = [&](const std::string& name, const std::string& type) {
        names.insert(name);
        types.insert(type);
        attachments_->push_back({name, type, {}});
    };
    mail::AttachedNames inside(limits_, message().octets().size());
    const auto add_new = [&](const std::set<std::string>& some) {
        for (const auto& name : some)
            if (!name.empty() && !names.contains(name))
                add(name, {});
    };
    // what Outlook wraps into winmail.dat
    const auto add_wrapped = [&](std::string_view octets) {
        for (const auto& file : mail::read_tnef(octets, {limits_.archive_entries, limits_.archive_depth}).attachments)
            for (const auto& name : file.names)
                add(name, file.type);
        add_new(inside.of_tnef(octets));
    };
    const mail::Parts parts(message(), limits_);
    attachments_cut_ =
        has(parts.oddities(), mail::Oddity::too_many_parts) || has(parts.oddities(), mail::Oddity::too_deep);
    for (const auto& part : parts.all()) {
        // the names of a part may stand where its header was not read
        attachments_cut_ |=
            part.parent >= 0 && !part.container->is_message && has(part.oddities, mail::Oddity::header_too_large);
        if (part.is_multipart || (part.file_names.empty() && part.type.major() == "text"))
            continue;
        // every candidate counts: a receiving program may take any of them
        for (const auto& name : part.file_names)
            add(name, part.type.value);
        if (part.file_names.empty())
            add({}, part.type.value);
    }
    // also where nothing is odd yet: what text holds that is itself encoded shows only when it is decoded
    const auto summary = mail::for_each_content(message(), parts, limits_, [&](const mail::Content& content) {
        attachments_cut_ |= content.is_cut;
        const bool is_read = content.part != nullptr && content.part->is_message; // its parts are in the list
        if (mail::is_tnef(content.octets))
            add_wrapped(content.octets);
        else if (!is_read && mail::is_message_name(content.file_names))
            add_new(inside.of_message(content.octets));
        for (const auto& name : content.file_names)
            if (!names.contains(name))
                add(name, content.type);
        // a hidden file without a name still has a type
        if (content.part == nullptr && content.file_names.empty() && content.type.contains('/') &&
            !content.type.starts_with("text/") && !content.type.starts_with("multipart/") &&
            !types.contains(content.type))
            add({}, content.type);
    });
    attachments_cut_ |= summary.is_cut || inside.is_cut();
}

} // namespace mgw::filter
