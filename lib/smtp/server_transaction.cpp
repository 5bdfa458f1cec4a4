// The commands of a mail transaction: MAIL, RCPT, DATA, BDAT, and what the caller answers to them.
#include "lib/smtp/server_session.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

/// A chunk that is this many times larger than a whole message may be is not waited for.
constexpr std::uint64_t chunk_factor = 4;

const ServerReply needs_utf8{553, "5.6.7", "Address with octets outside ASCII needs SMTPUTF8 (RFC 6531)"};

std::string_view plural(std::size_t n)
{
    return n == 1 ? "" : "s";
}

/// Domains are compared as A-labels in lower case; "" for none.
std::string for_comparison(std::string_view domain)
{
    return is_ascii(domain) ? to_lower(domain) : mail::normal_domain(domain);
}

} // namespace

ServerEvent ServerSession::mail(std::string_view argument)
{
    if (!greeted_)
        return error({503, "5.5.1", config_.lmtp ? "Send LHLO first" : "Send EHLO or HELO first"});
    if (config_.submission && login_.empty())
        return error(
            {530, "5.7.0", tls_.empty() ? "Authentication required, send STARTTLS first" : "Authentication required"});
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
    auto parameters =
        check_mail_parameters(path->parameters, {config_.data.message_octets, !tls_.empty(), config_.offer_auth});
    if (!parameters)
        return error(parameters.error());
    if (!parameters->utf8 && !is_ascii(path->path))
        return error(needs_utf8);
    if (!login_.empty() && !path->path.empty() && config_.may_send_as && !config_.may_send_as(login_, path->path))
        return error({553, "5.7.1", "Sender address does not belong to " + login_});
    envelope_ = {
        std::move(path->path), std::move(parameters->carried), parameters->declared_octets, parameters->utf8, {}};
    return wait_for_answer(ServerEvent::mail);
}

/// Whether mail for that path is taken here. Postmaster without a domain always is (RFC 5321 section 4.5.1).
bool ServerSession::is_served(std::string_view path) const
{
    const auto at = path.rfind('@');
    if (config_.domains.empty() || may_relay_ || !login_.empty() || at == std::string_view::npos)
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
    const auto refuse_recipient = [&](const ServerReply& reply) {
        refused_recipient_ = true;
        return error(reply);
    };
    auto path = parse_path_argument(argument, "TO", config_.strict);
    if (!path || path->path.empty())
        return refuse_recipient(path ? ServerReply{501, "5.1.3", "Bad recipient address syntax"} : path.error());
    path_ = path->path;
    if (!extended_ && !path->parameters.empty())
        return refuse_recipient({555, "5.5.4", "Parameters need EHLO"});
    auto parameters = check_recipient_parameters(path->parameters, envelope_.utf8);
    if (!parameters)
        return refuse_recipient(parameters.error());
    if (!envelope_.utf8 && !is_ascii(path->path))
        return refuse_recipient(needs_utf8);
    if (!is_served(path->path))
        return refuse_recipient({550, "5.7.1", "Relaying denied, this server takes no mail for that domain"});
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

void ServerSession::accept()
{
    state_ = State::command;
    switch (std::exchange(asked_, ServerEvent::none)) {
    case ServerEvent::xclient:
        begin_again();
        break;
    case ServerEvent::hello:
        greet_client();
        break;
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

void ServerSession::refuse(const ServerReply& reply, bool and_close)
{
    state_ = State::command;
    const auto asked = std::exchange(asked_, ServerEvent::none);
    if (reply.code / 100 == 5 || ++idle_ > config_.idle_commands)
        ++errors_;
    if (asked == ServerEvent::data && chunk_ && reply.code != 421) {
        refuse_chunk(reply); // and with it the message: chunks that may follow belong to none
        reset();
        more_chunks_ = !chunk_->last;
        if (state_ == State::command)
            check_errors();
        return;
    }
    if (asked == ServerEvent::mail)
        envelope_ = {};
    if (asked == ServerEvent::recipient) {
        envelope_.to.pop_back();
        refused_recipient_ = true;
    }
    if (asked == ServerEvent::credentials)
        sasl_.reset();
    if (asked == ServerEvent::hello || asked == ServerEvent::credentials || asked == ServerEvent::xclient)
        refusals_.push_back({verb_, {}, {}, {}, reply});
    note_refusal(reply);
    say(reply);
    if (reply.code == 421 || and_close)
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

} // namespace mgw::smtp
