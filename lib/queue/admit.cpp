#include "lib/queue/admit.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <map>

namespace mgw::queue
{

namespace
{

/// One final recipient of one member.
struct Judged {
    std::size_t member;
    std::string number;
    mail::Verdict verdict;
    std::vector<std::string> causes; ///< original recipients on whose acceptance it depends; "*" for any
    int code = 250;
    bool keep = false;
    bool quarantine = false;
};

std::vector<std::string> causes_of(const mail::Recipient& recipient)
{
    const auto root = recipient.number.substr(0, recipient.number.find('.'));
    if (root != "0")
        return {root};
    std::vector<std::string> causes;
    for (const auto parameter : split_blanks(recipient.parameters))
        if (istarts_with(parameter, "for="))
            for (const auto cause : split(parameter.substr(4), ','))
                causes.emplace_back(cause.substr(0, cause.find('.')));
    return causes.empty() ? std::vector<std::string>{"*"} : causes;
}

int code_of(const mail::Verdict& verdict)
{
    switch (verdict.action) {
    case mail::Action::defer:
        return verdict.code / 100 == 4 ? verdict.code : 451;
    case mail::Action::reject:
        return verdict.code / 100 == 5 ? verdict.code : 550;
    default:
        return 250;
    }
}

mail::Answer refusal(const Judged& judged)
{
    const bool defer = judged.code / 100 == 4;
    auto enhanced = judged.verdict.enhanced;
    if (!enhanced.starts_with(defer ? "4." : "5."))
        enhanced = defer ? "4.7.1" : "5.7.1";
    return {.number = judged.number,
            .code = judged.code,
            .enhanced = enhanced,
            .text =
                judged.verdict.text.empty() ? (defer ? "try again later" : "refused by policy") : judged.verdict.text};
}

class Admit {
public:
    Admit(const mail::Frame& frame, Mixed mixed) : frame_(frame), mixed_(mixed)
    {
        lmtp_ = istarts_with(frame.members[0].block.client().proto, "LMTP");
        for (std::size_t m = 0; m < frame.members.size(); ++m)
            for (const auto& recipient : frame.members[m].block.final_recipients()) {
                auto verdict = frame.members[m].block.effective(recipient.number);
                const int code = code_of(verdict);
                all_.push_back({.member = m,
                                .number = recipient.number,
                                .verdict = std::move(verdict),
                                .causes = causes_of(recipient),
                                .code = code});
            }
    }

    Admission run()
    {
        fold();
        if (!lmtp_)
            one_for_all();
        for (auto& judged : all_)
            judge(judged);
        collect();
        return std::move(out_);
    }

private:
    static constexpr auto rank = [](int code) { return code / 100 == 4 ? 3 : (code / 100 == 2 ? 2 : 1); };

    /// Code of each original recipient: any 4xx, else any 2xx, else 5xx. A created member that is deferred defers its
    /// causes.
    void fold()
    {
        for (const auto& judged : all_) {
            if (judged.number.starts_with("0.") && judged.code / 100 != 4)
                continue;
            for (const auto& cause : judged.causes)
                raise(cause, judged);
        }
        if (const auto any = originals_.find("*"); any != originals_.end()) {
            const auto* by = any->second;
            for (auto& [number, judged] : originals_)
                judged = by;
        }
    }

    void raise(const std::string& original, const Judged& judged)
    {
        auto& slot = originals_[original];
        if (slot == nullptr || rank(judged.code) > rank(slot->code))
            slot = &judged;
    }

    int code_for(const std::string& original) const
    {
        if (deferred_ != nullptr)
            return deferred_->code;
        if (original == "*") {
            for (const auto& [number, judged] : originals_)
                if (judged->code / 100 == 2)
                    return 250;
            return 550;
        }
        const auto found = originals_.find(original);
        return found == originals_.end() ? 550 : found->second->code;
    }

    void one_for_all()
    {
        bool accepted = false;
        const Judged* refused = nullptr;
        for (const auto& [number, judged] : originals_) {
            if (judged->code / 100 == 4 && deferred_ == nullptr)
                deferred_ = judged;
            accepted = accepted || judged->code / 100 == 2;
            if (judged->code / 100 == 5)
                refused = judged;
        }
        mixed_now_ = deferred_ == nullptr && accepted && refused != nullptr;
        if (mixed_now_ && mixed_ == Mixed::defer) {
            disagree_ = {.member = 0,
                         .number = {},
                         .verdict = {.enhanced = "4.5.3", .text = "recipients differ, send to them apart"},
                         .causes = {},
                         .code = 451};
            deferred_ = &disagree_;
        }
    }

    void judge(Judged& judged)
    {
        const bool created = judged.number.starts_with("0.");
        const bool wanted = std::ranges::any_of(judged.causes, [&](const auto& c) { return code_for(c) / 100 == 2; });
        if (!wanted && !(mixed_now_ && deferred_ == nullptr && !created))
            return;
        const auto action = judged.verdict.action;
        judged.keep = action == mail::Action::accept || action == mail::Action::quarantine;
        judged.quarantine = action == mail::Action::quarantine;
        if (action == mail::Action::reject && !created) {
            if (mixed_now_ || !may_be_told(judged))
                judged.keep = judged.quarantine = true;
            // who has logged in is no stranger: a notice cannot hit somebody who never sent it
            if (!judged.keep || (mixed_now_ && is_authenticated() && may_be_told(judged)))
                out_.bounces.push_back(refusal(judged));
        }
    }

    bool is_authenticated() const { return !frame_.members[0].block.client().auth.empty(); }

    /// Whether a notice about it would not go to someone who never sent it (backscatter).
    bool may_be_told(const Judged& judged) const
    {
        const auto& cls = judged.verdict.cls;
        return !frame_.members[0].block.from().value_or("").empty() && cls != "spam" && cls != "virus" && cls != "auth";
    }

    void collect()
    {
        std::map<std::pair<std::size_t, bool>, std::size_t> kept; // member and state
        for (const auto& judged : all_) {
            if (judged.keep) {
                const auto [at, fresh] = kept.try_emplace({judged.member, judged.quarantine}, out_.keep.size());
                if (fresh) {
                    out_.keep.push_back(
                        {.quarantined = judged.quarantine, .block = frame_.members[judged.member].block});
                    out_.keep.back().block.remove_lines("Mgw-Deadline");
                    out_.members.push_back(judged.member);
                }
                auto& stored = out_.keep[at->second];
                stored.recipients.push_back(judged.number);
                if (judged.quarantine && stored.reason.empty())
                    stored.reason =
                        judged.verdict.text.empty()
                            ? std::string(mail::action_name(judged.verdict.action)) + " by " + judged.verdict.by
                            : judged.verdict.text;
            }
            if (judged.member == 0)
                out_.answers.push_back(answer(judged));
        }
    }

    mail::Answer answer(const Judged& judged) const
    {
        mail::Answer out;
        if (deferred_ != nullptr) {
            out = refusal(*deferred_);
        } else if (judged.code / 100 != 2 && !judged.keep) {
            out = refusal(judged);
            if (mixed_now_ && !lmtp_)
                out = {.code = 250, .enhanced = "2.0.0", .text = "accepted"};
        } else {
            const char* text = judged.quarantine ? "quarantined" : judged.keep ? "queued" : "accepted";
            out = {.code = 250, .enhanced = "2.0.0", .text = text};
        }
        out.number = judged.number;
        return out;
    }

    const mail::Frame& frame_;
    Mixed mixed_;
    bool lmtp_ = false;
    bool mixed_now_ = false;
    std::vector<Judged> all_;
    std::map<std::string, const Judged*> originals_;
    const Judged* deferred_ = nullptr;
    Judged disagree_{};
    Admission out_;
};

} // namespace

Admission admit(const mail::Frame& frame, Mixed mixed)
{
    return Admit(frame, mixed).run();
}

std::vector<mail::Answer> answer_all(const mail::Block& block, int code, const std::string& enhanced,
                                     const std::string& text)
{
    std::vector<mail::Answer> out;
    for (const auto& recipient : block.final_recipients())
        out.push_back({.number = recipient.number, .code = code, .enhanced = enhanced, .text = text});
    return out;
}

Result<std::vector<Stored>> notices(const mail::Frame& frame, const Admission& admission, const DsnOptions& options,
                                    Time now, Random& random)
{
    std::vector<Stored> out;
    if (admission.bounces.empty())
        return out;
    auto notice =
        bounce(frame.members[0].block, frame.members[0].message, admission.bounces, now, options, now, random);
    if (!notice)
        return pass(notice);
    if (*notice)
        out.push_back(std::move(**notice));
    return out;
}

} // namespace mgw::queue
