#include "lib/queue/dsn.hpp"

#include "lib/core/text.hpp"
#include "lib/core/ulid.hpp"
#include "lib/mail/compose.hpp"
#include "lib/mail/message.hpp"

#include <algorithm>

namespace mgw::queue
{

namespace
{

constexpr std::size_t most_header_octets = 64U << 10;

/// Value of an ESMTP parameter; empty if it is not there.
std::string parameter(std::string_view parameters, std::string_view name)
{
    for (const auto word : split_blanks(parameters))
        if (word.size() > name.size() && word[name.size()] == '=' && iequals(word.substr(0, name.size()), name))
            return std::string(word.substr(name.size() + 1));
    return {};
}

bool wants_failure(const mail::Recipient& recipient)
{
    const auto notify = parameter(recipient.parameters, "NOTIFY");
    if (notify.empty())
        return true;
    return std::ranges::any_of(split(notify, ','), [](std::string_view word) { return iequals(word, "FAILURE"); });
}

/// The original's header as it stands; what does not fit the wire is encoded (RFC 6522 section 4).
std::string quoted_header(std::string_view message)
{
    const mail::Message original(message);
    std::string out(original.header().substr(0, most_header_octets));
    if (!out.empty() && out.back() != '\n')
        out += original.line_end();
    return out;
}

struct Failure {
    const mail::Recipient* recipient;
    const mail::Answer* answer;
};

std::string for_people(const std::vector<Failure>& failures, const DsnOptions& options)
{
    std::string out = "This is the mail system at " + options.host +
                      ".\n\n"
                      "Your message could not be delivered to these recipients, and no further\n"
                      "attempt will be made. The answer that ended each delivery stands below it.\n";
    for (const auto& [recipient, answer] : failures)
        out += "\n<" + printable(recipient->path) + ">\n    " + std::to_string(answer->code) + " " + answer->enhanced +
               " " + printable(answer->text) + "\n";
    return out;
}

std::string for_programs(const mail::Block& block, const std::vector<Failure>& failures, Time arrived, Time now,
                         const DsnOptions& options)
{
    std::string out = "Reporting-MTA: dns; " + options.host + "\n";
    if (const auto id = parameter(block.from_parameters(), "ENVID"); !id.empty())
        out += "Original-Envelope-Id: " + printable_ascii(from_xtext(id)) + "\n";
    out += "Arrival-Date: " + rfc5322_date(arrived) + "\n";
    for (const auto& [recipient, answer] : failures) {
        out += "\n";
        const auto original = parameter(recipient->parameters, "ORCPT");
        if (const auto semicolon = original.find(';'); semicolon != std::string::npos)
            out += "Original-Recipient: " + printable_ascii(original.substr(0, semicolon)) + "; " +
                   printable_ascii(from_xtext(original.substr(semicolon + 1))) + "\n";
        out += "Final-Recipient: rfc822; " + printable_ascii(recipient->path) +
               "\nAction: failed\nStatus: " + (answer->enhanced.starts_with("5.") ? answer->enhanced : "5.0.0") +
               "\nDiagnostic-Code: smtp; " + std::to_string(answer->code) + " " + answer->enhanced + " " +
               printable_ascii(answer->text) + "\nLast-Attempt-Date: " + rfc5322_date(now) + "\n";
    }
    return out;
}

} // namespace

Result<std::optional<Stored>> bounce(const mail::Block& block, std::string_view message,
                                     const std::vector<mail::Answer>& failed, Time arrived, const DsnOptions& options,
                                     Time now, Random& random)
{
    const auto sender = block.from().value_or("");
    const auto recipients = block.recipients();
    std::vector<Failure> failures;
    for (const auto& answer : failed)
        for (const auto& recipient : recipients)
            if (recipient.number == answer.number && wants_failure(recipient))
                failures.push_back({&recipient, &answer});
    if (sender.empty() || failures.empty())
        return std::nullopt;

    const auto id = make_ulid(now, random);
    mail::Composed notice{
        .fields = {{"Date", rfc5322_date(now)},
                   {"From", mail::mailbox("Mail Delivery System", "MAILER-DAEMON@" + options.host)},
                   {"To", mail::mailbox("", sender)},
                   {"Subject", "Undelivered mail returned to sender"},
                   {"Message-ID", "<" + to_lower(id) + "@" + options.host + ">"},
                   {"Auto-Submitted", "auto-replied"}},
        .content_type = "multipart/report; report-type=delivery-status",
        .parts = {{.fields = {{"Content-Description", "Notification"}}, .body = for_people(failures, options)},
                  {.fields = {{"Content-Description", "Delivery report"}},
                   .content_type = "message/delivery-status",
                   .body = for_programs(block, failures, arrived, now, options)},
                  {.fields = {{"Content-Description", "Header of the undelivered message"}},
                   .content_type = "text/rfc822-headers",
                   .body = quoted_header(message)}}};
    auto text = mail::compose(notice, random);
    if (!text)
        return pass(text);
    Stored stored{.recipients = {"1"}, .message = std::move(*text)};
    stored.block.set_id(id);
    stored.block.set_from("");
    stored.block.add_recipient("1", sender, "NOTIFY=NEVER");
    if (!options.hop.empty())
        stored.block.add_hop("1", options.hop);
    return stored;
}

} // namespace mgw::queue
