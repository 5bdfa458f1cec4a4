#include "lib/mail/yenc.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/crc32.hpp"

#include <algorithm>

namespace mgw::mail
{

namespace
{

constexpr std::size_t longest_line = 1024;
constexpr std::size_t most_parts = 1000;
constexpr unsigned shift = 42;
constexpr unsigned escape_shift = 64;

/// Takes the shift away from octets in which nothing is escaped.
void unshift(std::string_view text, char* to)
{
    const auto octet = [&](std::size_t i) { return static_cast<char>(static_cast<unsigned char>(text[i]) - shift); };
    constexpr std::size_t block = 16; // of a fixed size: for vector instructions
    std::size_t at = 0;
    for (; at + block <= text.size(); at += block)
        for (std::size_t i = 0; i < block; ++i)
            to[at + i] = octet(at + i);
    for (; at < text.size(); ++at)
        to[at] = octet(at);
}

/// The value of `key` in "=ybegin line=128 size=5 name=a file.txt": up to a blank, the name up to the line's end.
std::string_view value_of(std::string_view line, std::string_view key)
{
    const auto name = line.find(" name=");
    if (key == "name")
        return name == std::string_view::npos ? std::string_view{} : trim(line.substr(name + 6));
    for (const auto word : split_blanks(line.substr(0, name)))
        if (word.starts_with(key) && word.substr(key.size()).starts_with('='))
            return trim(word.substr(key.size() + 1));
    return {};
}

std::uint64_t number_of(std::string_view line, std::string_view key)
{
    return parse_number(value_of(line, key)).value_or(0);
}

/// A sum in up to eight hexadecimal digits; some programs write more zeros before them.
std::optional<std::uint32_t> sum_of(std::string_view line, std::string_view key)
{
    const auto text = value_of(line, key);
    std::uint64_t sum = 0;
    for (const char c : text) {
        if (hex_value(c) < 0)
            return std::nullopt;
        sum = sum << 4 | static_cast<unsigned>(hex_value(c));
        if (sum > 0xFFFFFFFFU)
            return std::nullopt;
    }
    return text.empty() ? std::nullopt : std::optional(static_cast<std::uint32_t>(sum));
}

} // namespace

void YencDecoder::put_run(std::string_view run, std::string& out)
{
    if (run.size() > room_) {
        cut_ = damaged_ = true;
        run = run.substr(0, room_);
    }
    const std::size_t had = out.size();
    out.resize_and_overwrite(had + run.size(), [&](char* octets, std::size_t /* may be more */) {
        unshift(run, octets + had);
        return had + run.size();
    });
    room_ -= run.size();
    octets_out_ += run.size();
}

void YencDecoder::begin_part()
{
    if (parts_.size() >= most_parts) {
        damaged_ = true;
        return;
    }
    YencPart part;
    part.name = value_of(line_, "name");
    part.size = number_of(line_, "size");
    part.part = number_of(line_, "part");
    part.total = number_of(line_, "total");
    part.to = part.size;
    part.begin = octets_out_;
    parts_.push_back(std::move(part));
    in_data_ = true;
    sum_ = 0;
    cut_ = false;
}

void YencDecoder::end_part(std::string_view yend)
{
    auto& part = parts_.back();
    part.octets = octets_out_ - part.begin;
    const std::uint64_t expected = part.to >= part.from ? part.to - part.from : 0;
    part.complete = !yend.empty() && !cut_ && part.octets == expected && number_of(yend, "size") == expected;
    part.whole_crc32 = sum_of(yend, "crc32");
    // in one part of many "crc32" is the sum of the whole file, "pcrc32" that of the part
    const auto sum = part.part != 0 ? sum_of(yend, "pcrc32") : part.whole_crc32;
    if (sum && !cut_)
        part.crc_right = *sum == sum_;
    part.damaged = part.damaged || !part.complete || part.crc_right == false;
    damaged_ = damaged_ || part.damaged;
    in_data_ = false;
}

void YencDecoder::keyword_line()
{
    if (!in_data_) {
        if (line_.starts_with("=ybegin "))
            begin_part();
    } else if (line_.starts_with("=ypart ")) {
        auto& part = parts_.back();
        part.from = number_of(line_, "begin");
        part.from -= std::min<std::uint64_t>(part.from, 1); // counted from 1 there
        part.to = number_of(line_, "end");
    } else if (line_.starts_with("=yend")) {
        end_part(line_);
    } else if (line_.starts_with("=ybegin ")) { // the end of the part before is missing
        end_part({});
        begin_part();
    } else { // no encoder begins a line so
        parts_.back().damaged = damaged_ = true;
    }
    line_.clear();
}

/// Outside of data and for keyword lines; returns how much of `text` was read.
std::size_t YencDecoder::feed_line(std::string_view text)
{
    const auto lf = text.find('\n');
    const auto piece = text.substr(0, lf);
    line_.append(piece.substr(0, longest_line - std::min(longest_line, line_.size())));
    if (lf == std::string_view::npos)
        return text.size();
    keyword_line();
    at_ = At::line_begin;
    return lf + 1;
}

/// Up to the line's end; returns how much of `text` was read.
std::size_t YencDecoder::feed_data(std::string_view text, std::string& out)
{
    const auto line = text.substr(0, text.find('\n'));
    const bool whole = line.size() < text.size();
    const std::size_t had = out.size();
    std::size_t i = 0;
    while (i < line.size()) {
        if (at_ == At::escape_at_line_begin && line[i] == 'y') {
            line_ = "=";
            at_ = At::keyword; // the 'y' is read with its line
            break;
        }
        if (at_ == At::escape || at_ == At::escape_at_line_begin) {
            const auto escaped = static_cast<char>(static_cast<unsigned char>(line[i]) - escape_shift);
            if (line[i] == '\r') // a line never ends in an escape
                parts_.back().damaged = damaged_ = true;
            else
                put_run({&escaped, 1}, out);
            at_ = At::inside_line;
            ++i;
        } else if (line[i] == '=') {
            at_ = at_ == At::line_begin ? At::escape_at_line_begin : At::escape;
            ++i;
        } else if (line[i] == '\r') {
            ++i;
        } else {
            std::size_t end = i; // one look at each octet, however many of either there are
            while (end < line.size() && line[end] != '=' && line[end] != '\r')
                ++end;
            const auto run = line.substr(i, end - i);
            put_run(run, out);
            at_ = At::inside_line;
            i += run.size();
        }
    }
    sum_ = crc32(std::string_view(out).substr(had), sum_);
    if (at_ == At::keyword || !whole)
        return i;
    if (at_ == At::escape || at_ == At::escape_at_line_begin)
        parts_.back().damaged = damaged_ = true;
    at_ = At::line_begin;
    return i + 1;
}

void YencDecoder::feed(std::string_view text, std::string& out)
{
    while (!text.empty())
        text.remove_prefix(!in_data_ || at_ == At::keyword ? feed_line(text) : feed_data(text, out));
}

void YencDecoder::finish(std::string& /*out*/)
{
    if (!line_.empty())
        keyword_line();
    if (in_data_)
        end_part({});
    damaged_ = damaged_ || parts_.empty();
}

std::string yenc_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    out.reserve(std::min(text.size(), limit_octets));
    YencDecoder decoder(limit_octets);
    decoder.feed(text, out);
    decoder.finish(out);
    const bool none = decoder.parts().empty();
    if ((none || decoder.parts().front().damaged) && damaged != nullptr)
        *damaged = true;
    out.resize(none ? 0 : decoder.parts().front().octets);
    return out;
}

} // namespace mgw::mail
