#include "lib/smtp/deliver_final.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

/// True when every LF stands behind a CR and every CR before an LF.
bool is_crlf_only(std::string_view message)
{
    std::size_t begin = 0;
    bool any = false;
    while (begin < message.size()) {
        const auto cr = message.find('\r', begin);
        if (message.substr(begin, std::min(cr, message.size()) - begin).contains('\n'))
            return false;
        if (cr == std::string_view::npos)
            return any;
        if (cr + 1 == message.size() || message[cr + 1] != '\n')
            return false;
        any = true;
        begin = cr + 2;
    }
    return any;
}

void append_with_lf(std::string& out, std::string_view message)
{
    std::size_t begin = 0;
    while (begin < message.size()) {
        const auto cr = std::min(message.find('\r', begin), message.size());
        out += message.substr(begin, cr - begin);
        begin = cr + 1;
    }
}

} // namespace

std::string final_octets(const FinalMail& mail)
{
    const bool to_lf = mail.line_ends == LineEnds::lf && is_crlf_only(mail.message);
    const auto first = mail.message.find('\n');
    const bool crlf = !to_lf && first != std::string_view::npos && first > 0 && mail.message[first - 1] == '\r';
    const std::string_view end = crlf ? "\r\n" : "\n";
    std::string out;
    out.reserve(mail.message.size() + 256);
    if (mail.sender && is_safe_path(*mail.sender))
        out.append("Return-Path: <").append(*mail.sender).append(">").append(end);
    if (!mail.recipient.empty() && is_safe_path(mail.recipient))
        out.append("Delivered-To: ").append(mail.recipient).append(end);
    if (to_lf)
        append_with_lf(out, mail.message);
    else
        out += mail.message;
    return out;
}

Outcome find_loop(std::string_view message, std::string_view final_recipient, const Limits& limits)
{
    const mail::Message index(message, limits);
    const auto hops = index.find_all("Received").size();
    if (hops > limits.received)
        return {554, "5.4.6", "too many hops: " + std::to_string(hops) + " Received fields", {}};
    if (!final_recipient.empty()) {
        const auto seen = std::ranges::count_if(index.find_all("Delivered-To"), [&](const mail::Field* f) {
            return iequals(index.value(*f), final_recipient);
        });
        if (seen > 1)
            return {554, "5.4.6", "mail forwarding loop: delivered to this address before", {}};
    }
    return {};
}

Outcome too_late()
{
    return {451, "4.4.7", "the time for this delivery is over, nothing was delivered", {}};
}

} // namespace mgw::smtp
