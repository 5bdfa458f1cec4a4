#pragma once

#include "lib/mail/decoder.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A yEnc file or one part of it (the yEnc draft 1.3): what its keyword lines say and where its octets stand in the
/// decoder's output. All that is declared is hostile.
struct YencPart {
    std::string name;
    std::uint64_t size = 0;  ///< declared, of the whole file
    std::uint64_t part = 0;  ///< number of this part, 0 for a file in one part
    std::uint64_t total = 0; ///< declared number of parts, 0 if not said
    std::uint64_t from = 0;  ///< first octet of the whole file that is in this part, counted from 0
    std::uint64_t to = 0;    ///< past the last one
    std::size_t begin = 0;
    std::size_t octets = 0;
    bool complete = false;                    ///< its =yend line was seen and the sizes agree
    std::optional<bool> crc_right;            ///< nothing when none was given or the limit cut the part
    std::optional<std::uint32_t> whole_crc32; ///< declared, of the whole file
    bool damaged = false;                     ///< not complete, a wrong sum, or the limit cut it
};

/// One or more yEnc parts with any text between them; what comes out is the octets of all. At most 1000 parts.
class YencDecoder : public DecoderState {
public:
    explicit YencDecoder(std::size_t limit_octets = no_limit) : DecoderState(limit_octets) {}
    void feed(std::string_view text, std::string& out);
    void finish(std::string& out);
    const std::vector<YencPart>& parts() const { return parts_; }

private:
    enum class At : char { line_begin, inside_line, escape, escape_at_line_begin, keyword };

    std::size_t feed_line(std::string_view text);
    std::size_t feed_data(std::string_view text, std::string& out);
    void put_run(std::string_view run, std::string& out);
    void keyword_line();
    void begin_part();
    void end_part(std::string_view yend);

    bool in_data_ = false;
    At at_ = At::line_begin;
    std::size_t octets_out_ = 0;
    std::uint32_t sum_ = 0;
    bool cut_ = false; ///< the limit took octets of this part away
    std::string line_; ///< outside of data every line, in data a keyword line
    std::vector<YencPart> parts_;
};

/// The first part of a text.
std::string yenc_decode(std::string_view text, std::size_t limit_octets = no_limit, bool* damaged = nullptr);

} // namespace mgw::mail
