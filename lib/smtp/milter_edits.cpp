#include "lib/smtp/milter_edits.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

namespace mgw::smtp
{

namespace
{

using mail::Action;

ServerReply own_failure(std::string text)
{
    return {451, "4.3.0", std::move(text)};
}

/// One final recipient of one member.
struct Judged {
    std::size_t member = 0;
    mail::Recipient recipient;
    std::vector<std::string> causes; ///< original recipients whose acceptance it needs; empty for any
    mail::Verdict verdict;
    int code = 250;
};

int code_of(const mail::Verdict& verdict)
{
    if (verdict.action == Action::defer)
        return verdict.code / 100 == 4 ? verdict.code : 451;
    if (verdict.action == Action::reject)
        return verdict.code / 100 == 5 ? verdict.code : 550;
    return 250;
}

ServerReply reply_of(const Judged& judged)
{
    const bool defers = judged.code / 100 == 4;
    ServerReply reply{judged.code, judged.verdict.enhanced, without_local_paths(judged.verdict.text)};
    if (!reply.enhanced.starts_with(defers ? "4." : "5."))
        reply.enhanced = defers ? "4.7.1" : "5.7.1";
    if (reply.text.empty())
        reply.text = defers ? "Try again later" : "Refused by policy";
    return reply;
}

/// A destination "error:5.1.1 text" is a refusal; all others are the mail server's business.
void take_error_hop(Judged& judged, const std::string& hop)
{
    constexpr std::string_view error = "error:";
    if (!hop.starts_with(error) || judged.verdict.action != Action::accept)
        return;
    const auto text = std::string_view(hop).substr(error.size());
    const auto blank = std::min(text.find(' '), text.size());
    const bool has_status = text.starts_with("4.") || text.starts_with("5.");
    judged.verdict.action = text.starts_with("4.") ? Action::defer : Action::reject;
    judged.verdict.enhanced = has_status ? text.substr(0, blank) : "5.1.1";
    judged.verdict.text = has_status ? text.substr(std::min(blank + 1, text.size())) : text;
    judged.code = code_of(judged.verdict);
}

std::string_view root_of(std::string_view number)
{
    return number.substr(0, number.find('.'));
}

/// Parameters for the mail server: without our own "for=".
std::string esmtp_parameters(std::string_view parameters)
{
    std::string out;
    for (const auto parameter : split_blanks(parameters))
        if (!istarts_with(parameter, "for="))
            out.append(out.empty() ? "" : " ").append(parameter);
    return out;
}

std::vector<Judged> judge_all(const mail::Frame& frame)
{
    std::vector<Judged> out;
    for (std::size_t m = 0; m < frame.members.size(); ++m) {
        const auto& block = frame.members[m].block;
        for (auto& recipient : block.final_recipients()) {
            Judged judged{m, recipient, {}, block.effective(recipient.number), 250};
            judged.code = code_of(judged.verdict);
            take_error_hop(judged, block.hop(recipient.number));
            if (const auto root = root_of(recipient.number); root != "0")
                judged.causes.emplace_back(root);
            for (const auto parameter : split_blanks(recipient.parameters))
                if (recipient.number.starts_with("0.") && istarts_with(parameter, "for="))
                    for (const auto cause : split(parameter.substr(4), ','))
                        judged.causes.emplace_back(root_of(cause));
            out.push_back(std::move(judged));
        }
    }
    return out;
}

std::string with_lf(std::string_view octets)
{
    std::string out;
    for (std::size_t i = 0; i < octets.size(); ++i)
        if (octets[i] != '\r' || i + 1 == octets.size() || octets[i + 1] != '\n')
            out += octets[i];
    return out;
}

/// Where the colon of a field stands.
std::size_t colon_of(std::string_view field)
{
    return std::min(field.find(':'), field.size());
}
std::string_view name_of(std::string_view field)
{
    return field.substr(0, colon_of(field));
}
/// As a packet has it: what stands behind the colon, lines ended by LF, without the last line end.
std::string value_of(std::string_view field)
{
    auto value = with_lf(field.substr(std::min(colon_of(field) + 1, field.size())));
    if (value.ends_with('\n'))
        value.pop_back();
    return value;
}
bool is_field(std::string_view field)
{
    const auto name = name_of(field);
    return !name.empty() && name.size() < field.size() && !is_blank(name.front()) &&
           name.find_first_of("\r\n") == std::string_view::npos && !field.contains('\0');
}

/// Of each field which one of its name it is, from 1.
std::vector<std::size_t> counted(const std::vector<std::string_view>& fields)
{
    std::unordered_map<std::string, std::size_t> seen;
    std::vector<std::size_t> out;
    for (const auto field : fields)
        out.push_back(++seen[to_lower(trim(name_of(field)))]);
    return out;
}

constexpr std::size_t most_cells = 1U << 22; // of comparing fields with each other

/// One step from the fields before to those after; an index that is missing is that of the other side alone.
struct Step {
    std::optional<std::size_t> before;
    std::optional<std::size_t> after;
    bool kept = false;
};

/// Fields as numbers, equal ones alike, so that long ones are compared once.
std::vector<std::uint32_t> numbered(const std::vector<std::string_view>& fields,
                                    std::unordered_map<std::string_view, std::uint32_t>& known)
{
    std::vector<std::uint32_t> out;
    for (const auto field : fields)
        out.push_back(known.emplace(field, known.size()).first->second);
    return out;
}

/// Which fields stay, in order. Beyond `most_cells` of work all between the ends that agree is taken as new.
std::vector<std::pair<std::size_t, std::size_t>> common_fields(const std::vector<std::string_view>& before,
                                                               const std::vector<std::string_view>& after)
{
    std::unordered_map<std::string_view, std::uint32_t> known;
    const auto a = numbered(before, known);
    const auto b = numbered(after, known);
    std::vector<std::pair<std::size_t, std::size_t>> out;
    std::size_t begin = 0;
    while (begin < a.size() && begin < b.size() && a[begin] == b[begin]) {
        out.emplace_back(begin, begin);
        ++begin;
    }
    std::size_t tail = 0;
    while (tail < a.size() - begin && tail < b.size() - begin && a[a.size() - tail - 1] == b[b.size() - tail - 1])
        ++tail;
    const std::size_t n = a.size() - begin - tail;
    const std::size_t m = b.size() - begin - tail;
    if (n > 0 && m > 0 && n <= most_cells / m) {
        std::vector<std::uint32_t> longest((n + 1) * (m + 1)); // of what follows
        const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return longest[i * (m + 1) + j]; };
        for (std::size_t i = n; i-- > 0;)
            for (std::size_t j = m; j-- > 0;)
                at(i, j) = a[begin + i] == b[begin + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
        for (std::size_t i = 0, j = 0; i < n && j < m;) {
            if (a[begin + i] == b[begin + j])
                out.emplace_back(begin + i++, begin + j++);
            else if (at(i + 1, j) >= at(i, j + 1))
                ++i;
            else
                ++j;
        }
    }
    for (std::size_t k = tail; k-- > 0;)
        out.emplace_back(a.size() - k - 1, b.size() - k - 1);
    return out;
}

/// A server finds a field by its name without the blanks behind it, and takes an empty value for a removal.
bool can_change(std::string_view before, std::string_view after)
{
    const auto name = name_of(before);
    return name == name_of(after) && name == trim(name) && !value_of(after).empty();
}

/// Steps between two fields that stay: where a field of the same name stands on both sides it is changed in its place.
void add_steps(const std::vector<std::string_view>& before, std::size_t i, std::size_t before_end,
               const std::vector<std::string_view>& after, std::size_t j, std::size_t after_end,
               std::vector<Step>& into)
{
    const bool many = before_end > i && after_end - j > most_cells / (before_end - i);
    for (; i < before_end; ++i) {
        std::size_t k = many ? after_end : j;
        while (k < after_end && !can_change(before[i], after[k]))
            ++k;
        if (k == after_end) {
            into.push_back({i, std::nullopt, false});
            continue;
        }
        for (; j < k; ++j)
            into.push_back({std::nullopt, j, false});
        into.push_back({i, j++, false});
    }
    for (; j < after_end; ++j)
        into.push_back({std::nullopt, j, false});
}

std::string change_packet(std::size_t nth, std::string_view name, std::string_view value)
{
    return milter_packet(MilterAnswer::change_header, milter_number(static_cast<std::uint32_t>(nth)) +
                                                          std::string(name) + '\0' + std::string(value) + '\0');
}

} // namespace

SplitMessage split_message(std::string_view octets)
{
    SplitMessage out;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < octets.size();) {
        const auto lf = octets.find('\n', at);
        const auto end = lf == std::string_view::npos ? octets.size() : lf + 1;
        const auto line = octets.substr(at, end - at);
        if (line == "\n" || line == "\r\n") {
            out.body_begin = end;
            return out;
        }
        if (is_blank(line.front()) && !out.fields.empty())
            out.fields.back() = octets.substr(begin, end - begin);
        else
            out.fields.push_back(octets.substr(begin = at, end - at));
        at = end;
    }
    out.body_begin = octets.size();
    return out;
}

Result<std::string> header_edits(const std::vector<std::string_view>& before,
                                 const std::vector<std::string_view>& after, std::size_t& count)
{
    std::vector<Step> steps;
    std::size_t i = 0;
    std::size_t j = 0;
    auto kept = common_fields(before, after);
    kept.emplace_back(before.size(), after.size());
    for (const auto& [a, b] : kept) {
        add_steps(before, i, a, after, j, b, steps);
        if (a < before.size())
            steps.push_back({a, b, true});
        i = a + 1;
        j = b + 1;
    }
    for (const auto& step : steps)
        if (!step.kept && step.after) {
            const auto field = after[*step.after];
            if (!is_field(field))
                return fail(Status::temp_fail, "the pipeline made a header line that is no field");
            if (field.size() > milter_body_octets)
                return fail(Status::temp_fail, "the pipeline made a header field that is too long for a milter");
        }

    // those behind all that was there can only be added in order; the rest goes from the bottom up, so that neither
    // positions nor the counts of fields of one name change above
    std::string out;
    std::size_t last = steps.size();
    while (last > 0 && !steps[last - 1].before)
        --last;
    for (std::size_t s = last; s < steps.size() && !before.empty(); ++s) {
        const auto field = after[*steps[s].after];
        out += milter_packet(MilterAnswer::add_header, std::string(name_of(field)) + '\0' + value_of(field) + '\0');
        ++count;
    }
    if (before.empty())
        last = steps.size();
    const auto nths = counted(before);
    std::size_t position = before.size();
    for (std::size_t s = last; s-- > 0;) {
        const auto& step = steps[s];
        if (step.before)
            position = *step.before;
        if (step.kept)
            continue;
        ++count;
        if (!step.before) {
            const auto field = after[*step.after];
            // above all stands the server's own Received field, which counts here though it is shown to no filter. It
            // must stay the first: what is first is hidden from the filters that follow.
            const auto place = static_cast<std::uint32_t>(position + 1);
            out += milter_packet(MilterAnswer::insert_header,
                                 milter_number(place) + std::string(name_of(field)) + '\0' + value_of(field) + '\0');
            continue;
        }
        const auto field = before[*step.before];
        out += change_packet(nths[*step.before], trim(name_of(field)),
                             step.after ? value_of(after[*step.after]) : std::string{});
    }
    return out;
}

namespace
{

std::vector<std::string_view> fields_of(const MilterMessage& original, std::string_view octets)
{
    std::vector<std::string_view> out;
    for (const auto& field : original.fields)
        out.push_back(octets.substr(field.begin, field.end - field.begin));
    return out;
}

class Decide {
public:
    Decide(const MilterMessage& original, std::string_view octets, const mail::Frame& frame, std::uint32_t actions,
           const MilterRules& rules)
        : original_(original), octets_(octets), frame_(frame), actions_(actions), rules_(rules),
          first_(frame.members.at(0)), all_(judge_all(frame))
    {}

    MilterDecision run()
    {
        if (auto reply = refused())
            return refusal(*reply, frame_.id);
        if (auto reply = choose(); reply)
            return refusal(*reply, frame_.id);
        out_.effects = first_.block.effects().size();
        if (recipients_.empty()) {
            out_.action = "discard";
            out_.packets = milter_packet(MilterAnswer::discard);
            return out_;
        }
        out_.action = "accept";
        edit_message();
        edit_envelope();
        if (!failed_.empty())
            return refusal(own_failure(failed_), frame_.id);
        out_.packets += milter_packet(MilterAnswer::go_on);
        return out_;
    }

private:
    bool is_accepted(const Judged& judged) const
    {
        return judged.verdict.action == Action::accept || judged.verdict.action == Action::quarantine;
    }

    /// One reply for all, where there is nothing else to say.
    std::optional<ServerReply> refused()
    {
        const Judged* refused = nullptr;
        for (const auto& judged : all_) {
            if (judged.code / 100 == 4)
                return reply_of(judged);
            if (judged.member > 0 || judged.recipient.number.starts_with("0."))
                continue;
            if (judged.code / 100 == 2)
                accepted_.insert(std::string(root_of(judged.recipient.number)));
            else if (refused == nullptr)
                refused = &judged;
        }
        if (accepted_.empty())
            return refused != nullptr ? reply_of(*refused) : own_failure("The pipeline left no recipient");
        if (refused != nullptr && rules_.mixed == MilterMixed::defer)
            return ServerReply{451, "4.5.3", "Recipients differ, send to them apart"};
        return std::nullopt;
    }

    /// Who gets the message.
    std::optional<ServerReply> choose()
    {
        std::set<std::size_t> unsent;
        for (const auto& judged : all_) {
            const bool wanted = judged.causes.empty() || std::ranges::any_of(judged.causes, [&](const auto& cause) {
                                    return accepted_.contains(cause);
                                });
            if (!wanted || !is_accepted(judged))
                continue;
            const auto& member = frame_.members[judged.member];
            if (judged.member > 0 && (member.message != first_.message || member.block.from() != first_.block.from()))
                unsent.insert(judged.member);
            else
                recipients_.push_back(&judged);
        }
        out_.unsent = unsent.size();
        if (out_.unsent > 0 && !rules_.drop_made)
            return own_failure("A copy or notice was made that cannot be sent here");
        return std::nullopt;
    }

    void need(std::uint32_t action, const char* what)
    {
        if ((actions_ & action) == 0 && failed_.empty())
            failed_ = std::string("The mail server does not let filters ") + what;
    }

    void put(MilterAnswer answer, std::string_view data)
    {
        out_.packets += milter_packet(answer, data);
        ++out_.edits;
    }

    void edit_message()
    {
        const auto made = split_message(first_.message);
        const auto before = fields_of(original_, octets_);
        if (before != made.fields) {
            need(milter_may_add_headers, "add header fields");
            need(milter_may_change_headers, "change header fields");
            auto packets = header_edits(before, made.fields, out_.edits);
            if (packets)
                out_.packets += *packets;
            else
                failed_ = packets.error().message;
        }
        auto body = std::string_view(first_.message).substr(made.body_begin);
        if (body == octets_.substr(original_.body_begin))
            return;
        need(milter_may_change_body, "change the body");
        do {
            put(MilterAnswer::replace_body, body.substr(0, milter_body_octets));
            body.remove_prefix(std::min(body.size(), milter_body_octets));
        } while (!body.empty());
    }

    void edit_envelope()
    {
        std::set<std::string, std::less<>> there; // addresses that the message keeps
        for (std::size_t i = 0; i < original_.to.size(); ++i) {
            const auto& path = original_.envelope.to[i].path;
            const bool stays =
                std::ranges::any_of(recipients_, [&](const Judged* judged) { return judged->recipient.path == path; });
            if (stays) {
                there.insert(path);
                continue;
            }
            need(milter_may_remove_recipients, "remove recipients");
            put(MilterAnswer::remove_recipient, original_.to[i] + '\0');
            out_.removed.push_back(path);
        }
        for (const auto* judged : recipients_) {
            quarantine(*judged);
            if (there.insert(judged->recipient.path).second)
                add(judged->recipient);
        }
        const auto from = first_.block.from().value_or("");
        if (from == original_.envelope.from)
            return;
        need(milter_may_change_from, "change the sender");
        const auto parameters = first_.block.from_parameters();
        put(MilterAnswer::change_from, '<' + from + '>' + '\0' + (parameters.empty() ? "" : parameters + '\0'));
    }

    void add(const mail::Recipient& recipient)
    {
        const auto parameters = esmtp_parameters(recipient.parameters);
        const auto path = '<' + recipient.path + '>' + '\0';
        need(milter_may_add_recipients, "add recipients");
        if (!parameters.empty() && (actions_ & milter_may_add_recipients_with_parameters) != 0)
            put(MilterAnswer::add_recipient_with_parameters, path + parameters + '\0');
        else
            put(MilterAnswer::add_recipient, path);
        out_.added.push_back(recipient.path);
    }

    void quarantine(const Judged& judged)
    {
        if (judged.verdict.action != Action::quarantine || out_.action == "quarantine")
            return;
        need(milter_may_quarantine, "quarantine messages");
        out_.action = "quarantine";
        out_.reply.text = judged.verdict.text.empty() ? "quarantined by " + judged.verdict.by : judged.verdict.text;
        put(MilterAnswer::quarantine, printable_ascii(out_.reply.text, 200) + '\0');
    }

    const MilterMessage& original_;
    std::string_view octets_;
    const mail::Frame& frame_;
    std::uint32_t actions_;
    MilterRules rules_;
    const mail::Member& first_;
    std::vector<Judged> all_;
    std::set<std::string, std::less<>> accepted_; ///< original recipients that are not refused
    std::vector<const Judged*> recipients_;
    std::string failed_;
    MilterDecision out_;
};

} // namespace

MilterDecision decide(const MilterMessage& original, std::string_view octets, const mail::Frame& frame,
                      std::uint32_t actions, const MilterRules& rules)
{
    if (frame.members.empty())
        return refusal(own_failure("The pipeline took the message away"), frame.id);
    return Decide(original, octets, frame, actions, rules).run();
}

MilterDecision refusal(const ServerReply& reply, std::string_view id)
{
    MilterDecision out;
    out.action = reply.code / 100 == 4 ? "defer" : "reject";
    out.reply = reply;
    auto line = reply_octets(reply, id);
    line.resize(line.size() - 2); // CRLF
    std::string text;
    for (const char c : line) {
        text += c;
        if (c == '%') // which mail servers read as the beginning of a format
            text += c;
    }
    out.packets = milter_packet(MilterAnswer::reply, text + '\0');
    return out;
}

} // namespace mgw::smtp
