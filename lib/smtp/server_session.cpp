#include "lib/smtp/server_session.hpp"

#include "lib/core/text.hpp"
#include "lib/dns/domain.hpp"

#include <algorithm>
#include <array>

namespace mgw::smtp
{

namespace
{

/// Verbs of HTTP: a browser that was tricked into speaking to this port must not get a second line.
constexpr std::array http_verbs{"GET", "POST", "HEAD", "PUT", "CONNECT", "OPTIONS", "DELETE", "PATCH", "TRACE"};

constexpr std::size_t verb_octets = 4;

/// A chunk that is this many times larger than a whole message may be is not waited for.
constexpr std::uint64_t chunk_factor = 4;

std::string_view plural(std::size_t n)
{
    return n == 1 ? "" : "s";
}

/// Commands whose replies are about a message.
bool is_about_a_message(std::string_view verb)
{
    return verb == "MAIL" || verb == "RCPT" || verb == "DATA" || verb == "BDAT";
}

/// Domains are compared as A-labels in lower case; "" for none.
std::string for_comparison(std::string_view domain)
{
    return is_ascii(domain) ? to_lower(domain) : dns::normal_domain(domain);
}

} // namespace

void ServerSession::greet()
{
    say({220, {}, config_.hostname + (config_.lmtp ? " LMTP mgw-recv" : " ESMTP mgw-recv")});
}

ServerEvent ServerSession::feed(std::string_view& octets)
{
    // a chunk without octets is whole as it stands
    while (!octets.empty() || (state_ == State::chunk && chunk_->octets == 0)) {
        auto event = ServerEvent::none;
        switch (state_) {
        case State::command:
            event = take_line(octets);
            break;
        case State::data:
            if (data_.feed(octets))
                event = wait_for_answer(ServerEvent::message);
            break;
        case State::chunk:
            event = take_chunk(octets);
            break;
        case State::swallow:
            event = swallow_chunk(octets);
            break;
        case State::waiting:
            return ServerEvent::none;
        case State::closed:
            event = ServerEvent::close;
            break;
        }
        if (event == ServerEvent::start_tls || event == ServerEvent::close)
            octets = {};
        if (event != ServerEvent::none)
            return event;
    }
    return ServerEvent::none;
}

/// A command ends with CRLF. A line that ends with LF alone is refused and not looked at, as the data would be, unless
/// line ends of data are mended as well.
ServerEvent ServerSession::take_line(std::string_view& octets)
{
    const auto lf = octets.find('\n');
    const auto piece = octets.substr(0, lf == std::string_view::npos ? lf : lf + 1);
    octets.remove_prefix(piece.size());
    if (!line_too_long_ && line_.size() + piece.size() > config_.line_octets) {
        line_too_long_ = true; // the rest goes by unseen, only the verb is kept
        line_.append(piece.substr(0, verb_octets)).resize(verb_octets);
    } else if (!line_too_long_ && line_.empty() && lf != std::string_view::npos) {
        return command(piece);
    } else if (!line_too_long_) {
        line_.append(piece);
    }
    if (lf == std::string_view::npos)
        return ServerEvent::none;
    const auto line = std::exchange(line_, {});
    return command(line);
}

ServerEvent ServerSession::command(std::string_view line)
{
    verb_.clear();
    path_.clear();
    // behind a chunk's command stand octets that are none, so where it cannot be read the session cannot go on
    const auto refuse_line = [&](const ServerReply& reply) {
        return istarts_with(line, "BDAT") ? close(reply) : error(reply);
    };
    if (std::exchange(line_too_long_, false))
        return refuse_line({500, "5.5.2", "Line is longer than " + std::to_string(config_.line_octets) + " octets"});
    line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    else if (!config_.data.normalize)
        return refuse_line({500, "5.5.2", "Lines must end with CR and LF"});
    if (line.contains('\0'))
        return refuse_line({501, "5.5.2", "NUL in a command"});
    if (line.contains('\r'))
        return refuse_line({500, "5.5.2", "CR inside a line"});
    return dispatch(parse_command(line));
}

ServerEvent ServerSession::dispatch(const CommandLine& command)
{
    const auto& verb = verb_ = command.verb;
    const auto argument = command.argument;
    if (verb == "MAIL")
        return mail(argument);
    if (verb == "RCPT")
        return recipient(argument);
    if (verb == "DATA")
        return data(argument);
    if (verb == (config_.lmtp ? "LHLO" : "EHLO") || (!config_.lmtp && verb == "HELO"))
        return hello(command);
    if (verb == "QUIT")
        return quit(argument);
    if (verb == "NOOP")
        return idle({250, "2.0.0", "Ok"});
    if (verb == "RSET") {
        if (!argument.empty())
            return error({501, "5.5.4", "Syntax: RSET"});
        reset();
        return idle({250, "2.0.0", "Ok"});
    }
    if (verb == "VRFY")
        return argument.empty() ? error({501, "5.5.4", "Syntax: VRFY address"})
                                : idle({252, "2.1.5", "Cannot verify, but will take mail and try to deliver it"});
    if (verb == "HELP")
        return idle({214, "2.0.0", "RFC 5321"});
    if (verb == "STARTTLS")
        return start_tls(argument);
    if (verb == "BDAT")
        return bdat(argument);
    if (verb == "EXPN" || verb == "TURN" || verb == "ETRN")
        return error({502, "5.5.1", "Command not implemented"});
    if (std::ranges::find(http_verbs, verb) != http_verbs.end())
        return close({221, "2.7.0", "This is no web server"});
    return error({500, "5.5.1", "Command not recognised"});
}

ServerEvent ServerSession::hello(const CommandLine& command)
{
    constexpr std::size_t helo_limit = 255;
    if (command.argument.empty() || command.argument.size() > helo_limit ||
        (config_.strict && !is_domain_or_literal(command.argument)))
        return error({501, "5.5.4", "Syntax: " + command.verb + " hostname"});
    reset();
    helo_ = command.argument;
    extended_ = command.verb != "HELO";
    if (!extended_)
        return say({250, {}, config_.hostname});
    replies_ += "250-" + config_.hostname + "\r\n";
    auto lines = extensions();
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        replies_ += "250-" + lines[i] + "\r\n";
    return say({250, {}, std::move(lines.back())});
}

/// What works here and now, in the order that clients see.
std::vector<std::string> ServerSession::extensions() const
{
    std::vector<std::string> out{"PIPELINING",
                                 "SIZE " + std::to_string(config_.data.message_octets),
                                 "8BITMIME",
                                 "SMTPUTF8",
                                 "ENHANCEDSTATUSCODES",
                                 "DSN",
                                 "CHUNKING"};
    if (config_.offer_tls && tls_.empty())
        out.emplace_back("STARTTLS");
    if (!tls_.empty())
        out.emplace_back("REQUIRETLS");
    out.push_back("LIMITS RCPTMAX=" + std::to_string(config_.recipients));
    if (config_.messages > 0)
        out.back() += " MAILMAX=" + std::to_string(config_.messages);
    return out;
}

ServerEvent ServerSession::mail(std::string_view argument)
{
    if (helo_.empty())
        return error({503, "5.5.1", config_.lmtp ? "Send LHLO first" : "Send EHLO or HELO first"});
    if (has_sender_)
        return error({503, "5.5.1", "Sender already given"});
    if (config_.messages > 0 && messages_ >= config_.messages)
        return close({421, "4.7.0", "No more than " + std::to_string(config_.messages) + " messages of one session"});
    id_ = config_.make_id ? config_.make_id() : std::string{};
    auto path = parse_path_argument(argument, "FROM", config_.strict);
    if (!path)
        return error(path.error());
    path_ = path->path;
    if (!extended_ && !path->parameters.empty())
        return error({555, "5.5.4", "Parameters need EHLO"});
    auto parameters = check_mail_parameters(path->parameters, {config_.data.message_octets, !tls_.empty()});
    if (!parameters)
        return error(parameters.error());
    if (!parameters->utf8 && !is_ascii(path->path))
        return error({553, "5.6.7", "Address with octets outside ASCII needs SMTPUTF8 (RFC 6531)"});
    envelope_ = {
        std::move(path->path), std::move(parameters->carried), parameters->declared_octets, parameters->utf8, {}};
    return wait_for_answer(ServerEvent::mail);
}

/// Whether mail for that path is taken here. Postmaster without a domain always is (RFC 5321 section 4.5.1).
bool ServerSession::is_served(std::string_view path) const
{
    const auto at = path.rfind('@');
    if (config_.domains.empty() || at == std::string_view::npos)
        return true;
    const auto domain = for_comparison(path.substr(at + 1));
    return std::ranges::any_of(config_.domains, [&](std::string_view served) {
        const bool below = served.starts_with('.');
        const auto name = for_comparison(below ? served.substr(1) : served);
        return below ? domain.size() > name.size() + 1 && domain.ends_with("." + name) : domain == name;
    });
}

ServerEvent ServerSession::recipient(std::string_view argument)
{
    if (!has_sender_)
        return error({503, "5.5.1", "Send MAIL first"});
    if (chunked_)
        return error({503, "5.5.1", "The message has begun (RFC 3030)"});
    auto path = parse_path_argument(argument, "TO", config_.strict);
    if (!path || path->path.empty()) {
        refused_recipient_ = true;
        return error(path ? ServerReply{501, "5.1.3", "Bad recipient address syntax"} : path.error());
    }
    path_ = path->path;
    if (!extended_ && !path->parameters.empty()) {
        refused_recipient_ = true;
        return error({555, "5.5.4", "Parameters need EHLO"});
    }
    auto parameters = check_recipient_parameters(path->parameters, envelope_.utf8);
    if (!parameters) {
        refused_recipient_ = true;
        return error(parameters.error());
    }
    if (!envelope_.utf8 && !is_ascii(path->path)) {
        refused_recipient_ = true;
        return error({553, "5.6.7", "Address with octets outside ASCII needs SMTPUTF8 (RFC 6531)"});
    }
    if (!is_served(path->path)) {
        refused_recipient_ = true;
        return error({550, "5.7.1", "Relaying denied, this server takes no mail for that domain"});
    }
    if (envelope_.to.size() >= config_.recipients)
        return say({452, "4.5.3",
                    "No more than " + std::to_string(config_.recipients) + " recipient" +
                        std::string(plural(config_.recipients)) + " of one message, send another"});
    envelope_.to.push_back({std::move(path->path), std::move(*parameters)});
    return wait_for_answer(ServerEvent::recipient);
}

ServerEvent ServerSession::data(std::string_view argument)
{
    if (!argument.empty())
        return error({501, "5.5.4", "Syntax: DATA"});
    if (!has_sender_)
        return error({503, "5.5.1", "Send MAIL first"});
    if (chunked_)
        return error({503, "5.5.1", "The message comes in chunks, BDAT LAST ends it (RFC 3030)"});
    if (envelope_.to.empty())
        return error(no_recipients());
    chunk_.reset();
    return wait_for_answer(ServerEvent::data);
}

/// RFC 5321 section 3.3 allows 554, RFC 2033 section 4.2 wants 503.
ServerReply ServerSession::no_recipients() const
{
    return refused_recipient_ && !config_.lmtp ? ServerReply{554, "5.5.1", "No valid recipients"}
                                               : ServerReply{503, "5.5.1", "Send RCPT first"};
}

ServerEvent ServerSession::start_tls(std::string_view argument)
{
    if (!config_.offer_tls)
        return error({502, "5.5.1", "STARTTLS is not offered"});
    if (!tls_.empty())
        return error({503, "5.5.1", "TLS is already active"});
    if (!argument.empty())
        return error({501, "5.5.4", "Syntax: STARTTLS"});
    say({220, "2.0.0", "Ready to start TLS"});
    return wait_for_answer(ServerEvent::start_tls);
}

/// The octets of a chunk follow its command whatever the answer, so a refused chunk is read to its end first.
ServerEvent ServerSession::bdat(std::string_view argument)
{
    const auto chunk = parse_chunk(argument, config_.data.message_octets * chunk_factor);
    if (!chunk)
        return close(chunk.error());
    chunk_ = *chunk;
    chunk_octets_ = static_cast<std::size_t>(chunk->octets);
    if (extended_ && has_sender_ && !envelope_.to.empty())
        return wait_for_answer(ServerEvent::data);
    refuse_chunk(!extended_     ? ServerReply{503, "5.5.1", "BDAT needs EHLO"}
                 : !has_sender_ ? ServerReply{503, "5.5.1", "Send MAIL first"}
                                : no_recipients());
    if (!more_chunks_)
        ++errors_;
    more_chunks_ = more_chunks_ && !chunk->last;
    return state_ == State::command ? check_errors() : ServerEvent::none;
}

/// Says `reply` when the octets of the chunk have gone by; in LMTP, behind the last chunk, for each recipient.
void ServerSession::refuse_chunk(const ServerReply& reply)
{
    note_refusal(reply);
    const auto times = config_.lmtp && chunk_->last ? std::max<std::size_t>(envelope_.to.size(), 1) : 1;
    for (std::size_t i = 0; i < times; ++i)
        chunk_refusal_ += worded(reply);
    state_ = State::swallow;
    if (chunk_->octets > 0)
        return;
    replies_ += std::exchange(chunk_refusal_, {});
    state_ = State::command;
}

ServerEvent ServerSession::swallow_chunk(std::string_view& octets)
{
    const auto n = std::min<std::uint64_t>(chunk_->octets, octets.size());
    octets.remove_prefix(static_cast<std::size_t>(n));
    chunk_->octets -= n;
    if (chunk_->octets > 0)
        return ServerEvent::none;
    replies_ += std::exchange(chunk_refusal_, {});
    state_ = State::command;
    return check_errors();
}

/// A message with a fault ends with the chunk that has it, for the client should hear of it early. In LMTP it ends with
/// the last one: there are as many answers as recipients then, and not before.
ServerEvent ServerSession::take_chunk(std::string_view& octets)
{
    const auto piece =
        octets.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(chunk_->octets, octets.size())));
    octets.remove_prefix(piece.size());
    chunk_->octets -= piece.size();
    data_.feed_chunk(piece);
    if (chunk_->octets > 0)
        return ServerEvent::none;
    if (chunk_->last)
        data_.end_chunks();
    if (chunk_->last || (data_.fault() != DataFault::none && !config_.lmtp))
        return wait_for_answer(ServerEvent::message);
    state_ = State::command;
    const ServerReply taken{250, "2.0.0", std::to_string(chunk_octets_) + " octets received"};
    return chunk_octets_ == 0 ? idle(taken) : say(taken);
}

ServerEvent ServerSession::quit(std::string_view argument)
{
    if (!argument.empty())
        return error({501, "5.5.4", "Syntax: QUIT"});
    return close({221, "2.0.0", "Bye"});
}

void ServerSession::accept()
{
    state_ = State::command;
    switch (std::exchange(asked_, ServerEvent::none)) {
    case ServerEvent::mail:
        has_sender_ = true;
        more_chunks_ = false;
        ++messages_;
        say({250, "2.1.0", "Ok"});
        break;
    case ServerEvent::recipient:
        say({250, "2.1.5", "Ok"});
        break;
    case ServerEvent::data:
        if (!chunked_)
            data_ = DataReader(Spool(budget_), config_.data);
        chunked_ = chunk_.has_value();
        if (!chunked_)
            say({354, {}, "End data with <CR><LF>.<CR><LF>"});
        state_ = chunked_ ? State::chunk : State::data;
        break;
    default:
        break;
    }
}

void ServerSession::refuse(const ServerReply& reply)
{
    state_ = State::command;
    const auto asked = std::exchange(asked_, ServerEvent::none);
    if (asked == ServerEvent::data && chunk_ && reply.code != 421) {
        refuse_chunk(reply); // and with it the message: chunks that may follow belong to none
        reset();
        more_chunks_ = !chunk_->last;
        return;
    }
    if (asked == ServerEvent::mail)
        envelope_ = {};
    if (asked == ServerEvent::recipient) {
        envelope_.to.pop_back();
        refused_recipient_ = true;
    }
    note_refusal(reply);
    say(reply);
    if (reply.code / 100 == 5 || ++idle_ > config_.idle_commands)
        ++errors_;
    if (reply.code == 421)
        state_ = State::closed;
    else
        check_errors();
}

void ServerSession::finish(const std::vector<ServerReply>& replies)
{
    state_ = State::command;
    asked_ = ServerEvent::none;
    for (const auto& reply : replies)
        replies_ += reply_octets(reply, id_);
    if (std::ranges::any_of(replies, [](const ServerReply& reply) { return reply.code / 100 == 2; }))
        errors_ = 0;
    idle_ = 0;
    const bool more = chunked_ && !chunk_->last;
    reset();
    more_chunks_ = more;
}

void ServerSession::tls_started(std::string version)
{
    reset();
    helo_.clear();
    extended_ = false;
    line_.clear();
    tls_ = std::move(version);
    asked_ = ServerEvent::none;
    state_ = State::command;
}

void ServerSession::close_with(const ServerReply& reply)
{
    if (state_ != State::closed)
        close(reply);
}

std::string ServerSession::protocol() const
{
    std::string name = config_.lmtp ? "LMTP" : extended_ ? "ESMTP" : "SMTP";
    if (!tls_.empty() && name != "SMTP")
        name += 'S';
    return name;
}

ServerEvent ServerSession::wait_for_answer(ServerEvent event)
{
    asked_ = event;
    state_ = State::waiting;
    return event;
}

std::string ServerSession::worded(const ServerReply& reply) const
{
    return reply_octets(reply, reply.code >= 400 && is_about_a_message(verb_) ? id_ : std::string{});
}

ServerEvent ServerSession::say(const ServerReply& reply)
{
    replies_ += worded(reply);
    return ServerEvent::none;
}

void ServerSession::note_refusal(const ServerReply& reply)
{
    if (is_about_a_message(verb_) && !more_chunks_)
        refusals_.push_back(
            {verb_, id_, verb_ == "MAIL" ? path_ : envelope_.from, verb_ == "RCPT" ? path_ : "", reply});
}

ServerEvent ServerSession::idle(const ServerReply& reply)
{
    if (++idle_ > config_.idle_commands && ++errors_ > config_.errors)
        return close({421, "4.7.0", "Too many commands without a message"});
    return say(reply);
}

ServerEvent ServerSession::error(const ServerReply& reply)
{
    note_refusal(reply);
    say(reply);
    ++errors_;
    return check_errors();
}

ServerEvent ServerSession::check_errors()
{
    return errors_ > config_.errors ? close({421, "4.7.0", "Too many errors"}) : ServerEvent::none;
}

ServerEvent ServerSession::close(const ServerReply& reply)
{
    say(reply);
    reset();
    state_ = State::closed;
    return ServerEvent::close;
}

void ServerSession::reset()
{
    has_sender_ = false;
    refused_recipient_ = false;
    chunked_ = false;
    more_chunks_ = false;
    envelope_ = {};
    data_ = {};
    id_.clear();
}

} // namespace mgw::smtp
