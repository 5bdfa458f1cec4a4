#include "lib/mail/frame.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <fmt/core.h>

namespace mgw::mail
{

namespace
{

constexpr std::size_t longest_header_line = 128;
constexpr std::size_t most_members = 10000;

std::unexpected<Error> broken(std::string_view what)
{
    return fail(Status::temp_fail, "broken frame: " + std::string(what), "the stage before this one failed");
}

} // namespace

std::string frame_octets(const Frame& frame)
{
    std::string out = fmt::format("MGW1 {} {}\n", frame.id, frame.members.size());
    std::size_t total = out.size() + 40;
    for (const auto& member : frame.members)
        total += member.message.size() + 1024;
    out.reserve(total);
    for (const auto& member : frame.members) {
        const std::string block = member.block.text();
        out += fmt::format("{} {}\n", block.size(), member.message.size());
        out += block;
        out += member.message;
    }
    return out.append("END ").append(frame.id).append("\n");
}

void FrameReader::feed(std::string_view octets)
{
    if (taken_ > 0 && taken_ >= buffer_.size() / 2) {
        buffer_.erase(0, taken_);
        taken_ = 0;
    }
    buffer_ += octets;
}

Result<std::optional<Frame>> FrameReader::next()
{
    if (broken_)
        return std::unexpected(*broken_);
    const auto give_up = [&](std::string_view what) -> Result<std::optional<Frame>> {
        auto error = broken(what);
        broken_ = error.error();
        return error;
    };
    const std::string_view all = std::string_view(buffer_).substr(taken_);
    if (all.empty() || all.size() < wanted_)
        return std::nullopt;
    std::size_t at = 0;
    enum class Line : char { whole, partial, bad };
    const auto line = [&](std::string_view& into) {
        const auto lf = all.substr(at, longest_header_line).find('\n');
        if (lf == std::string_view::npos)
            return all.size() - at >= longest_header_line ? Line::bad : Line::partial;
        into = all.substr(at, lf);
        at += lf + 1;
        return Line::whole;
    };
    std::string_view text;
    if (const Line got = line(text); got != Line::whole)
        return got == Line::bad ? give_up("no header line") : Result<std::optional<Frame>>(std::nullopt);
    const auto words = split(text, ' ');
    const auto count = words.size() == 3 ? parse_number(words[2]) : std::nullopt;
    if (words[0] != "MGW1" || !count || *count > most_members || words[1].empty())
        return give_up("malformed header line: " + printable_ascii(text, 60));
    Frame frame;
    frame.id = words[1];
    for (std::uint64_t i = 0; i < *count; ++i) {
        if (const Line got = line(text); got != Line::whole)
            return got == Line::bad ? give_up("no length line") : Result<std::optional<Frame>>(std::nullopt);
        const auto lengths = split(text, ' ');
        const auto block_octets = lengths.size() == 2 ? parse_number(lengths[0]) : std::nullopt;
        const auto message_octets = lengths.size() == 2 ? parse_number(lengths[1]) : std::nullopt;
        if (!block_octets || !message_octets || *block_octets > limits_.block_octets ||
            *message_octets > (std::size_t{1} << 40))
            return give_up("malformed lengths: " + printable_ascii(text, 60));
        if (all.size() - at < *block_octets + *message_octets) {
            wanted_ = at + *block_octets + *message_octets;
            return std::nullopt;
        }
        auto block = Block::parse(all.substr(at, *block_octets), limits_);
        if (!block)
            return give_up(block.error().message);
        if (i == 0 && block->id() != frame.id) // answers and records would go to another message
            return give_up("its id is not the Mgw-Id of its first member");
        at += *block_octets;
        frame.members.push_back(Member{std::move(*block), std::string(all.substr(at, *message_octets))});
        at += *message_octets;
    }
    if (const Line got = line(text); got != Line::whole)
        return got == Line::bad ? give_up("no END") : Result<std::optional<Frame>>(std::nullopt);
    if (text != "END " + frame.id)
        return give_up("no END where it must stand");
    taken_ += at;
    wanted_ = 0;
    if (taken_ == buffer_.size()) {
        buffer_.clear();
        taken_ = 0;
    }
    return frame;
}

std::string answer_line(const Answer& answer)
{
    if (answer.done)
        return answer.id + " done\n";
    return fmt::format("{} {} {} {} {}\n", answer.id, answer.number, answer.code,
                       answer.enhanced.empty() ? fmt::format("{}.0.0", answer.code / 100) : answer.enhanced,
                       printable(answer.text));
}

std::optional<Answer> parse_answer(std::string_view line)
{
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    Answer out;
    const auto word = [&] {
        const auto blank = line.find(' ');
        const auto w = line.substr(0, blank);
        line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
        return w;
    };
    out.id = word();
    out.number = word();
    if (out.id.empty() || out.number.empty())
        return std::nullopt;
    if (out.number == "done" && line.empty()) {
        out.number.clear();
        out.done = true;
        return out;
    }
    const auto code = parse_number(word());
    if (!code || *code < 200 || *code > 599)
        return std::nullopt;
    out.code = static_cast<int>(*code);
    out.enhanced = word();
    out.text = line;
    return out;
}

std::vector<Answer> fold_answers(const Block& block, const std::vector<Answer>& results)
{
    std::vector<Answer> out;
    for (const auto& recipient : block.recipients()) {
        if (recipient.number.contains('.'))
            continue;
        const Answer* best = nullptr;
        const auto rank = [](int code) { return code / 100 == 4 ? 3 : (code / 100 == 2 ? 2 : 1); };
        for (const auto& result : results)
            if (covers(recipient.number, result.number) && (best == nullptr || rank(result.code) > rank(best->code)))
                best = &result;
        Answer answer = best != nullptr ? *best : Answer{{}, {}, 451, "4.3.0", "no result for this recipient"};
        answer.id = block.id();
        answer.number = recipient.number;
        out.push_back(std::move(answer));
    }
    return out;
}

Answer one_reply(const std::vector<Answer>& answers)
{
    const Answer* accepted = nullptr;
    const Answer* refused = nullptr;
    for (const auto& a : answers) {
        if (a.code / 100 == 4)
            return a;
        const Answer*& first = a.code / 100 == 2 ? accepted : refused;
        if (first == nullptr)
            first = &a;
    }
    if (accepted != nullptr)
        return *accepted;
    if (refused != nullptr)
        return *refused;
    return Answer{{}, {}, 451, "4.3.0", "no recipient", false};
}

} // namespace mgw::mail
