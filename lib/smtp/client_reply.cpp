#include "lib/smtp/client_reply.hpp"

#include "lib/core/text.hpp"

namespace mgw::smtp
{

namespace
{

/// Length of an RFC 3463 status "5.7.1" at the start of `text` whose class is `klass`; 0 if there is none.
std::size_t enhanced_length(std::string_view text, char klass)
{
    if (text.size() < 5 || text[0] != klass || text[1] != '.')
        return 0;
    std::size_t at = 2;
    for (int part = 0; part < 2; ++part) {
        const std::size_t begin = at;
        while (at < text.size() && is_digit(text[at]) && at - begin < 3)
            ++at;
        if (at == begin)
            return 0;
        if (part == 0 && (at == text.size() || text[at++] != '.'))
            return 0;
    }
    return at == text.size() || is_blank(text[at]) ? at : 0;
}

} // namespace

std::string Reply::text(std::size_t limit_octets) const
{
    std::string all;
    for (const auto& line : lines) {
        if (!all.empty())
            all += ' ';
        all += line;
        if (all.size() >= limit_octets)
            break;
    }
    return printable_ascii(trim(all), limit_octets);
}

Result<bool> ReplyParser::add_line(std::string_view line)
{
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]) ||
        (line.size() > 3 && line[3] != ' ' && line[3] != '-'))
        return fail(Status::temp_fail, "the server sent what is no SMTP reply: " + printable_ascii(line, 80));
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (!partial_.lines.empty() && code != partial_.code)
        return fail(Status::temp_fail, "the server sent a reply whose lines have different codes");
    if (partial_.lines.size() >= max_lines)
        return fail(Status::temp_fail, "the server sent a reply of more than 100 lines");
    partial_.code = code;
    std::string_view rest = line.substr(line.size() > 3 ? 4 : 3);
    if (const auto n = enhanced_length(rest, line[0]); n > 0) {
        if (partial_.lines.empty())
            partial_.enhanced = rest.substr(0, n);
        rest = rest.substr(rest.size() > n ? n + 1 : n);
    }
    partial_.lines.emplace_back(rest);
    return line.size() <= 3 || line[3] == ' ';
}

Result<std::optional<Reply>> ReplyParser::next()
{
    while (!broken_) {
        const auto end = buffer_.find('\n', searched_);
        const auto length = (end == std::string::npos ? buffer_.size() : end) - taken_;
        if (length > max_line_octets) {
            broken_ = Error{Status::temp_fail, "the server sent a reply line of more than 4096 octets"};
            break;
        }
        if (end == std::string::npos) {
            buffer_.erase(0, taken_);
            taken_ = 0;
            searched_ = buffer_.size();
            return std::optional<Reply>{};
        }
        auto complete = add_line(std::string_view(buffer_).substr(taken_, length));
        taken_ = searched_ = end + 1;
        if (!complete)
            broken_ = complete.error();
        else if (*complete)
            return std::optional<Reply>{std::exchange(partial_, Reply{})};
    }
    buffer_.clear();
    taken_ = searched_ = 0;
    return std::unexpected<Error>(*broken_);
}

} // namespace mgw::smtp
