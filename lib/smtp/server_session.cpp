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

std::string_view plural(std::size_t n)
{
    return n == 1 ? "" : "s";
}

} // namespace

void ServerSession::greet()
{
    say({220, {}, config_.hostname + (config_.lmtp ? " LMTP mgw-recv" : " ESMTP mgw-recv")});
}

ServerEvent ServerSession::feed(std::string_view& octets)
{
    while (!octets.empty()) {
        switch (state_) {
        case State::command:
            if (const auto event = take_line(octets); event != ServerEvent::none) {
                if (event == ServerEvent::start_tls || event == ServerEvent::close)
                    octets = {};
                return event;
            }
            break;
        case State::data:
            if (data_.feed(octets))
                return wait_for_answer(ServerEvent::message);
            break;
        case State::swallow: {
            const auto n = std::min<std::uint64_t>(swallow_, octets.size());
            octets.remove_prefix(static_cast<std::size_t>(n));
            swallow_ -= n;
            if (swallow_ == 0)
                state_ = State::command;
            break;
        }
        case State::waiting:
            return ServerEvent::none;
        case State::closed:
            octets = {};
            return ServerEvent::close;
        }
    }
    return ServerEvent::none;
}

/// A command ends with CRLF. A line that ends with LF alone is refused and not looked at, as the data would be.
ServerEvent ServerSession::take_line(std::string_view& octets)
{
    const auto lf = octets.find('\n');
    const auto piece = octets.substr(0, lf == std::string_view::npos ? lf : lf + 1);
    octets.remove_prefix(piece.size());
    if (line_too_long_ || line_.size() + piece.size() > config_.line_octets) {
        line_too_long_ = true;
        line_.clear();
    } else if (line_.empty() && lf != std::string_view::npos) {
        return command(piece);
    } else {
        line_.append(piece);
    }
    if (lf == std::string_view::npos)
        return ServerEvent::none;
    const auto line = std::exchange(line_, {});
    return command(line);
}

ServerEvent ServerSession::command(std::string_view line)
{
    if (std::exchange(line_too_long_, false))
        return error({500, "5.5.2", "Line too long"});
    line.remove_suffix(1);
    if (!line.ends_with('\r'))
        return error({500, "5.5.2", "Lines must end with CR and LF"});
    line.remove_suffix(1);
    if (line.contains('\0'))
        return error({501, "5.5.2", "NUL in a command"});
    if (line.contains('\r'))
        return error({500, "5.5.2", "CR inside a line"});
    return dispatch(parse_command(line));
}

ServerEvent ServerSession::dispatch(const CommandLine& command)
{
    const auto& verb = command.verb;
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
    if (command.argument.empty() || command.argument.size() > helo_limit)
        return error({501, "5.5.4", "Syntax: " + command.verb + " hostname"});
    reset();
    helo_ = command.argument;
    extended_ = command.verb != "HELO";
    if (!extended_)
        return say({250, {}, config_.hostname});
    replies_ += "250-" + config_.hostname + "\r\n250-PIPELINING\r\n250-SIZE " + std::to_string(config_.message_octets) +
                "\r\n250-8BITMIME\r\n";
    if (config_.offer_tls && tls_.empty())
        replies_ += "250-STARTTLS\r\n";
    return say({250, {}, "ENHANCEDSTATUSCODES"});
}

ServerEvent ServerSession::mail(std::string_view argument)
{
    if (helo_.empty())
        return error({503, "5.5.1", config_.lmtp ? "Send LHLO first" : "Send EHLO or HELO first"});
    if (has_sender_)
        return error({503, "5.5.1", "Sender already given"});
    auto path = parse_path_argument(argument, "FROM");
    if (!path)
        return error(path.error());
    ServerEnvelope envelope;
    envelope.from = std::move(path->path);
    bool size_given = false;
    bool body_given = false;
    for (const auto& [keyword, value] : path->parameters) {
        if (keyword == "SIZE" && extended_) {
            const auto octets = parse_number(value);
            if (!octets || std::exchange(size_given, true))
                return error({501, "5.5.4", "Malformed SIZE"});
            if (*octets > config_.message_octets)
                return error({552, "5.3.4",
                              "Message of " + std::string(value) + " octets is larger than " +
                                  std::to_string(config_.message_octets)});
            envelope.declared_octets = *octets;
        } else if (keyword == "BODY" && extended_) {
            if (std::exchange(body_given, true) || (!iequals(value, "7BIT") && !iequals(value, "8BITMIME")))
                return error({501, "5.5.4", "BODY is 7BIT or 8BITMIME"});
            envelope.from_parameters = "BODY=" + value;
        } else {
            return error({555, "5.5.4", "Parameter " + keyword + " is not supported"});
        }
    }
    envelope_ = std::move(envelope);
    return wait_for_answer(ServerEvent::mail);
}

/// Whether mail for that path is taken here. Postmaster without a domain always is (RFC 5321 section 4.5.1).
bool ServerSession::is_served(std::string_view path) const
{
    const auto at = path.rfind('@');
    if (config_.domains.empty() || at == std::string_view::npos)
        return true;
    const auto domain = path.substr(at + 1);
    return std::ranges::any_of(config_.domains, [&](const std::string& served) {
        return served.starts_with('.') ? iends_with(domain, served) : iequals(domain, served);
    });
}

ServerEvent ServerSession::recipient(std::string_view argument)
{
    if (!has_sender_)
        return error({503, "5.5.1", "Send MAIL first"});
    auto path = parse_path_argument(argument, "TO");
    if (!path || path->path.empty()) {
        refused_recipient_ = true;
        return error(path ? ServerReply{501, "5.1.3", "Bad recipient address syntax"} : path.error());
    }
    if (!path->parameters.empty()) {
        refused_recipient_ = true;
        return error({555, "5.5.4", "Parameter " + path->parameters.front().keyword + " is not supported"});
    }
    if (!is_served(path->path)) {
        refused_recipient_ = true;
        return error({550, "5.7.1", "Relaying denied, this server takes no mail for that domain"});
    }
    if (envelope_.to.size() >= config_.recipients)
        return say({452, "4.5.3",
                    "No more than " + std::to_string(config_.recipients) + " recipient" +
                        std::string(plural(config_.recipients)) + " of one message, send another"});
    envelope_.to.push_back({std::move(path->path), {}});
    return wait_for_answer(ServerEvent::recipient);
}

ServerEvent ServerSession::data(std::string_view argument)
{
    if (!argument.empty())
        return error({501, "5.5.4", "Syntax: DATA"});
    if (!has_sender_)
        return error({503, "5.5.1", "Send MAIL first"});
    if (envelope_.to.empty()) // RFC 5321 section 3.3 allows 554, RFC 2033 section 4.2 wants 503
        return refused_recipient_ && !config_.lmtp ? error({554, "5.5.1", "No valid recipients"})
                                                   : error({503, "5.5.1", "Send RCPT first"});
    return wait_for_answer(ServerEvent::data);
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

/// CHUNKING is not offered. Whoever sends a chunk all the same sends its octets with it, and they are no commands.
ServerEvent ServerSession::bdat(std::string_view argument)
{
    const auto words = split_blanks(argument);
    const auto octets = words.empty() ? std::nullopt : parse_number(words.front());
    if (!octets || words.size() > 2)
        return close({501, "5.5.4", "Malformed BDAT, closing"});
    swallow_ = *octets;
    const auto event = error({502, "5.5.1", "BDAT is not offered"});
    if (event == ServerEvent::none && swallow_ > 0)
        state_ = State::swallow;
    return event;
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
        say({250, "2.1.0", "Ok"});
        break;
    case ServerEvent::recipient:
        say({250, "2.1.5", "Ok"});
        break;
    case ServerEvent::data:
        say({354, {}, "End data with <CR><LF>.<CR><LF>"});
        data_ = DataReader(Spool(budget_), config_.message_octets);
        state_ = State::data;
        break;
    default:
        break;
    }
}

void ServerSession::refuse(const ServerReply& reply)
{
    state_ = State::command;
    const auto asked = std::exchange(asked_, ServerEvent::none);
    if (asked == ServerEvent::mail)
        envelope_ = {};
    if (asked == ServerEvent::recipient) {
        envelope_.to.pop_back();
        refused_recipient_ = true;
    }
    say(reply);
    if (reply.code == 421)
        state_ = State::closed;
}

void ServerSession::finish(const std::vector<ServerReply>& replies)
{
    state_ = State::command;
    asked_ = ServerEvent::none;
    for (const auto& reply : replies)
        say(reply);
    if (std::ranges::any_of(replies, [](const ServerReply& reply) { return reply.code / 100 == 2; }))
        errors_ = 0;
    idle_ = 0;
    reset();
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

ServerEvent ServerSession::say(const ServerReply& reply)
{
    replies_ += reply_octets(reply);
    return ServerEvent::none;
}

ServerEvent ServerSession::idle(const ServerReply& reply)
{
    if (++idle_ > config_.idle_commands && ++errors_ > config_.errors)
        return close({421, "4.7.0", "Too many commands without a message"});
    return say(reply);
}

ServerEvent ServerSession::error(const ServerReply& reply)
{
    say(reply);
    if (++errors_ > config_.errors)
        return close({421, "4.7.0", "Too many errors"});
    return ServerEvent::none;
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
    envelope_ = {};
    data_ = {};
}

} // namespace mgw::smtp
