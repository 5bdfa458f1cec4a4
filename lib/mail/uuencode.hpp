#pragma once

#include "lib/mail/decoder.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A file in a uuencoded text: what its "begin" line says and where its octets stand in the decoder's output.
struct UuFile {
    std::string name;  ///< as given: octets of an unknown charset, hostile
    unsigned mode = 0; ///< permissions, at most 07777
    std::size_t begin = 0;
    std::size_t octets = 0;
    bool complete = false; ///< its "end" line was seen
    bool damaged = false;  ///< no end, characters outside the alphabet, or the limit cut it
};

/// Files as uuencode(1) writes them (POSIX), both in its own alphabet and in base64 ("begin-base64"). One after the
/// other, with any text between them; what comes out is the octets of all files. A 0 may be written as a blank or as
/// '`', blanks at a line's end may be lost. At most 1000 files.
class UuDecoder : public DecoderState {
public:
    explicit UuDecoder(std::size_t limit_octets = no_limit) : DecoderState(limit_octets), base64_(limit_octets) {}
    void feed(std::string_view text, std::string& out);
    void finish(std::string& out);
    const std::vector<UuFile>& files() const { return files_; }

private:
    enum class In : char { text, lines, base64 };

    void line(std::string_view text, std::string& out);
    void begin_line(std::string_view text);
    void data_line(std::string_view text, std::string& out);
    void base64_line(std::string_view text, std::string& out);
    void end_file(bool complete, std::string& out);
    void put_data(std::string_view octets, std::string& out);

    In in_ = In::text;
    std::size_t octets_out_ = 0;
    std::string line_; ///< the begin of a line that is not yet complete
    std::vector<UuFile> files_;
    Base64Decoder base64_;
};

} // namespace mgw::mail
