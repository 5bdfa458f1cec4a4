#include "lib/smtp/client_session.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t max_challenge_octets = 8192;

/// Those of `wanted` among blank-separated KEY=VALUE parameters, each with a blank before it. Values are xtext or
/// keywords: others are left out.
std::string chosen_parameters(std::string_view parameters, std::initializer_list<std::string_view> wanted)
{
    std::string out;
    for (const auto word : split_blanks(parameters)) {
        const auto key = word.substr(0, word.find('='));
        const bool clean = std::ranges::all_of(word, [](char c) { return c > 32 && c < 127; });
        if (clean && std::ranges::any_of(wanted, [&](std::string_view w) { return iequals(w, key); }))
            out.append(" ").append(word);
    }
    return out;
}

bool has_parameter(std::string_view parameters, std::string_view name)
{
    return std::ranges::any_of(split_blanks(parameters),
                               [&](std::string_view w) { return iequals(w.substr(0, w.find('=')), name); });
}

bool any_path(const Mail& mail, bool (*is_so)(std::string_view))
{
    return is_so(mail.sender) || std::ranges::any_of(mail.recipients, [&](const auto& r) { return is_so(r.path); });
}

/// Without SMTPUTF8 a domain can be written as its A-labels, a local part cannot (RFC 6531 section 3.2).
bool needs_utf8(const Mail& mail)
{
    return any_path(mail, mail::needs_smtputf8) ||
           (has_parameter(mail.parameters, "SMTPUTF8") && mail.survey.eight_bit_header);
}

/// True if an address or, as the sender says, the header is not ASCII.
bool has_utf8(const Mail& mail)
{
    return needs_utf8(mail) || any_path(mail, [](std::string_view path) { return !is_ascii(path); });
}

bool requires_tls(const Mail& mail)
{
    return has_parameter(mail.parameters, "REQUIRETLS");
}

} // namespace

bool is_safe_path(std::string_view path)
{
    bool quoted = false;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        if (static_cast<unsigned char>(c) < 32 || c == 127)
            return false;
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ' ' || c == '<' || c == '>'))
            return false;
        if (i < path.size() && (static_cast<unsigned char>(path[i]) < 32 || path[i] == 127))
            return false;
    }
    return !quoted && path.size() <= 1000;
}

Outcome Session::outcome_of(const Reply& reply, std::string_view stage)
{
    Outcome o{reply.code, reply.enhanced, reply.text(), std::string(stage)};
    if (!reply.positive() && !reply.temporary() && !reply.permanent())
        o.code = 451;
    if (o.enhanced.empty() || o.enhanced[0] != static_cast<char>('0' + o.code / 100))
        o.enhanced = std::to_string(o.code / 100) + ".0.0";
    return o;
}

std::optional<std::string> Session::extension(std::string_view keyword) const
{
    for (const auto& [name, arguments] : extensions_)
        if (name == keyword)
            return arguments;
    return {};
}

std::chrono::seconds Session::timeout() const
{
    return dot_sent_ ? options_.reply_timeout * 2 : options_.reply_timeout;
}

std::string Session::output()
{
    if (!out_.empty())
        return std::exchange(out_, {});
    if (!body_)
        return {};
    std::string piece;
    do {
        piece = body_->next();
        if (piece.empty()) {
            body_.reset();
            want_ = Want::commit;
            return {};
        }
        if (chunked_) {
            piece.insert(0, held_);
            held_ = piece.substr(piece.size() - std::min<std::size_t>(2, piece.size()));
            piece.resize(piece.size() - held_.size());
        }
    } while (piece.empty());
    return piece;
}

void Session::send_steps()
{
    const bool pipelining = offers("PIPELINING");
    while (!to_send_.empty()) {
        Step step = std::move(to_send_.front());
        to_send_.pop_front();
        out_.append(step.command).append("\r\n");
        expected_.push_back(std::move(step));
        if (!pipelining)
            break;
    }
    want_ = Want::read;
}

void Session::fail_session(Outcome why)
{
    why.text = printable_ascii(why.text, 300);
    if (dot_sent_) {
        Outcome unsure{451, "4.4.2", why.text + "; the message may have been delivered", "end of data"};
        decide_all(unsure);
    }
    failure_ = std::move(why);
    body_.reset();
    out_.clear();
    to_send_.clear();
    expected_.clear();
    want_ = Want::closed;
}

void Session::lost(std::string_view why)
{
    if (want_ != Want::closed)
        fail_session({451, "4.4.2", std::string(why), {}});
}

void Session::decide_all(const Outcome& outcome)
{
    for (auto& o : outcomes_)
        if (o.code == 0)
            o = outcome;
}

void Session::receive(std::string_view octets)
{
    parser_.feed(octets);
    while (want_ == Want::read || want_ == Want::commit || want_ == Want::idle) {
        auto reply = parser_.next();
        if (!reply)
            return fail_session({451, "4.5.0", reply.error().message, {}});
        if (!*reply)
            return;
        ++replies_;
        if ((*reply)->code == 421) {
            if (dot_sent_)
                decide_all(outcome_of(**reply, "end of data"));
            return fail_session(outcome_of(**reply, "the connection"));
        }
        if (expected_.empty()) // while the message is being sent, or before a command: not a conversation any more
            return fail_session({451, "4.5.0", "the server spoke out of turn: " + (*reply)->text(100), {}});
        handle(**reply);
    }
}

void Session::handle(const Reply& reply)
{
    const Step step = std::move(expected_.front());
    expected_.pop_front();
    switch (step.expect) {
    case Expect::greeting:
        if (!reply.positive())
            return fail_session(outcome_of(reply, "the greeting"));
        ask({Expect::hello, std::string(hello_word()) + " " + options_.helo});
        break;
    case Expect::hello:
    case Expect::helo:
        if (!reply.positive() && step.expect == Expect::hello && reply.permanent() && !options_.lmtp && !secure_) {
            ask({Expect::helo, "HELO " + options_.helo}); // RFC 5321 section 3.2
            break;
        }
        if (!reply.positive())
            return fail_session(outcome_of(reply, step.expect == Expect::hello ? hello_word() : "HELO"));
        return handle_hello(reply);
    case Expect::starttls:
        if (parser_.has_leftover())
            return fail_session({451, "4.7.0", "the server sent text between STARTTLS and TLS", {}});
        if (reply.positive()) {
            want_ = Want::start_tls;
            return;
        }
        if (options_.tls != TlsLevel::may)
            return fail_session({451, "4.7.4", "TLS is required, the server refuses it: " + reply.text(), "STARTTLS"});
        return hello_is_over();
    case Expect::auth:
        return handle_auth(reply);
    case Expect::rset:
        needs_reset_ = false;
        break;
    case Expect::mail:
        if (!reply.positive()) {
            decide_all(outcome_of(reply, "MAIL FROM"));
            to_send_.clear();
        }
        break;
    case Expect::rcpt:
        handle_rcpt(reply, step.index);
        break;
    case Expect::data:
        return handle_data(reply);
    case Expect::dot:
        return handle_dot(reply, step.index);
    case Expect::quit:
        want_ = Want::closed;
        return;
    }
    if (!expected_.empty())
        return;
    if (mail_ != nullptr && accepted_.empty() &&
        std::ranges::all_of(outcomes_, [](const Outcome& o) { return o.code != 0; }))
        return end_transaction(false); // without pipelining nothing more was sent
    if (mail_ != nullptr && chunked_ && to_send_.empty())
        return start_chunk();
    send_steps();
}

void Session::handle_hello(const Reply& reply)
{
    const auto first = split_blanks(reply.lines.front());
    server_name_ = first.empty() ? std::string{} : to_lower(first.front());
    extensions_.clear();
    for (std::size_t i = 1; i < reply.lines.size(); ++i) {
        const std::string_view line = trim(reply.lines[i]);
        const auto end = std::min(line.find_first_of(" ="), line.size());
        extensions_.emplace_back(to_upper(line.substr(0, end)), trim(line.substr(std::min(end + 1, line.size()))));
    }
    if (secure_ || options_.tls == TlsLevel::none)
        return hello_is_over();
    if (offers("STARTTLS")) {
        ask({Expect::starttls, "STARTTLS"});
        return send_steps();
    }
    if (options_.tls != TlsLevel::may)
        return fail_session({451, "4.7.4", "TLS is required, the server does not offer it", {}});
    hello_is_over();
}

void Session::hello_is_over()
{
    if (options_.login && !authenticated_)
        return begin_auth();
    want_ = Want::idle;
}

void Session::begin_auth()
{
    const auto refuse = [&](const std::string& why) { fail_session({451, "4.7.0", why, {}}); };
    if (!secure_ || !options_.known_server)
        return refuse("the login of " + options_.login->place + " is only given to a server that TLS proves to be it");
    const auto listed = extension("AUTH");
    sasl_ = choose_mechanism(listed.value_or(""), *options_.login, options_.nonce);
    if (!sasl_)
        return refuse("the server does not offer AUTH by SCRAM-SHA-256, PLAIN or LOGIN");
    std::string line = "AUTH " + std::string(sasl_->mechanism());
    if (const auto first = sasl_->begin())
        line += " " + (first->empty() ? "=" : mail::base64_encode(*first, 0));
    ask({Expect::auth, std::move(line)});
    send_steps();
}

void Session::handle_auth(const Reply& reply)
{
    if (reply.code == 334) {
        bool damaged = false;
        const auto challenge = mail::base64_decode(reply.lines.front(), max_challenge_octets, &damaged);
        auto response = damaged ? Result<std::string>(fail(Status::temp_fail, "AUTH: the challenge is not base64"))
                                : sasl_->answer(challenge);
        if (!response)
            return fail_session({451, "4.7.0", response.error().message, {}});
        ask({Expect::auth, mail::base64_encode(*response, 0)});
        return send_steps();
    }
    if (!reply.positive()) {
        // a login that does not fit is our trouble, not the mail's
        Outcome refused = outcome_of(reply, "AUTH");
        refused.text = std::to_string(reply.code) + " " + refused.text + ", login of " + options_.login->place;
        refused.code = 451;
        refused.enhanced = "4.7.8";
        return fail_session(std::move(refused));
    }
    if (!sasl_->may_succeed())
        return fail_session({451, "4.7.0", "AUTH: the server took the login without proof that it knows it", {}});
    authenticated_ = true;
    sasl_.reset();
    want_ = Want::idle;
}

void Session::tls_started()
{
    secure_ = true;
    extensions_.clear();
    if (options_.implicit_tls) {
        want_ = Want::read; // the greeting
        return;
    }
    ask({Expect::hello, std::string(hello_word()) + " " + options_.helo});
    send_steps();
}

bool Session::refuse_locally(const Mail& mail)
{
    const auto size = extension("SIZE");
    if (const auto limit = size ? parse_number(*size) : std::nullopt;
        limit && *limit > 0 && mail.survey.wire_octets > *limit)
        decide_all({552,
                    "5.3.4",
                    "the message has " + std::to_string(mail.survey.wire_octets) + " octets, the server takes " +
                        std::to_string(*limit),
                    {}});
    else if (requires_tls(mail) && !options_.lmtp && !(secure_ && options_.known_server && offers("REQUIRETLS")))
        decide_all({550,
                    "5.7.30",
                    "the sender requires verified TLS and a server that asks for it in turn (REQUIRETLS, RFC 8689)",
                    {},
                    true});
    else if (needs_utf8(mail) && !offers("SMTPUTF8"))
        decide_all({550, "5.6.7", "an address or the header needs SMTPUTF8, the server does not offer it", {}});
    else if (needs_seven_bit(mail))
        decide_all({550, "5.6.3", "the message has 8-bit text, the server does not take it (8BITMIME)", {}, true});
    else
        return false;
    return true;
}

std::string Session::wire_path(const std::string& path) const
{
    return is_ascii(path) || offers("SMTPUTF8") ? path : mail::ascii_address(path);
}

std::string Session::mail_command(const Mail& mail) const
{
    std::string line = "MAIL FROM:<" + wire_path(mail.sender) + ">";
    if (offers("SIZE"))
        line += " SIZE=" + std::to_string(mail.survey.wire_octets);
    if (mail.survey.eight_bit)
        line += " BODY=8BITMIME";
    if (offers("SMTPUTF8") && has_utf8(mail))
        line += " SMTPUTF8";
    if (requires_tls(mail) && !options_.lmtp)
        line += " REQUIRETLS";
    if (offers("DSN"))
        line += chosen_parameters(mail.parameters, {"RET", "ENVID"});
    return line;
}

std::string Session::rcpt_command(const MailRecipient& recipient) const
{
    std::string line = "RCPT TO:<" + wire_path(recipient.path) + ">";
    if (offers("DSN"))
        line += chosen_parameters(recipient.parameters, {"NOTIFY", "ORCPT"});
    return line;
}

void Session::begin(const Mail& mail)
{
    outcomes_.assign(mail.recipients.size(), {});
    accepted_.clear();
    mail_ = &mail;
    dot_sent_ = false;
    if (refuse_locally(mail)) {
        mail_ = nullptr;
        return;
    }
    if (needs_reset_)
        ask({Expect::rset, "RSET"});
    ask({Expect::mail, mail_command(mail)});
    for (std::size_t i = 0; i < mail.recipients.size(); ++i)
        ask({Expect::rcpt, rcpt_command(mail.recipients[i]), i});
    chunked_ = offers("CHUNKING") && mail.survey.wire_octets > 0;
    if (!chunked_)
        ask({Expect::data, "DATA"});
    send_steps();
}

void Session::handle_rcpt(const Reply& reply, std::size_t index)
{
    Outcome& outcome = outcomes_[index];
    if (outcome.code != 0) // MAIL failed: what the server says to the rest that was pipelined does not matter
        return;
    if (reply.positive()) {
        accepted_.push_back(index);
        return;
    }
    outcome = outcome_of(reply, "RCPT TO");
    if (reply.code == 552) { // RFC 5321 section 4.5.3.1.10: too many recipients, not too large a message
        outcome.code = 452;
        outcome.enhanced = "4.5.3";
    }
}

/// The message as one chunk: its end is known without a dot, so that it needs no answer before it (RFC 3030).
void Session::start_chunk()
{
    held_.clear();
    out_ = "BDAT " + std::to_string(mail_->survey.wire_octets) + " LAST\r\n";
    body_.emplace(mail_->message, DataForm::chunk);
}

std::size_t Session::limit(std::string_view name) const
{
    constexpr std::size_t none = 1000000;
    const auto listed = extension("LIMITS").value_or("");
    for (const auto word : split_blanks(listed)) {
        const auto equals = word.find('=');
        if (equals == std::string_view::npos || !iequals(word.substr(0, equals), name))
            continue;
        const auto value = parse_number(word.substr(equals + 1));
        return value && *value > 0 ? static_cast<std::size_t>(std::min<std::uint64_t>(*value, none)) : none;
    }
    return none;
}

void Session::handle_data(const Reply& reply)
{
    if (reply.code == 354 && accepted_.empty()) { // the server waits for a message all the same (RFC 2920 section 3.1)
        out_ = ".\r\n";
        expected_.push_back({Expect::dot, {}, 0});
        return;
    }
    if (reply.code == 354) {
        body_.emplace(mail_->message);
        return;
    }
    if (reply.positive())
        return fail_session({451, "4.5.0", "the server answered DATA with " + std::to_string(reply.code), {}});
    decide_all(outcome_of(reply, "DATA"));
    end_transaction(false);
}

void Session::commit()
{
    dot_sent_ = true;
    out_ = chunked_ ? std::exchange(held_, {}) : ".\r\n";
    const std::size_t replies = options_.lmtp ? accepted_.size() : 1; // RFC 2033 section 4.2
    for (std::size_t i = 0; i < replies; ++i)
        expected_.push_back({Expect::dot, {}, i});
    want_ = Want::read;
}

void Session::handle_dot(const Reply& reply, std::size_t index)
{
    const Outcome outcome = outcome_of(reply, "end of data");
    if (options_.lmtp && index < accepted_.size())
        outcomes_[accepted_[index]] = outcome;
    else
        decide_all(outcome);
    if (expected_.empty())
        end_transaction(!accepted_.empty());
}

void Session::end_transaction(bool clean)
{
    needs_reset_ = !clean;
    mail_ = nullptr;
    dot_sent_ = false;
    to_send_.clear();
    want_ = Want::idle;
}

void Session::quit()
{
    ask({Expect::quit, "QUIT"});
    send_steps();
}

} // namespace mgw::smtp
