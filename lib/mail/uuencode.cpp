#include "lib/mail/uuencode.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace mgw::mail
{

namespace
{

/// A line of data has at most 1 + 84 characters and perhaps a checksum; a begin line ends in a file name.
constexpr std::size_t longest_line = 1024;
constexpr std::size_t most_files = 1000;

struct Begin {
    unsigned mode;
    std::string_view name;
    bool base64;
};

/// "begin 644 name" or "begin-base64 644 name".
std::optional<Begin> read_begin(std::string_view line)
{
    Begin begin{};
    if (line.starts_with("begin-base64 ")) {
        begin.base64 = true;
        line.remove_prefix(13);
    } else if (line.starts_with("begin ")) {
        line.remove_prefix(6);
    } else {
        return std::nullopt;
    }
    line = trim(line);
    std::size_t digits = 0;
    for (; digits < line.size() && line[digits] >= '0' && line[digits] <= '7' && digits < 8; ++digits)
        begin.mode = begin.mode * 8 + static_cast<unsigned>(line[digits] - '0');
    // three digits tell a begin line from a sentence
    if (digits < 3 || (digits < line.size() && !is_blank(line[digits])))
        return std::nullopt;
    begin.mode &= 07777U;
    begin.name = trim(line.substr(digits));
    return begin;
}

bool is_of_alphabet(char c)
{
    return c >= ' ' && c <= '`';
}

} // namespace

void UuDecoder::put_data(std::string_view octets, std::string& out)
{
    if (octets.size() > room_)
        files_.back().damaged = true;
    const std::size_t had = out.size();
    put(octets, out);
    octets_out_ += out.size() - had;
}

void UuDecoder::begin_line(std::string_view text)
{
    const auto begin = read_begin(text);
    if (!begin)
        return;
    if (files_.size() >= most_files) {
        damaged_ = true;
        return;
    }
    files_.push_back({std::string(begin->name), begin->mode, octets_out_});
    in_ = begin->base64 ? In::base64 : In::lines;
    base64_ = Base64Decoder(room_);
}

void UuDecoder::end_file(bool complete, std::string& out)
{
    auto& file = files_.back();
    if (in_ == In::base64) {
        std::string rest;
        base64_.finish(rest);
        put_data(rest, out);
        file.damaged = file.damaged || base64_.damaged();
    }
    file.octets = octets_out_ - file.begin;
    file.complete = complete;
    file.damaged = file.damaged || !complete;
    damaged_ = damaged_ || file.damaged;
    in_ = In::text;
}

void UuDecoder::data_line(std::string_view text, std::string& out)
{
    std::string_view line = trim(text);
    if (text.starts_with(' '))
        line = text; // a count of 0 may be written as a blank
    if (line == "end")
        return end_file(true, out);
    while (line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.empty())
        return;
    const auto value = [&](std::size_t k) -> unsigned {
        return k < line.size() ? (static_cast<unsigned>(static_cast<unsigned char>(line[k])) - 32U) & 63U : 0U;
    };
    const std::size_t count = value(0);
    const std::size_t chars = 1 + (count + 2) / 3 * 4;
    if (!std::ranges::all_of(line.substr(0, chars), is_of_alphabet))
        files_.back().damaged = true;
    std::array<char, 63> octets{};
    for (std::size_t k = 1, at = 0; at < count; k += 4, at += 3) {
        const unsigned group = value(k) << 18 | value(k + 1) << 12 | value(k + 2) << 6 | value(k + 3);
        octets[at] = static_cast<char>(group >> 16);
        octets[at + 1] = static_cast<char>(group >> 8);
        octets[at + 2] = static_cast<char>(group);
    }
    put_data({octets.data(), count}, out);
}

void UuDecoder::base64_line(std::string_view text, std::string& out)
{
    if (trim(text).starts_with("===="))
        return end_file(true, out);
    std::string octets;
    base64_.feed(text, octets);
    put_data(octets, out);
}

void UuDecoder::line(std::string_view text, std::string& out)
{
    switch (in_) {
    case In::text:
        return begin_line(trim(text));
    case In::lines:
        return data_line(text, out);
    case In::base64:
        return base64_line(text, out);
    }
}

void UuDecoder::feed(std::string_view text, std::string& out)
{
    while (!text.empty()) {
        const auto lf = text.find('\n');
        const auto piece = text.substr(0, lf);
        text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
        // of an over-long line only the begin is looked at, so that any cut of the text gives the same
        const auto fits = piece.substr(0, longest_line - std::min(longest_line, line_.size()));
        line_.append(fits);
        if (fits.size() < piece.size() && in_ != In::text)
            files_.back().damaged = true;
        if (lf == std::string_view::npos)
            return;
        line(line_, out);
        line_.clear();
    }
}

void UuDecoder::finish(std::string& out)
{
    if (!line_.empty())
        line(line_, out);
    line_.clear();
    if (in_ != In::text)
        end_file(false, out);
    damaged_ = damaged_ || files_.empty();
}

std::string uu_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    UuDecoder decoder(limit_octets);
    decoder.feed(text, out);
    decoder.finish(out);
    const bool none = decoder.files().empty();
    if ((none || decoder.files().front().damaged) && damaged != nullptr)
        *damaged = true;
    out.resize(none ? 0 : decoder.files().front().octets);
    return out;
}

} // namespace mgw::mail
