#include "lib/queue/attempt.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::queue
{

namespace
{

constexpr std::string_view error_hop = "error:";

/// ESMTP parameters without what only mgw's stages read.
std::string smtp_parameters(std::string_view parameters)
{
    std::string out;
    for (const auto word : split_blanks(parameters))
        if (!istarts_with(word, "for="))
            out.append(out.empty() ? "" : " ").append(word);
    return out;
}

mail::Answer refused_by_hop(const std::string& number, std::string_view hop)
{
    const auto words = trim(hop.substr(error_hop.size()));
    const auto blank = words.find(' ');
    const auto status = words.substr(0, blank);
    const bool temporary = status.starts_with("4.");
    return {.number = number,
            .code = temporary ? 451 : 550,
            .enhanced = status.starts_with("5.") || temporary ? std::string(status) : "5.1.1",
            .text = std::string(blank == std::string_view::npos ? "no such recipient" : words.substr(blank + 1))};
}

} // namespace

mail::Frame make_frame(const Entry& entry, Stored stored, Attempt& attempt)
{
    attempt = {.id = entry.id, .mgw_id = entry.mgw_id};
    mail::Frame frame{.id = entry.mgw_id};
    mail::Block block;
    block.set_id(entry.mgw_id);
    if (const auto client = stored.block.client(); !client.ip.empty() || !client.proto.empty())
        block.set_client(client);
    block.set_from(entry.sender, stored.block.from_parameters());
    for (const auto& recipient : stored.block.recipients()) {
        if (std::ranges::none_of(entry.recipients, [&](const Pending& p) { return p.number == recipient.number; }))
            continue;
        const auto hop = stored.block.hop(recipient.number);
        if (hop.starts_with(error_hop)) {
            attempt.answers.push_back(refused_by_hop(recipient.number, hop));
            continue;
        }
        attempt.numbers.push_back(recipient.number);
        const auto number = std::to_string(attempt.numbers.size());
        block.add_recipient(number, recipient.path, smtp_parameters(recipient.parameters));
        if (!hop.empty())
            block.add_hop(number, hop);
    }
    if (!attempt.numbers.empty())
        frame.members.push_back({std::move(block), std::move(stored.message)});
    return frame;
}

void take_answer(Attempt& attempt, const mail::Answer& answer)
{
    const auto n = parse_number(answer.number);
    if (!n || *n == 0 || *n > attempt.numbers.size())
        return;
    auto taken = answer;
    taken.number = attempt.numbers[static_cast<std::size_t>(*n - 1)];
    attempt.answers.push_back(std::move(taken));
}

Result<Outcome> conclude(const Entry& entry, const Stored& stored, const Attempt& attempt, const Schedule& schedule,
                         const DsnOptions& dsn, Time now, Random& random)
{
    Outcome out;
    Event done;
    Event tried;
    Event bounced;
    unsigned attempts = 0;
    const bool expired = now - from_microseconds(entry.arrived_us()) > schedule.lifetime;
    for (const auto& pending : entry.recipients) {
        mail::Answer result{
            .number = pending.number, .code = 451, .enhanced = "4.3.0", .text = "no answer from the sender"};
        for (const auto& answer : attempt.answers)
            if (answer.number == pending.number)
                result = answer;
        if (result.code / 100 == 2) {
            done.results.push_back(result);
        } else if (result.code / 100 == 5) {
            bounced.results.push_back(result);
        } else if (expired) {
            result = {.number = pending.number,
                      .code = 554,
                      .enhanced = "5.4.7",
                      .text = "delivery time expired; the last answer was: " + std::to_string(result.code) + " " +
                              result.enhanced + " " + result.text};
            bounced.results.push_back(result);
        } else {
            attempts = std::max(attempts, pending.attempts + 1);
            tried.results.push_back(result);
        }
        out.results.push_back(std::move(result));
    }
    const auto add = [&](Type type, const Event& event) {
        out.group.push_back(
            {.type = type, .id = entry.id, .not_before_us = entry.event_us + 1, .header = header_text(event)});
    };
    if (!bounced.results.empty()) {
        auto notice = bounce(stored.block, stored.message, bounced.results, from_microseconds(entry.arrived_us()), dsn,
                             now, random);
        if (!notice)
            return pass(notice);
        if (*notice) {
            out.octets.push_back(std::move((*notice)->message));
            out.group.push_back({.type = Type::message, .header = header_text(**notice), .body = out.octets.back()});
        }
        add(Type::bounced, bounced);
    }
    if (!tried.results.empty()) {
        const auto wait = schedule.wait(attempts, random);
        tried.next_us = microseconds(now) + static_cast<std::uint64_t>(wait.count()) * 1000;
        add(Type::attempt, tried);
    }
    if (!done.results.empty())
        add(Type::done, done);
    return out;
}

} // namespace mgw::queue
