// AUTH (RFC 4954).
#include "lib/smtp/server_session.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

namespace mgw::smtp
{

ServerEvent ServerSession::auth(std::string_view argument)
{
    if (!config_.offer_auth)
        return error({502, "5.5.1", "AUTH is not offered"});
    if (tls_.empty())
        return error({538, "5.7.11", "AUTH needs TLS, send STARTTLS first"});
    if (!extended_ || !greeted_)
        return error({503, "5.5.1", config_.lmtp ? "Send LHLO first" : "Send EHLO first"});
    if (!login_.empty())
        return error({503, "5.5.1", "You are " + login_ + " already"});
    if (has_sender_)
        return error({503, "5.5.1", "No AUTH between MAIL and the end of the message"});
    const auto blank = argument.find(' ');
    const auto mechanism = argument.substr(0, blank);
    if (mechanism.empty())
        return error({501, "5.5.4", "Syntax: AUTH mechanism [initial-response]"});
    sasl_ = SaslExchange::begin(mechanism, config_.make_nonce ? config_.make_nonce() : std::string{});
    if (!sasl_)
        return error({504, "5.5.4", "Mechanism is not one of " + std::string(SaslExchange::mechanisms)});
    const auto step = sasl_->start();
    if (blank == std::string_view::npos)
        return take_step(step);
    const auto initial = trim(argument.substr(blank));
    return auth_response(initial == "=" ? std::string_view{} : initial);
}

ServerEvent ServerSession::auth_response(std::string_view line)
{
    verb_ = "AUTH";
    if (line == "*") {
        sasl_.reset();
        return error({501, "5.7.0", "Authentication cancelled"});
    }
    const auto response = strict_base64(line);
    if (!response) {
        sasl_.reset();
        return error({501, "5.5.2", "Response is not in base64"});
    }
    return take_step(sasl_->respond(*response));
}

ServerEvent ServerSession::take_step(SaslExchange::Step step)
{
    const auto end = [&](const ServerReply& reply) {
        sasl_.reset();
        return error(reply);
    };
    switch (step) {
    case SaslExchange::Step::challenge:
        return say({334, {}, mail::base64_encode(sasl_->challenge(), 0)});
    case SaslExchange::Step::question:
        return wait_for_answer(ServerEvent::credentials);
    case SaslExchange::Step::success:
        login_ = sasl_->login();
        sasl_.reset();
        return say({235, "2.7.0", "Authentication successful"});
    case SaslExchange::Step::wrong:
        refusals_.push_back({"AUTH", {}, {}, {}, {535, "5.7.8", "Authentication failed: " + sasl_->login()}});
        return end({535, "5.7.8", "Authentication failed"});
    case SaslExchange::Step::malformed:
        return end({501, "5.5.2", "Malformed response"});
    case SaslExchange::Step::unknown:
        return end({454, "4.7.0", "Temporary authentication failure"});
    }
    return ServerEvent::none;
}

void ServerSession::answer_credentials(const CredentialAnswer& answer)
{
    state_ = State::command;
    asked_ = ServerEvent::none;
    take_step(sasl_->answer(answer));
}

} // namespace mgw::smtp
