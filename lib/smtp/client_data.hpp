#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// What must be known of a message before it is sent over SMTP.
struct DataSurvey {
    bool bare_cr = false;          ///< a CR that no LF follows: never sent (RFC 5321 section 2.3.8)
    bool bare_lf = false;          ///< an LF without CR in a message whose first line ends in CRLF: never sent
    bool nul = false;              ///< never sent (RFC 6152 section 3)
    bool eight_bit = false;        ///< an octet above 127
    bool eight_bit_header = false; ///< an octet above 127 in the header section
    std::size_t wire_octets = 0;   ///< octets as counted by SIZE (RFC 1870 section 5): with CRLF, without dot-stuffing

    bool sendable() const { return !bare_cr && !bare_lf && !nul; }
    /// "a bare CR", for complaints; empty if it is sendable.
    std::string_view objection() const;
};
DataSurvey survey(std::string_view message);

/// How a message goes over the wire: DATA doubles leading dots, BDAT counts octets (RFC 3030).
enum class DataForm : char { dots, chunk };

/// The message in the form that DATA takes (RFC 5321 section 4.5.2): each line end as CRLF, a leading dot doubled, a
/// missing last line end added, then ".CRLF"; for BDAT without dots. Made in pieces, so that a large message is never
/// copied whole. Only for messages whose survey is sendable.
class DataEncoder {
public:
    explicit DataEncoder(std::string_view message, DataForm form = DataForm::dots) : rest_(message), form_(form) {}
    /// The next piece of about `octets`, up to but without the final ".CRLF"; empty at the end.
    std::string next(std::size_t octets = 64U << 10);

private:
    std::string_view rest_;
    DataForm form_;
    bool at_line_start_ = true;
};

} // namespace mgw::smtp
