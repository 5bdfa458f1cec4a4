#include "lib/smtp/server_session.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <array>

namespace mgw::smtp
{

namespace
{

/// Verbs of HTTP: a browser that was tricked into speaking to this port must not get a second line.
constexpr std::array http_verbs{"GET", "POST", "HEAD", "PUT", "CONNECT", "OPTIONS", "DELETE", "PATCH", "TRACE"};

constexpr std::size_t verb_octets = 4;
constexpr std::size_t sasl_line_octets = 12288;

/// Commands whose replies are about a message.
bool is_about_a_message(std::string_view verb)
{
    return verb == "MAIL" || verb == "RCPT" || verb == "DATA" || verb == "BDAT";
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
    if (!line_too_long_ && line_.size() + piece.size() > line_limit(piece)) {
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

/// RFC 4954 section 4: responses, initial ones too, may be longer than commands.
std::size_t ServerSession::line_limit(std::string_view piece) const
{
    const bool is_auth = sasl_ || istarts_with(line_.empty() ? piece : std::string_view(line_), "AUTH");
    return config_.offer_auth && is_auth ? std::max(config_.line_octets, sasl_line_octets) : config_.line_octets;
}

ServerEvent ServerSession::command(std::string_view line)
{
    verb_.clear();
    path_.clear();
    // behind a chunk's command stand octets that are none, so where it cannot be read the session cannot go on
    const auto refuse_line = [&](const ServerReply& reply) {
        const bool in_auth = sasl_.has_value();
        sasl_.reset();
        return istarts_with(line, "BDAT") && !in_auth ? close(reply) : error(reply);
    };
    if (std::exchange(line_too_long_, false))
        return refuse_line(
            {500, sasl_ ? "5.5.6" : "5.5.2", "Line is longer than " + std::to_string(line_limit(line)) + " octets"});
    line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    else if (!config_.data.normalize)
        return refuse_line({500, "5.5.2", "Lines must end with CR and LF"});
    if (line.contains('\0'))
        return refuse_line({501, "5.5.2", "NUL in a command"});
    if (line.contains('\r'))
        return refuse_line({500, "5.5.2", "CR inside a line"});
    return sasl_ ? auth_response(line) : dispatch(parse_command(line));
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
    if (verb == "XCLIENT" || verb == "XFORWARD")
        return xclient(argument, verb == "XFORWARD");
    if (verb == "AUTH")
        return auth(argument);
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
    greeted_ = false;
    return wait_for_answer(ServerEvent::hello);
}

void ServerSession::greet_client()
{
    greeted_ = true;
    if (!extended_) {
        say({250, {}, config_.hostname});
        return;
    }
    replies_ += "250-" + config_.hostname + "\r\n";
    auto lines = extensions();
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        replies_ += "250-" + lines[i] + "\r\n";
    say({250, {}, std::move(lines.back())});
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
    if (config_.offer_auth && !tls_.empty())
        out.push_back("AUTH " + std::string(SaslExchange::mechanisms));
    if (!tls_.empty())
        out.emplace_back("REQUIRETLS");
    if (may_xclient_) {
        out.push_back("XCLIENT " + std::string(xclient_attributes));
        out.push_back("XFORWARD " + std::string(xforward_attributes));
    }
    out.push_back("LIMITS RCPTMAX=" + std::to_string(config_.recipients));
    if (config_.messages > 0)
        out.back() += " MAILMAX=" + std::to_string(config_.messages);
    return out;
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

ServerEvent ServerSession::quit(std::string_view argument)
{
    if (!argument.empty())
        return error({501, "5.5.4", "Syntax: QUIT"});
    return close({221, "2.0.0", "Bye"});
}

void ServerSession::tls_started(std::string version)
{
    reset();
    helo_.clear();
    extended_ = false;
    greeted_ = false;
    line_.clear();
    login_.clear();
    tls_ = std::move(version);
    asked_ = ServerEvent::none;
    state_ = State::command;
}

/// Postfix's extensions for those who stand between a client and this server.
ServerEvent ServerSession::xclient(std::string_view argument, bool forward)
{
    if (!may_xclient_)
        return error({550, "5.7.0", verb_ + " is not for you"});
    if (has_sender_)
        return error({503, "5.5.1", "No " + verb_ + " between MAIL and the end of the message"});
    auto attributes = parse_xclient(argument, forward);
    if (!attributes)
        return error(attributes.error());
    if (forward) {
        forwarded_.add(*attributes);
        return idle({250, "2.0.0", "Ok"});
    }
    stands_for_.add(*attributes);
    return wait_for_answer(ServerEvent::xclient);
}

/// A new session of whom the client stands for (XCLIENT_README of Postfix: the greeting is the answer).
void ServerSession::begin_again()
{
    reset();
    helo_.clear();
    extended_ = false;
    greeted_ = false;
    login_ = stands_for_.login.value_or(login_);
    greet();
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
    if (!login_.empty() && name != "SMTP")
        name += 'A';
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
    forwarded_ = {};
    data_ = {};
    id_.clear();
}

} // namespace mgw::smtp
