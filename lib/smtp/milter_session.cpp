#include "lib/smtp/milter_session.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/server_data.hpp"
#include "lib/smtp/server_parameters.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace mgw::smtp
{

namespace
{

constexpr std::uint32_t version = 6;
constexpr std::uint32_t wanted_actions = milter_may_add_headers | milter_may_change_body | milter_may_add_recipients |
                                         milter_may_remove_recipients | milter_may_change_headers |
                                         milter_may_quarantine | milter_may_change_from |
                                         milter_may_add_recipients_with_parameters;

/// Bits of the protocol: what the server need not send, what it need not be answered, how it sends header fields.
enum Protocol : std::uint32_t {
    no_unknown = 0x100,
    no_data = 0x200,
    silent_header = 0x80,
    silent_connect = 0x1000,
    silent_helo = 0x2000,
    silent_mail = 0x4000,
    silent_recipient = 0x8000,
    silent_data = 0x10000,
    silent_unknown = 0x20000,
    silent_header_end = 0x40000,
    silent_body = 0x80000,
    leading_space = 0x100000,
};
constexpr std::uint32_t wanted_protocol = no_unknown | no_data | silent_header | silent_connect | silent_helo |
                                          silent_mail | silent_recipient | silent_data | silent_unknown |
                                          silent_header_end | silent_body | leading_space;

constexpr std::size_t macro_octets = 4096; // of one value; those that are used are shorter

/// An address that a block can hold: no control characters, blanks and brackets in quotes only.
bool is_plain_path(std::string_view path)
{
    bool quoted = false;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
            return false;
        if (quoted && c == '\\' && i + 1 < path.size() && path[i + 1] >= ' ')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ' ' || c == '<' || c == '>'))
            return false;
    }
    return !quoted;
}

std::string_view without_brackets(std::string_view path)
{
    return path.size() >= 2 && path.front() == '<' && path.back() == '>' ? path.substr(1, path.size() - 2) : path;
}

/// Parameters as the block carries them; the server has checked them, so one that we do not know is left out.
std::string carried(const std::vector<std::string_view>& texts, bool of_mail, bool utf8)
{
    std::string out;
    for (std::size_t i = 1; i < texts.size(); ++i) {
        const auto equals = std::min(texts[i].find('='), texts[i].size());
        const std::vector<EsmtpParameter> one{{to_upper(texts[i].substr(0, equals)),
                                               std::string(texts[i].substr(std::min(equals + 1, texts[i].size())))}};
        std::string kept;
        if (of_mail) {
            if (auto checked = check_mail_parameters(one, {.require_tls = true}))
                kept = checked->carried;
        } else if (auto checked = check_recipient_parameters(one, utf8)) {
            kept = *checked;
        }
        if (!kept.empty())
            out += (out.empty() ? "" : " ") + kept;
    }
    return out;
}

/// The address, if it is one.
std::string checked_ip(std::string_view text)
{
    if (istarts_with(text, "IPv6:"))
        text.remove_prefix(5);
    const std::string address(text);
    std::array<unsigned char, 16> octets{};
    return ::inet_pton(address.contains(':') ? AF_INET6 : AF_INET, address.c_str(), octets.data()) == 1 ? address
                                                                                                        : std::string{};
}

} // namespace

MilterEvent MilterSession::feed(std::string_view& octets)
{
    while (state_ != State::closed && state_ != State::waiting) {
        auto packet = packets_.next(octets);
        if (!packet)
            return broken(packet.error().message);
        if (!*packet)
            return MilterEvent::none;
        if (const auto event = take(**packet); event != MilterEvent::none)
            return event;
    }
    return state_ == State::closed ? MilterEvent::close : MilterEvent::none;
}

MilterEvent MilterSession::take(const MilterPacket& packet)
{
    if (state_ == State::start && packet.command != MilterCommand::options && packet.command != MilterCommand::quit)
        return broken("a command before the options were agreed on");
    switch (packet.command) {
    case MilterCommand::options:
        return negotiate(packet.data);
    case MilterCommand::macro:
        macros(packet.data);
        return MilterEvent::none;
    case MilterCommand::connect:
        return connect(packet.data);
    case MilterCommand::helo:
        return helo(packet.data);
    case MilterCommand::mail:
        return mail(packet.data);
    case MilterCommand::recipient:
        return recipient(packet.data);
    case MilterCommand::data:
        return go_on(silent_data);
    case MilterCommand::unknown:
        return go_on(silent_unknown);
    case MilterCommand::header:
        return header(packet.data);
    case MilterCommand::header_end:
        return header_end();
    case MilterCommand::body:
        return body(packet.data);
    case MilterCommand::end:
        return end(packet.data);
    case MilterCommand::abort:
        forget_message();
        return MilterEvent::none;
    case MilterCommand::quit_new:
        forget_message();
        macros_.clear();
        host_ = ip_ = helo_ = {};
        return MilterEvent::none;
    case MilterCommand::quit:
        state_ = State::closed;
        return MilterEvent::close;
    }
    return broken("an unknown milter command");
}

MilterEvent MilterSession::negotiate(std::string_view data)
{
    const auto theirs = take_milter_number(data);
    const auto actions = take_milter_number(data);
    const auto protocol = take_milter_number(data);
    if (!theirs || !actions || !protocol)
        return broken("milter options cut short");
    if (*theirs < version || (*protocol & leading_space) == 0)
        return broken("the mail server speaks milter protocol " + std::to_string(*theirs) +
                      " or cannot give header fields as they stand (SMFIP_HDR_LEADSPC); version 6 is needed");
    actions_ = *actions & wanted_actions;
    protocol_ = *protocol & wanted_protocol;
    output_ += milter_packet(MilterAnswer::options,
                             milter_number(version) + milter_number(actions_) + milter_number(protocol_));
    state_ = State::ready;
    return MilterEvent::none;
}

/// Name, family, and where there is an address its port and text.
MilterEvent MilterSession::connect(std::string_view data)
{
    forget_message();
    helo_.clear();
    const auto end = data.find('\0');
    if (end == std::string_view::npos || end + 1 >= data.size())
        return broken("a milter connection without name or family");
    host_ = data.substr(0, end);
    const char family = data[end + 1];
    data.remove_prefix(end + 2);
    ip_.clear();
    if (family == '4' || family == '6') {
        if (data.size() < 3 || !data.ends_with('\0'))
            return broken("a milter connection without address");
        ip_ = checked_ip(data.substr(2, data.size() - 3));
    }
    return go_on(silent_connect);
}

MilterEvent MilterSession::helo(std::string_view data)
{
    const auto texts = milter_texts(data);
    if (!texts || texts->size() != 1)
        return broken("a malformed milter packet for HELO");
    helo_ = texts->front();
    return go_on(silent_helo);
}

MilterEvent MilterSession::mail(std::string_view data)
{
    const auto texts = milter_texts(data);
    if (!texts || texts->empty())
        return broken("a malformed milter packet for MAIL");
    message_.emplace();
    header_done_ = false;
    message_->octets = Spool(budget_);
    auto& envelope = message_->envelope;
    envelope.from = without_brackets(texts->front());
    envelope.utf8 = std::ranges::any_of(*texts, [](std::string_view text) { return iequals(text, "SMTPUTF8"); });
    envelope.from_parameters = carried(*texts, true, envelope.utf8);
    if (!is_plain_path(envelope.from)) {
        envelope.from.clear();
        refuse(553, "5.1.7", "This sender cannot be handled");
    }
    return go_on(silent_mail);
}

MilterEvent MilterSession::recipient(std::string_view data)
{
    const auto texts = milter_texts(data);
    if (!texts || texts->empty() || !message_)
        return broken("a malformed milter packet for RCPT, or one without MAIL");
    const auto path = without_brackets(texts->front());
    if (!is_plain_path(path) || path.empty())
        refuse(553, "5.1.3", "A recipient cannot be handled");
    else if (message_->to.size() >= limits_.recipients)
        refuse(452, "4.5.3", "Too many recipients");
    if (message_->refusal)
        return go_on(silent_recipient);
    message_->envelope.to.push_back({std::string(path), carried(*texts, false, message_->envelope.utf8)});
    message_->to.emplace_back(texts->front());
    return go_on(silent_recipient);
}

/// The field as it stands in the message: lines of a folded value came with LF.
MilterEvent MilterSession::header(std::string_view data)
{
    const auto texts = milter_texts(data);
    if (!texts || texts->size() != 2 || !message_ || header_done_)
        return broken("a malformed milter packet for a header field, or one in the wrong place");
    const auto name = texts->front();
    auto value = texts->back();
    std::string field(name);
    field += ':';
    bool whole = !name.empty() && name.find_first_of(":\r\n") == std::string_view::npos && !is_blank(name.front());
    for (auto lf = value.find('\n'); lf != std::string_view::npos; lf = value.find('\n')) {
        const auto line = value.substr(0, lf);
        field.append(line).append(line.ends_with('\r') ? "\n" : "\r\n");
        value.remove_prefix(lf + 1);
        whole = whole && !value.empty() && is_blank(value.front()); // a line that would begin another field
    }
    field.append(value).append("\r\n");
    if (!whole)
        refuse(554, "5.6.0", "A header field cannot be handled");
    const auto begin = message_->octets.size();
    store(field);
    message_->fields.push_back({begin, name.size(), message_->octets.size()});
    return go_on(silent_header);
}

MilterEvent MilterSession::header_end()
{
    if (!message_ || header_done_)
        return broken("the end of a header in the wrong place");
    header_done_ = true;
    store("\r\n");
    message_->body_begin = message_->octets.size();
    return go_on(silent_header_end);
}

MilterEvent MilterSession::body(std::string_view data)
{
    if (!message_ || !header_done_)
        return broken("a body in the wrong place");
    store(data);
    return go_on(silent_body);
}

MilterEvent MilterSession::end(std::string_view data)
{
    if (!message_ || !header_done_)
        return broken("the end of a message in the wrong place");
    store(data);
    message_->queue_id = macro("i");
    if (message_->to.empty())
        refuse(451, "4.3.0", "A message without recipients");
    state_ = State::waiting;
    return MilterEvent::message;
}

MilterMessage MilterSession::take_message()
{
    return std::exchange(*message_, {});
}

void MilterSession::finish(std::string_view packets)
{
    output_ += packets;
    forget_message();
    state_ = State::ready;
}

/// Name and value by turns, behind the command that they are for. What came for it before is replaced.
void MilterSession::macros(std::string_view data)
{
    if (data.empty())
        return;
    auto& mine = macros_[data.front()];
    mine.clear();
    const auto texts = milter_texts(data.substr(1));
    if (!texts)
        return;
    for (std::size_t i = 0; i + 1 < texts->size(); i += 2)
        for (const std::string_view known : {"i", "{auth_authen}", "{tls_version}", "{cipher}"})
            if ((*texts)[i] == known || (known == "i" && (*texts)[i] == "{i}"))
                mine.insert_or_assign(std::string(known), std::string((*texts)[i + 1].substr(0, macro_octets)));
}

std::string MilterSession::macro(std::string_view name) const
{
    for (const auto& [command, values] : macros_)
        if (const auto found = values.find(name); found != values.end() && !found->second.empty())
            return found->second;
    return {};
}

void MilterSession::forget_message()
{
    message_.reset();
    header_done_ = false;
    std::erase_if(macros_, [](const auto& entry) { return entry.first != 'C' && entry.first != 'H'; });
}

mail::Client MilterSession::client() const
{
    mail::Client out;
    out.ip = ip_;
    if (is_domain_or_literal(host_) && !host_.starts_with('[') && host_ != "unknown")
        out.name = host_;
    out.helo = helo_;
    out.tls = macro("{tls_version}");
    out.auth = macro("{auth_authen}");
    out.proto = std::string("ESMTP") + (out.tls.empty() ? "" : "S") + (out.auth.empty() ? "" : "A");
    return out;
}

void MilterSession::store(std::string_view octets)
{
    message_->seen_octets += octets.size();
    if (message_->refusal)
        return;
    DataFault fault = DataFault::none;
    if (message_->seen_octets > limits_.message_octets)
        fault = DataFault::too_large;
    else if (!message_->octets.append(octets))
        fault = DataFault::no_memory;
    if (fault == DataFault::none)
        return;
    message_->refusal = data_refusal(fault, {.message_octets = limits_.message_octets});
    message_->octets.clear();
}

/// The first reason counts.
void MilterSession::refuse(int code, const char* enhanced, const char* text)
{
    if (!message_->refusal)
        message_->refusal = ServerReply{code, enhanced, text};
}

MilterEvent MilterSession::go_on(std::uint32_t without_reply)
{
    if ((protocol_ & without_reply) == 0)
        output_ += milter_packet(MilterAnswer::go_on);
    return MilterEvent::none;
}

MilterEvent MilterSession::broken(std::string what)
{
    error_ = std::move(what);
    state_ = State::closed;
    return MilterEvent::close;
}

} // namespace mgw::smtp
