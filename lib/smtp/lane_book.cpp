#include "lib/smtp/lane_book.hpp"

#include "lib/core/text.hpp"

namespace mgw::smtp
{

namespace
{

constexpr std::size_t line_limit = 4096;

} // namespace

mail::Answer no_answer(std::string text)
{
    mail::Answer answer;
    answer.code = 451;
    answer.enhanced = "4.3.0";
    answer.text = std::move(text);
    return answer;
}

std::vector<std::string> LaneBook::ids() const
{
    std::vector<std::string> out;
    for (const auto& [id, answers] : waiting_)
        out.push_back(id);
    return out;
}

Result<std::vector<LaneOutcome>> LaneBook::feed(std::string_view octets)
{
    if (frames_)
        return feed_frames(octets);
    std::vector<LaneOutcome> out;
    while (!octets.empty()) {
        const auto lf = octets.find('\n');
        line_.append(octets.substr(0, lf));
        octets.remove_prefix(lf == std::string_view::npos ? octets.size() : lf + 1);
        const auto answer = lf == std::string_view::npos ? std::nullopt : mail::parse_answer(line_);
        if (line_.size() > line_limit || (lf != std::string_view::npos && !answer))
            return fail(Status::temp_fail,
                        "the lane's last stage wrote a line that is no answer: " + printable_ascii(line_, 80));
        if (!answer)
            break;
        line_.clear();
        if (auto taken = take(*answer, out); !taken)
            return pass(taken);
    }
    return out;
}

Result<std::vector<LaneOutcome>> LaneBook::feed_frames(std::string_view octets)
{
    std::vector<LaneOutcome> out;
    frames_->feed(octets);
    for (;;) {
        auto frame = frames_->next();
        if (!frame)
            return pass(frame);
        if (!*frame)
            return out;
        if (forget((*frame)->id))
            out.push_back({(*frame)->id, {}, std::move(**frame)});
    }
}

Result<void> LaneBook::take(const mail::Answer& answer, std::vector<LaneOutcome>& into)
{
    const auto found = waiting_.find(answer.id);
    if (found == waiting_.end())
        return {};
    auto& answers = found->second;
    if (answer.done) {
        for (auto& one : answers)
            if (one.code == 0)
                one = no_answer("No answer for this recipient");
        into.push_back({found->first, std::move(answers), std::nullopt});
        waiting_.erase(found);
        return {};
    }
    const auto number = parse_number(answer.number);
    if (!number || *number == 0 || *number > answers.size() || answer.code < 200 || answer.code > 599)
        return fail(Status::temp_fail,
                    "the lane's last stage answered for a recipient or with a code that does not exist");
    answers[*number - 1] = answer;
    return {};
}

} // namespace mgw::smtp
