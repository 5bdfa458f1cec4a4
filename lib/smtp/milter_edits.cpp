#include "lib/smtp/milter_edits.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/milter_header.hpp"

#include <algorithm>
#include <optional>
#include <set>

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
