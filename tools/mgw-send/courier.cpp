#include "tools/mgw-send/courier.hpp"

#include "lib/core/clock.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"
#include "lib/smtp/downgrade.hpp"

#include <algorithm>
#include <cstdio>

namespace mgw::send
{

struct Courier::Job {
    cli::Item item;
    double deadline = 0;
    double begun = 0;
    std::size_t octets = 0;
    std::size_t legs_open = 0;
    std::vector<mail::Answer> answers;
};

namespace
{

/// One report as a word list of a record: "sts example.org mx.example.org success".
std::string text_of(const smtp::TlsReport& report)
{
    return printable_ascii(report.policy + " " + report.domain + " " + report.mx + " " + report.result);
}

} // namespace

/// One message of a transaction on its way to some of its recipients.
struct Courier::Leg {
    JobPtr job;
    std::size_t member = 0;
    smtp::Plan plan;
    smtp::DataSurvey survey;
    std::size_t groups_open = 0;
    smtp::TlsWish wish = smtp::TlsWish::none;
    std::optional<Result<std::string>> seven_bit; ///< made when a server needs it
    std::vector<std::string> tls;                 ///< what connections showed
    std::function<void()> done;

    const mail::Member& mail() const { return job->item.frame.members[member]; }
};

namespace
{

constexpr std::size_t longest_header = 256U << 10;

/// A host of a route and what TLS it would be asked for.
std::string said(const smtp::Host& host)
{
    const auto& refusal = host.tls.refusal;
    return host.label() + " with TLS " + host.tls.text() +
           (refusal.code == 0 ? "" : " not used: " + std::to_string(refusal.code) + " " + refusal.text);
}

/// RFC 8689: REQUIRETLS of the envelope outweighs the field (section 4.1).
smtp::TlsWish wish_of(const mail::Member& member)
{
    for (const auto word : split_blanks(member.block.from_parameters()))
        if (iequals(word, "REQUIRETLS"))
            return smtp::TlsWish::required;
    if (ifind(std::string_view(member.message).substr(0, longest_header), "TLS-Required") == std::string::npos)
        return smtp::TlsWish::none; // nearly all mail: no index is made
    const mail::Message message(member.message);
    const auto fields = message.find_all("TLS-Required");
    return fields.size() == 1 && iequals(message.value(*fields.front()), "No") ? smtp::TlsWish::optional
                                                                               : smtp::TlsWish::none;
}

bool is_new(const mail::Recipient& recipient)
{
    return recipient.number.starts_with("0.");
}

} // namespace

void Courier::take(cli::Item item)
{
    auto job = std::make_shared<Job>();
    job->item = std::move(item);
    auto& first = job->item.frame.members.front();
    for (const auto& member : job->item.frame.members)
        job->octets += member.message.size();
    octets_ += job->octets;
    ++in_flight_;
    job->deadline = first.block.deadline();
    job->begun = boot_seconds();
    const bool local = means_.fallback && (means_.fallback->kind == smtp::Destination::Kind::maildir ||
                                           means_.fallback->kind == smtp::Destination::Kind::pipe);
    if (!sink_.frames() && local && first.block.recipients().empty())
        first.block.add_recipient("1", ""); // by hand nobody need be named to file a message
    auto leg = std::make_shared<Leg>();
    leg->job = job;
    leg->plan = smtp::plan_delivery(
        first.block, first.message, means_.fallback, tool_.common().limits,
        [](const mail::Recipient& r) { return !is_new(r); }, means_.recipients);
    leg->done = [this, job] { first_leg_done(job); };
    if (leg->plan.recipients.empty() && !sink_.frames())
        trouble_ = Error{Status::temp_fail, job->item.name + ": no recipient is known", "name one with --to"};
    start_leg(leg);
}

void Courier::start_leg(const LegPtr& leg)
{
    if (tool_.common().dry_run)
        say_plan(*leg);
    leg->survey = smtp::survey(leg->mail().message);
    leg->wish = wish_of(leg->mail());
    leg->groups_open = leg->plan.groups.size() + 1;
    for (const auto& group : leg->plan.groups)
        start_group(leg, group);
    group_done(leg);
}

void Courier::start_group(const LegPtr& leg, const smtp::Group& group)
{
    const auto job = leg->job;
    const auto decide = [leg, positions = group.recipients](const smtp::Outcome& outcome) {
        for (const auto p : positions)
            leg->plan.outcomes[p] = outcome;
    };
    const auto answer_now = [&](const smtp::Outcome& outcome) {
        decide(outcome);
        group_done(leg);
    };
    if (tool_.common().dry_run)
        return answer_now(
            {sink_.frames() ? 451 : 250, sink_.frames() ? "4.3.0" : "2.0.0", "dry run: nothing was delivered", {}});
    const auto& block = leg->mail().block;
    const auto may_commit = [this, job] {
        return !trouble_ && sink_.has_reader() && (job->deadline == 0 || boot_seconds() < job->deadline);
    };

    if (group.destination.kind == smtp::Destination::Kind::maildir ||
        group.destination.kind == smtp::Destination::Kind::pipe) {
        smtp::FinalMail mail{leg->mail().message, block.from(), leg->plan.recipients[group.recipients.front()].path,
                             means_.line_ends, may_commit};
        auto outcome = std::make_shared<smtp::Outcome>();
        means_.pool.in_background(
            [this, mail = std::move(mail), destination = group.destination, outcome] {
                *outcome = destination.kind == smtp::Destination::Kind::maildir
                               ? means_.maildir.deliver(destination.path, mail)
                               : means_.pipes.deliver(destination.path, mail);
            },
            [this, leg, decide, outcome] {
                decide(*outcome);
                group_done(leg);
            });
        return;
    }
    const auto sender = block.from();
    if (!sender)
        return answer_now({451, "4.3.5", "no envelope sender is known: name one with --from", {}});
    if (!smtp::is_safe_path(*sender))
        return answer_now({553, "5.1.7", "malformed sender address", {}});
    if (!leg->survey.sendable())
        return answer_now(
            {554, "5.6.0", "the message has " + std::string(leg->survey.objection()) + ", SMTP cannot carry it", {}});
    smtp::Delivery delivery{
        group.destination, {*sender, block.from_parameters(), {}, leg->mail().message, leg->survey}, may_commit, {}};
    for (const auto p : group.recipients)
        delivery.mail.recipients.push_back({leg->plan.recipients[p].path, leg->plan.recipients[p].parameters});
    delivery.done = [this, leg, positions = group.recipients](std::vector<smtp::Outcome> outcomes) {
        for (std::size_t i = 0; i < positions.size(); ++i)
            leg->plan.outcomes[positions[i]] = std::move(outcomes[i]);
        group_done(leg);
    };
    delivery.wish = leg->wish;
    if (means_.downgrade)
        delivery.seven_bit = [this, leg](smtp::Mail& mail) -> Result<void> {
            if (!leg->seven_bit)
                leg->seven_bit = smtp::to_seven_bit(leg->mail().message, tool_.common().limits);
            if (!*leg->seven_bit)
                return std::unexpected<Error>(leg->seven_bit->error());
            mail.message = **leg->seven_bit;
            mail.survey = smtp::survey(mail.message);
            return {};
        };
    delivery.tls_seen = [this, leg](const smtp::TlsReport& report) {
        leg->tls.push_back(text_of(report));
        tool_.explain("TLS to " + printable_ascii(report.mx) + ": " + report.result + ", " + report.reason);
    };
    means_.pool.deliver(std::move(delivery));
}

void Courier::group_done(const LegPtr& leg)
{
    if (--leg->groups_open > 0)
        return;
    record(*leg);
    const auto done = std::move(leg->done);
    done();
}

void Courier::first_leg_done(const JobPtr& job)
{
    auto& members = job->item.frame.members;
    job->legs_open = 1;
    const auto accepted = [&](const mail::Recipient& recipient) {
        const auto on = smtp::depends_on(recipient);
        return std::ranges::any_of(
            job->answers, [&](const mail::Answer& a) { return a.code / 100 == 2 && (on.empty() || a.number == on); });
    };
    for (std::size_t i = 0; i < members.size(); ++i) {
        auto leg = std::make_shared<Leg>();
        leg->job = job;
        leg->member = i;
        leg->plan = smtp::plan_delivery(
            members[i].block, members[i].message, means_.fallback, tool_.common().limits,
            [&](const mail::Recipient& r) { return (i > 0 || is_new(r)) && accepted(r); }, means_.recipients);
        if (leg->plan.recipients.empty())
            continue;
        ++job->legs_open;
        leg->done = [this, job] { finish(job); };
        start_leg(leg);
    }
    finish(job);
}

void Courier::finish(const JobPtr& job)
{
    if (--job->legs_open > 0)
        return;
    if (auto answered = sink_.answer(job->item.frame, job->answers); !answered && !trouble_)
        trouble_ = answered.error();
    octets_ -= job->octets;
    --in_flight_;
    on_done();
}

void Courier::record(const Leg& leg)
{
    const auto& block = leg.mail().block;
    const std::string id = block.id();
    int delivered = 0;
    int deferred = 0;
    int refused = 0;
    std::vector<std::string> to;
    std::vector<std::string> results;
    for (std::size_t i = 0; i < leg.plan.recipients.size(); ++i) {
        const auto& recipient = leg.plan.recipients[i];
        const auto& outcome = leg.plan.outcomes[i];
        ++(outcome.code / 100 == 2 ? delivered : outcome.code / 100 == 4 ? deferred : refused);
        to.push_back(recipient.path);
        results.push_back(std::to_string(outcome.code) + " " + outcome.enhanced + " " + outcome.text);
        tool_.explain((recipient.path.empty() ? "message" : "<" + recipient.path + ">") + ": " + results.back());
        if (leg.member == 0 && !is_new(recipient))
            leg.job->answers.push_back({id, recipient.number, outcome.code, outcome.enhanced, outcome.text, false});
    }
    if (leg.plan.recipients.empty())
        return;
    Record r;
    r.text("id", id).address("from", block.from().value_or("")).addresses("to", to).list("answers", results);
    r.number("delivered", delivered).number("deferred", deferred).number("refused", refused);
    if (!leg.tls.empty())
        r.list("tls", leg.tls);
    r.number("size", static_cast<std::int64_t>(leg.mail().message.size()))
        .real("ms", (boot_seconds() - leg.job->begun) * 1000);
    tool_.log().write(tool_.clock().now(), r);
}

void Courier::say_plan(const Leg& leg)
{
    const auto say = [&](std::size_t i, const std::string& what) {
        if (!sink_.frames())
            std::printf("<%s> %s\n", printable(leg.plan.recipients[i].path).c_str(), what.c_str());
        tool_.explain("<" + leg.plan.recipients[i].path + "> " + what);
    };
    for (std::size_t i = 0; i < leg.plan.recipients.size(); ++i)
        if (const auto& o = leg.plan.outcomes[i]; o.code != 0)
            say(i, "not delivered: " + std::to_string(o.code) + " " + o.enhanced + " " + o.text);
    for (const auto& group : leg.plan.groups) {
        std::string what = "would go to " + printable(group.destination.key());
        if (group.destination.kind == smtp::Destination::Kind::smtp ||
            group.destination.kind == smtp::Destination::Kind::lmtp) {
            const auto route = means_.pool.route(group.destination, wish_of(leg.mail()));
            for (std::size_t i = 0; i < route.hosts.size(); ++i)
                what += (i == 0 ? " by " : ", ") + said(route.hosts[i]);
            if (route.hosts.empty())
                what +=
                    ": " + std::to_string(route.failure.code) + " " + route.failure.enhanced + " " + route.failure.text;
        }
        for (const auto p : group.recipients)
            say(p, what);
    }
}

} // namespace mgw::send
