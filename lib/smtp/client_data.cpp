#include "lib/smtp/client_data.hpp"

#include <algorithm>
#include <cstring>

namespace mgw::smtp
{

std::string_view DataSurvey::objection() const
{
    if (bare_cr)
        return "a bare CR";
    if (bare_lf)
        return "a bare LF in a message with CRLF line ends";
    return nul ? std::string_view("a NUL octet") : std::string_view{};
}

DataSurvey survey(std::string_view message)
{
    DataSurvey s;
    s.nul = message.find('\0') != std::string_view::npos;
    const auto first_end = message.find('\n');
    const bool crlf = first_end != std::string_view::npos && first_end > 0 && message[first_end - 1] == '\r';
    bool in_header = true;
    std::size_t begin = 0;
    while (begin < message.size()) {
        const auto end = std::min(message.find('\n', begin), message.size());
        std::string_view line = message.substr(begin, end - begin);
        const bool ended = end < message.size();
        if (ended && line.ends_with('\r'))
            line.remove_suffix(1);
        else if (ended && crlf)
            s.bare_lf = true;
        in_header = in_header && !line.empty();
        s.bare_cr = s.bare_cr || line.find('\r') != std::string_view::npos;
        if (!s.eight_bit || (in_header && !s.eight_bit_header))
            if (std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) > 127; })) {
                s.eight_bit = true;
                s.eight_bit_header = s.eight_bit_header || in_header;
            }
        s.wire_octets += line.size() + 2;
        begin = end + 1;
    }
    return s;
}

std::string DataEncoder::next(std::size_t octets)
{
    octets = std::max<std::size_t>(octets, 2); // room for a CR that the cut may not separate from its LF
    std::string out;
    out.reserve(std::min(octets, rest_.size()) + 64);
    while (!rest_.empty() && out.size() < octets) {
        if (at_line_start_ && rest_.front() == '.' && form_ == DataForm::dots)
            out += '.';
        // a line may be as long as the message: it goes out in pieces, too
        const auto end = std::min(rest_.substr(0, octets + 1).find('\n'), rest_.size());
        const bool whole = end <= octets;
        std::string_view line = rest_.substr(0, whole ? end : octets);
        at_line_start_ = whole;
        if (!whole) {
            if (line.ends_with('\r')) // may belong to a CRLF that this piece cuts
                line.remove_suffix(1);
            out += line;
            rest_.remove_prefix(line.size());
            continue;
        }
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        out.append(line).append("\r\n");
    }
    return out;
}

} // namespace mgw::smtp
