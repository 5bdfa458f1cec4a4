#include "lib/mail/attached.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"
#include "lib/mail/tnef.hpp"

#include <algorithm>
#include <utility>

namespace mgw::mail
{

namespace
{

/// What reading a small message in all ways may cost.
constexpr std::size_t least_cost = 512U << 10;

} // namespace

bool is_message_name(const std::vector<std::string>& file_names)
{
    return std::ranges::any_of(file_names, [](const std::string& name) {
        const auto bare = trim(name);
        return iends_with(bare, ".eml") || iends_with(bare, ".mht") || iends_with(bare, ".mhtml");
    });
}

AttachedNames::AttachedNames(const Limits& limits, std::size_t octets)
    : limits_(limits), budget_(octets + 4 * least_cost)
{}

std::set<std::string> AttachedNames::of_message(std::string_view octets)
{
    return run(octets, false);
}

std::set<std::string> AttachedNames::of_tnef(std::string_view octets)
{
    return run(octets, true);
}

std::set<std::string> AttachedNames::run(std::string_view octets, bool is_tnef)
{
    names_.clear();
    look_at(octets, 0, is_tnef);
    while (!pending_.empty()) {
        const auto next = std::move(pending_.back());
        pending_.pop_back();
        look_at(next.octets, next.depth, next.is_tnef);
    }
    return std::exchange(names_, {});
}

void AttachedNames::look_at(std::string_view octets, std::size_t depth, bool is_tnef)
{
    if (is_tnef)
        look_at_tnef(octets, depth);
    else
        look_at_message(octets, depth);
}

void AttachedNames::look_at_tnef(std::string_view octets, std::size_t depth)
{
    const auto tnef = read_tnef(octets, {limits_.archive_entries, limits_.archive_depth});
    is_cut_ = is_cut_ || tnef.cut;
    for (const auto& file : tnef.attachments) {
        names_.insert(file.names.begin(), file.names.end());
        // what a wrapped message holds is listed with the rest
        if (!file.is_message && (is_message_name(file.names) || file.type == "message/rfc822"))
            keep(file.octets, depth + 1, false);
    }
}

void AttachedNames::look_at_message(std::string_view octets, std::size_t depth)
{
    const Message message(octets, limits_);
    const Parts parts(message, limits_);
    is_cut_ = is_cut_ || has(parts.oddities(), Oddity::too_many_parts) || has(parts.oddities(), Oddity::too_deep);
    for (const auto& part : parts.all())
        names_.insert(part.file_names.begin(), part.file_names.end());
    const std::size_t cost = std::max(octets.size(), least_cost);
    if (cost > budget_) {
        is_cut_ = is_cut_ || is_ambiguous(parts.oddities());
        return;
    }
    budget_ -= cost;
    const auto summary = for_each_content(message, parts, limits_, [&](const Content& content) {
        names_.insert(content.file_names.begin(), content.file_names.end());
        is_cut_ = is_cut_ || content.is_cut;
        const bool is_read = content.part != nullptr && content.part->is_message; // its parts are in the list
        if (is_tnef(content.octets))
            keep(content.octets, depth + 1, true);
        else if (!is_read && is_message_name(content.file_names))
            keep(content.octets, depth + 1, false);
    });
    is_cut_ = is_cut_ || summary.is_cut;
}

void AttachedNames::keep(std::string_view octets, std::size_t depth, bool is_tnef)
{
    if (depth >= limits_.archive_depth || octets.size() > budget_) {
        is_cut_ = true;
        return;
    }
    budget_ -= octets.size();
    pending_.push_back({std::string(octets), depth, is_tnef});
}

} // namespace mgw::mail
