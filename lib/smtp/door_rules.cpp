#include "lib/smtp/door_rules.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/smtp/server_command.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace mgw::smtp
{

namespace
{

constexpr std::chrono::milliseconds longest_tarpit{20'000};
constexpr std::chrono::seconds tarpit_memory{3600};
constexpr std::chrono::seconds exists_memory{24 * 3600}; // a mailbox that is removed gets mail that long
constexpr std::chrono::seconds missing_memory{3600};     // one that is made gets none

/// What one rule wants.
struct Finding {
    std::string rule; ///< its name, which dry_run may have: "rate:brake"
    DoorAction action = DoorAction::refuse;
    ServerReply reply;
    std::string detail; ///< for the record: what it found
};
using Found = std::optional<Finding>;

std::string seconds_text(std::chrono::microseconds wait)
{
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) + " s";
}

class Case {
public:
    Case(const DoorPlan& plan, const DoorTables& tables, const DoorSources& sources, const DoorQuestion& question,
         Time now)
        : plan_(plan), tables_(tables), sources_(sources), q_(question), now_(now),
          session_(sources.memory.find(question.session))
    {
        if (const auto match = tables_.networks.find(q_.ip); match && match->kind == lists::CidrKind::allow)
            fact("client", "allowed");
        else if (!q_.ip.empty()) // a Unix socket has its own rights
            is_trusted_ = false;
    }

    DoorAnswer decide();

private:
    enum class For : char { all, untrusted, strangers };
    struct Check {
        For whom;
        Found (Case::*find)();
    };
    static std::span<const Check> checks_at(DoorPoint point);

    bool counts_for(For whom) const
    {
        return whom == For::all || (!is_trusted_ && (whom == For::untrusted || q_.login.empty()));
    }
    bool is_dry(std::string_view rule) const
    {
        return plan_.dry_run.contains("all") || plan_.dry_run.contains(std::string(rule)) ||
               plan_.dry_run.contains(std::string(rule.substr(0, rule.find(':'))));
    }
    void fact(std::string_view key, std::string_view value)
    {
        answer_.facts.emplace_back(std::string(key), printable_ascii(value, 200));
    }
    void take(const Finding& finding);
    void measure_client();
    void give_back();
    std::optional<std::string> kept(const std::string& key);

    Found deny();
    Found connections() { return rate(state::RateEvent::connections, "connections"); }
    Found failures() { return q_.failed ? rate(state::RateEvent::failures, "failed logins") : std::nullopt; }
    Found messages() { return rate(state::RateEvent::messages, "messages"); }
    Found recipients() { return rate(state::RateEvent::recipients, "recipients"); }
    Found rate(state::RateEvent event, std::string_view what);
    Found early();
    Found helo();
    Found reverse();
    Found dnsbl();
    Found recipient();
    Found recipient_class();
    Found greylist();
    Found callout();
    Found policy();

    const DoorPlan& plan_;
    const DoorTables& tables_;
    const DoorSources& sources_;
    const DoorQuestion& q_;
    Time now_;
    std::shared_ptr<DoorSession> session_;
    bool is_trusted_ = true;
    std::optional<state::RateEvent> charged_;
    DoorAnswer answer_;
};

std::span<const Case::Check> Case::checks_at(DoorPoint point)
{
    static constexpr Check connect[] = {{For::untrusted, &Case::deny},
                                        {For::untrusted, &Case::connections},
                                        {For::untrusted, &Case::early},
                                        {For::all, &Case::policy}};
    static constexpr Check hello[] = {{For::all, &Case::policy}};
    static constexpr Check auth[] = {{For::all, &Case::failures}};
    static constexpr Check mail[] = {{For::strangers, &Case::helo},
                                     {For::strangers, &Case::reverse},
                                     {For::strangers, &Case::dnsbl},
                                     {For::all, &Case::messages},
                                     {For::all, &Case::policy}};
    static constexpr Check recipient[] = {{For::all, &Case::recipient},      {For::all, &Case::recipient_class},
                                          {For::all, &Case::recipients},     {For::all, &Case::policy},
                                          {For::strangers, &Case::greylist}, {For::all, &Case::callout}};
    switch (point) {
    case DoorPoint::connect:
        return connect;
    case DoorPoint::hello:
        return hello;
    case DoorPoint::auth:
        return auth;
    case DoorPoint::mail:
        return mail;
    case DoorPoint::recipient:
        return recipient;
    }
    return {};
}

DoorAnswer Case::decide()
{
    measure_client();
    for (const auto& check : checks_at(q_.at)) {
        if (!counts_for(check.whom))
            continue;
        const auto found = (this->*check.find)();
        if (!found)
            continue;
        if (!is_dry(found->rule)) {
            take(*found);
            break;
        }
        answer_.would_have.push_back(printable_ascii(
            (found->action == DoorAction::defer ? "defer " : "refuse ") + found->rule + ": " + found->detail, 200));
    }
    if (answer_.action != DoorAction::pass)
        give_back();
    else if (q_.at == DoorPoint::connect && !q_.early && !is_trusted_)
        answer_.pause = plan_.early;
    if (q_.at == DoorPoint::recipient && answer_.action == DoorAction::pass && tables_.classes) {
        session_->class_of_id = q_.id;
        session_->recipient_class = tables_.classes->find(q_.to).value_or("");
    }
    return std::move(answer_);
}

/// A refusal; who often gets one waits longer for the next. The greylist is for those who do come back: no wait there.
void Case::take(const Finding& finding)
{
    answer_.action = finding.action;
    answer_.reply = finding.reply;
    answer_.reply.text += " (rule " + finding.rule + ")";
    answer_.rule = printable_ascii(finding.rule + (finding.detail.empty() ? "" : ": " + finding.detail), 400);
    if (plan_.tarpit.count() == 0 || finding.rule == "greylist")
        return;
    answer_.pause = plan_.tarpit;
    if (sources_.store == nullptr || q_.ip.empty())
        return;
    auto count = sources_.store->count(state::make_key({"tarpit", q_.ip}), 1, tarpit_memory, now_);
    if (!count)
        return sources_.complain(count.error());
    const auto times = static_cast<std::int64_t>(std::clamp<std::uint64_t>(*count, 1, 1000));
    const bool is_dry_rule = is_dry("tarpit");
    const auto wanted = std::min(plan_.tarpit * times, std::max(longest_tarpit, plan_.tarpit));
    answer_.pause = is_dry_rule ? std::chrono::milliseconds{0} : wanted;
    if (is_dry_rule)
        answer_.would_have.push_back("tarpit: wait " + std::to_string(wanted.count()) + " ms");
}

/// The client's name, and the lists: all their questions wait together.
void Case::measure_client()
{
    if (q_.at != DoorPoint::connect && q_.at != DoorPoint::mail)
        return;
    if (q_.at == DoorPoint::connect && !q_.early)
        *session_ = {}; // a proxy may name another client for the same connection
    if (session_->iprev || q_.ip.empty())
        return;
    const bool asks_lists = !is_trusted_ && !tables_.dnsbl.lists().empty();
    if (const auto name = dns::reverse_name(q_.ip); !name.empty())
        sources_.resolver.prefetch(name, dns::Type::ptr);
    if (asks_lists)
        tables_.dnsbl.prefetch(sources_.resolver, q_.ip, {}, now_);
    session_->iprev = lists::check_iprev(q_.ip, sources_.resolver);
    if (asks_lists)
        session_->dnsbl = tables_.dnsbl.check_client(sources_.resolver, q_.ip, now_);
    fact("iprev", session_->iprev->result);
    if (session_->iprev->result == "pass")
        answer_.name = session_->iprev->name;
}

void Case::give_back()
{
    if (!charged_ || sources_.store == nullptr)
        return;
    state::RateSubject subject{is_trusted_ ? "" : q_.ip, q_.from, q_.to, q_.login};
    if (auto given = state::give_back_rates(*sources_.store, plan_.rates, *charged_, 1, subject, now_); !given)
        sources_.complain(given.error());
}

Found Case::deny()
{
    const auto match = tables_.networks.find(q_.ip);
    if (!match || match->kind != lists::CidrKind::deny)
        return std::nullopt;
    const auto reason = match->reason.empty() ? "" : ": " + printable_ascii(match->reason, 200);
    return Finding{"deny",
                   DoorAction::close,
                   {554, "5.7.1", "Mail from " + q_.ip + " is not taken" + reason},
                   match->network + " at " + match->at};
}

Found Case::rate(state::RateEvent event, std::string_view what)
{
    if (plan_.rates.empty() || sources_.store == nullptr || q_.early)
        return std::nullopt;
    const bool by_failure = event == state::RateEvent::failures;
    const state::RateSubject subject{is_trusted_ ? "" : q_.ip, q_.from,
                                     event == state::RateEvent::recipients ? q_.to : std::string{}, q_.login};
    auto verdict = state::take_rates(*sources_.store, plan_.rates, event, 1, subject, now_);
    if (!verdict) {
        sources_.complain(verdict.error());
        fact("state", "error");
        return std::nullopt;
    }
    if (verdict->fits) {
        if (!by_failure)
            charged_ = event;
        return std::nullopt;
    }
    const bool at_connect = event == state::RateEvent::connections;
    const bool never = verdict->wait == std::chrono::microseconds::max();
    const auto when = never ? std::string(", try again later") : ", try again in " + seconds_text(verdict->wait);
    return Finding{"rate:" + verdict->limit->name,
                   at_connect || by_failure ? DoorAction::close : DoorAction::defer,
                   {at_connect || by_failure ? 421 : 450, "4.7.1", "Too many " + std::string(what) + when},
                   verdict->text()};
}

Found Case::early()
{
    if (!q_.early)
        return std::nullopt;
    return Finding{"early",
                   DoorAction::close,
                   {554, "5.5.1", "You spoke before the greeting"},
                   "spoke within " + std::to_string(plan_.early.count()) + " ms"};
}

Found Case::helo()
{
    const auto wants = [&](const char* check) { return plan_.helo.contains(check); };
    const auto refused = [&](const char* check, std::string text) {
        return Finding{
            std::string("helo:") + check, DoorAction::refuse, {550, "5.7.1", std::move(text)}, "HELO " + q_.helo};
    };
    const bool is_literal = q_.helo.starts_with('[');
    if (wants("syntax") && (!is_domain_or_literal(q_.helo) || parse_ip(q_.helo)))
        return refused("syntax", "Your HELO is neither a host name nor an address literal");
    if (wants("self") && (iequals(q_.helo, plan_.hostname) ||
                          std::ranges::any_of(plan_.domains, [&](const auto& own) { return iequals(own, q_.helo); })))
        return refused("self", "Your HELO is a name of ours");
    if (is_literal && wants("address")) {
        std::string_view literal(q_.helo);
        literal.remove_prefix(1);
        literal = literal.substr(0, literal.find(']'));
        if (istarts_with(literal, "IPv6:"))
            literal.remove_prefix(5);
        if (parse_ip(literal) != parse_ip(q_.ip))
            return refused("address", "Your HELO is an address that is not yours");
    }
    if (wants("dns") && !is_literal) {
        constexpr dns::Type types[] = {dns::Type::a, dns::Type::aaaa, dns::Type::mx};
        for (const auto type : types)
            sources_.resolver.prefetch(q_.helo, type);
        for (const auto type : types)
            if (const auto code = sources_.resolver.query(q_.helo, type).code;
                code == dns::Code::ok || dns::is_temporary(code))
                return std::nullopt;
        return refused("dns", "The name of your HELO does not exist");
    }
    return std::nullopt;
}

Found Case::reverse()
{
    if (plan_.reverse == ReverseName::none || !session_->iprev)
        return std::nullopt;
    const auto& found = *session_->iprev;
    if (found.result == "pass" || (plan_.reverse == ReverseName::named && !found.name.empty()))
        return std::nullopt;
    if (found.result == "temperror")
        return Finding{"reverse",
                       DoorAction::defer,
                       {451, "4.7.25", "The name of " + q_.ip + " cannot be looked up now"},
                       "iprev=temperror"};
    const auto text = plan_.reverse == ReverseName::named ? " has no name" : " has no name that leads back to it";
    return Finding{
        "reverse", DoorAction::refuse, {550, "5.7.25", q_.ip + text}, "iprev=" + found.result + " " + found.name};
}

Found Case::dnsbl()
{
    if (tables_.dnsbl.lists().empty() || !session_->dnsbl)
        return std::nullopt;
    auto result = *session_->dnsbl;
    const auto has_domains = [](const lists::DnsblList& list) { return list.subject == lists::DnsblSubject::domain; };
    if (std::ranges::any_of(tables_.dnsbl.lists(), has_domains)) {
        std::vector<std::string> domains;
        for (const auto& domain : {q_.name, q_.helo, std::string(lists::domain_of(q_.from))})
            if (!domain.empty() && std::ranges::find(domains, domain) == domains.end())
                domains.push_back(domain);
        tables_.dnsbl.prefetch(sources_.resolver, {}, domains, now_);
        for (const auto& domain : domains) {
            auto more = tables_.dnsbl.check_domain(sources_.resolver, domain, now_);
            std::ranges::move(more.listings, std::back_inserter(result.listings));
            std::ranges::move(more.failures, std::back_inserter(result.failures));
        }
    }
    std::string listed;
    for (const auto& listing : result.listings)
        listed += (listed.empty() ? "" : ",") + listing.list + ":" + listing.meaning;
    fact("dnsbl", listed.empty() ? "none" : listed);
    std::string failed;
    for (const auto& failure : result.failures)
        failed += (failed.empty() ? "" : "; ") + failure.list + ": " + failure.why;
    if (!failed.empty())
        fact("dnsbl_error", failed);
    const auto* decisive = result.decisive();
    if (decisive != nullptr && decisive->action == lists::DnsblAction::accept)
        return std::nullopt;
    const auto refused = [](const std::string& list, bool defers, std::string text, std::string detail) {
        return Finding{"dnsbl:" + list,
                       defers ? DoorAction::defer : DoorAction::refuse,
                       {defers ? 451 : 554, defers ? "4.7.1" : "5.7.1", std::move(text)},
                       std::move(detail)};
    };
    if (decisive != nullptr && decisive->action != lists::DnsblAction::weight) {
        const auto why = lists::Dnsbl::reason(sources_.resolver, *decisive);
        return refused(decisive->list, decisive->action == lists::DnsblAction::defer,
                       decisive->subject + " is listed as " + decisive->meaning + (why.empty() ? "" : ": " + why),
                       decisive->text());
    }
    if (const int weight = result.weight(); plan_.dnsbl_weight > 0 && weight >= static_cast<int>(plan_.dnsbl_weight))
        return refused("weight", false, "Several lists have " + q_.ip + ": " + listed,
                       "weight " + std::to_string(weight) + ": " + listed);
    return std::nullopt;
}

Found Case::recipient()
{
    if (!tables_.recipients || iequals(q_.to, "postmaster")) // RFC 5321 section 4.5.1
        return std::nullopt;
    const bool may_relay = is_trusted_ || !q_.login.empty();
    if (tables_.recipients->find(q_.to) || (may_relay && !tables_.recipients->has_domain(lists::domain_of(q_.to))))
        return std::nullopt;
    return Finding{"recipient", DoorAction::refuse, {550, "5.1.1", "No such recipient here"}, plan_.recipients};
}

Found Case::recipient_class()
{
    if (!tables_.classes || session_->class_of_id != q_.id || !session_->recipient_class)
        return std::nullopt;
    const auto own = tables_.classes->find(q_.to).value_or("");
    if (own == *session_->recipient_class)
        return std::nullopt;
    return Finding{"class",
                   DoorAction::defer,
                   {452, "4.5.3", "Other rules hold for this recipient: send a message of its own"},
                   "class " + own + " beside " + *session_->recipient_class};
}

Found Case::greylist()
{
    if (!plan_.greylist || sources_.store == nullptr)
        return std::nullopt;
    if (session_->dnsbl)
        if (const auto* listing = session_->dnsbl->decisive();
            listing != nullptr && listing->action == lists::DnsblAction::accept)
            return std::nullopt;
    if (plan_.spf && (!session_->spf || session_->spf->first != q_.from))
        session_->spf.emplace(q_.from, plan_.spf(q_, sources_.resolver));
    const auto domain = session_->spf ? session_->spf->second : std::string{};
    auto decision =
        state::Greylist(*sources_.store, *plan_.greylist).decide({q_.ip, q_.from, q_.to, domain, q_.login}, now_);
    if (!decision) {
        sources_.complain(decision.error());
        fact("state", "error");
        return std::nullopt;
    }
    fact("grey", decision->rule);
    if (decision->passes)
        return std::nullopt;
    return Finding{"greylist",
                   DoorAction::defer,
                   {451, "4.7.1", "Greylisted, try again in " + seconds_text(decision->wait)},
                   decision->text};
}

/// Only for addresses of ours: nobody may make us ask others about theirs. What the server says is kept under the
/// address in lower case.
Found Case::callout()
{
    if (!plan_.callout || tables_.recipients || iequals(q_.to, "postmaster") || !is_ascii(q_.to))
        return std::nullopt;
    const bool may_relay = is_trusted_ || !q_.login.empty();
    const auto domain = lists::domain_of(q_.to);
    if (may_relay && !std::ranges::any_of(plan_.domains, [&](const std::string& own) { return iequals(own, domain); }))
        return std::nullopt;
    const auto key = state::make_key({"callout", to_lower(q_.to)});
    using State = CalloutAnswer::State;
    CalloutAnswer answer;
    auto known = sources_.store == nullptr ? std::optional<std::string>{} : kept(key);
    if (known && !known->empty()) {
        answer = {known->front() == '2' ? State::exists : State::missing, std::move(*known)};
        fact("callout", "kept");
    } else {
        answer = plan_.callout(q_.to);
        fact("callout", answer.text);
        if (answer.state != State::unknown && sources_.store != nullptr)
            if (auto put = sources_.store->put(key, answer.text,
                                               answer.state == State::exists ? exists_memory : missing_memory, now_);
                !put)
                sources_.complain(put.error());
    }
    if (answer.state == State::exists)
        return std::nullopt;
    if (answer.state == State::missing)
        return Finding{
            "recipient", DoorAction::refuse, {550, "5.1.1", "No such recipient here"}, "callout: " + answer.text};
    return Finding{"recipient",
                   DoorAction::defer,
                   {451, "4.4.1", "The recipient cannot be checked now, try again later"},
                   "callout: " + answer.text};
}

std::optional<std::string> Case::kept(const std::string& key)
{
    auto value = sources_.store->get(key, now_);
    if (value)
        return std::move(*value);
    sources_.complain(value.error());
    return std::nullopt;
}

Found Case::policy()
{
    if (!plan_.policy)
        return std::nullopt;
    auto wanted = plan_.policy(q_);
    if (!wanted)
        return std::nullopt;
    std::ranges::move(wanted->facts, std::back_inserter(answer_.facts));
    if (wanted->action == DoorAction::pass)
        return std::nullopt;
    return Finding{"policy", wanted->action, std::move(wanted->reply), std::move(wanted->rule)};
}

} // namespace

std::vector<DoorPoint> DoorPlan::unused_points() const
{
    const auto counts = [&](state::RateEvent event) {
        return std::ranges::find(rates, event, &state::RateLimit::event) != rates.end();
    };
    std::vector<DoorPoint> out; // connect is where the name is looked up
    if (!policy)
        out.push_back(DoorPoint::hello);
    if (!counts(state::RateEvent::failures))
        out.push_back(DoorPoint::auth);
    if (!policy && helo.empty() && reverse == ReverseName::none && dnsbl.empty() && dnsbl_file.empty() &&
        !counts(state::RateEvent::messages))
        out.push_back(DoorPoint::mail);
    if (!policy && recipients.empty() && !callout && classes.empty() && !greylist &&
        !counts(state::RateEvent::recipients))
        out.push_back(DoorPoint::recipient);
    return out;
}

DoorAnswer decide_door(const DoorPlan& plan, const DoorTables& tables, const DoorSources& sources,
                       const DoorQuestion& question, Time now)
{
    return Case(plan, tables, sources, question, now).decide();
}

} // namespace mgw::smtp
