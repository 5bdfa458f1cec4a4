#include "lib/cli/output.hpp"

#include "lib/mail/mbox.hpp"

#include <algorithm>
#include <ctime>

namespace mgw::cli
{

namespace
{

/// The block with its tag in the message's own line ends.
std::string block_octets(const mail::Member& member, const std::string& key)
{
    std::string text = member.block.lines();
    text += key.empty() ? "Mgw-End:\n"
                        : "Mgw-End: hmac-sha256=" + mail::block_tag(key, member.block, member.message) + "\n";
    const auto lf = member.message.find('\n');
    if (lf == std::string::npos || lf == 0 || member.message[lf - 1] != '\r')
        return text;
    std::string out;
    for (const char c : text)
        out.append(c == '\n' ? "\r\n" : std::string(1, c));
    return out;
}

std::string from_line(const mail::Member& member, std::string_view line_end)
{
    const auto from = member.block.from();
    std::string sender = from && !from->empty() ? *from : "MAILER-DAEMON";
    std::ranges::replace(sender, ' ', '-');
    const std::time_t now = unix_seconds(Clock::from_environment().now());
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char date[32];
    const std::string_view written = ::asctime_r(&parts, date); // English in every locale, ended by LF
    return ("From " + sender + " ").append(written.substr(0, written.size() - 1)).append(line_end);
}

/// What `octets` lack of a line end and an empty line.
std::string missing_ends(std::string_view octets, std::string_view line_end)
{
    std::string out;
    if (!octets.ends_with('\n'))
        return out.append(line_end).append(line_end);
    if (!octets.ends_with("\n\n") && !octets.ends_with("\n\r\n"))
        out = octets.ends_with("\r\n") ? "\r\n" : "\n";
    return out;
}

} // namespace

std::string Output::octets(const Item& item, BlockMode block)
{
    const bool keep = block != BlockMode::strip;
    const auto& member = item.frame.members.at(0);
    switch (kind_) {
    case Kind::frames:
        return mail::frame_octets(item.frame);
    case Kind::mbox:
        return mbox(item, keep);
    default:
        return item.prefix + (keep ? block_octets(member, key_) : std::string{}) + member.message;
    }
}

std::string Output::mbox(const Item& item, bool keep)
{
    std::string out;
    for (std::size_t i = 0; i < item.frame.members.size(); ++i) {
        const auto& member = item.frame.members[i];
        const auto line_end = mail::Message(member.message).line_end();
        out += missing_;
        if (i == 0 && !item.prefix.empty())
            out += item.prefix;
        else if (i > 0 || item.kind != Kind::mbox || item.position.number > 1) // the first message may lack its line
            out += from_line(member, line_end);
        if (keep)
            out += block_octets(member, key_);
        out += mail::mboxrd_quote(member.message, i == 0 && item.has_from_field);
        if (i == 0)
            out += item.trailer;
        missing_ = missing_ends(out, line_end);
        if (i > 0 || item.kind != Kind::mbox || whole_ends_) {
            out += missing_;
            missing_.clear();
        }
    }
    return out;
}

} // namespace mgw::cli
