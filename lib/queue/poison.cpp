#include "lib/queue/poison.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/limits.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"

namespace mgw::queue
{

namespace
{

/// "mgw-scan: killed by signal 11"
std::string last_words(const mail::Block& block)
{
    std::string out;
    for (const auto& tool : block.result_tools())
        if (block.result(tool, "deaths"))
            out += (out.empty() ? "" : ", ") + tool + ": " + block.result(tool, "error").value_or("died");
    return out;
}

void to_quarantine(mail::Block& block, const std::string& text)
{
    const auto verdicts = block.verdicts();
    block.remove_lines("Mgw-Verdict");
    for (const auto& verdict : verdicts)
        if (verdict.action != mail::Action::defer || verdict.cls != "error")
            block.add_verdict(verdict);
    block.add_verdict({.action = mail::Action::quarantine, .cls = "error", .by = "mgw-queue", .text = text});
}

} // namespace

unsigned worker_deaths(const mail::Block& block)
{
    unsigned sum = 0;
    for (const auto& tool : block.result_tools())
        if (const auto deaths = block.result(tool, "deaths"))
            sum += static_cast<unsigned>(std::min<std::uint64_t>(parse_number(*deaths).value_or(0), 1000));
    return sum;
}

std::string poison_digest(std::string_view message)
{
    const Limits limits;
    const mail::Message read(message.substr(mail::from_line_octets(message)), limits);
    std::string kept;
    for (const auto* name : {"Message-ID", "From", "Date"})
        kept.append(read.value_of(name).value_or("")).push_back('\n');
    return hex(sha256(kept.append(read.body())));
}

Result<void> PoisonBook::judge(mail::Frame& frame, Time now)
{
    const auto& first = frame.members.front();
    const unsigned deaths = worker_deaths(first.block);
    if (deaths == 0)
        return {};
    if (!store_) {
        auto opened = open_();
        if (!opened)
            return pass(opened);
        store_ = std::move(*opened);
    }
    const auto digest = poison_digest(first.message);
    auto sum = store_->count(state::make_key({"poison", digest}), deaths, remembered, now);
    if (!sum)
        return pass(sum);
    if (*sum < limit)
        return {};
    const auto text =
        "poison, workers died " + std::to_string(*sum) + " times, sha256=" + digest + ", " + last_words(first.block);
    for (auto& member : frame.members)
        to_quarantine(member.block, text);
    return {};
}

} // namespace mgw::queue
