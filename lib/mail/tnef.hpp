#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A file in a TNEF stream ("winmail.dat", application/ms-tnef; [MS-OXTNEF]). Borrows the stream's octets.
struct TnefAttachment {
    std::vector<std::string>
        names;        ///< every candidate in UTF-8, folders' names not removed: hostile; long ones first, 64 at most
    std::string type; ///< as declared, mostly empty
    std::string content_id;
    std::string_view octets;
    std::size_t depth = 0;   ///< embedded messages around it
    bool is_message = false; ///< an embedded message: its own attachments are listed as well
};

struct Tnef {
    std::vector<TnefAttachment> attachments;
    bool has_text = false; ///< bodies of the outermost message
    bool has_rtf = false;
    bool has_html = false;
    bool damaged = false; ///< a length, a sum or a type does not fit: what could be read is here
    bool cut = false;     ///< more attachments, names of one, or deeper messages than the limits admit
};

struct TnefLimits {
    std::size_t attachments = 1000; ///< of all levels together
    std::size_t depth = 8;          ///< embedded messages in embedded messages
};

bool is_tnef(std::string_view octets);

/// Reads a TNEF stream. Every length is checked, nothing is copied but names, embedded messages are read without
/// recursion; time is linear in the size for each level. An attachment that has its octets twice is listed twice.
Tnef read_tnef(std::string_view octets, const TnefLimits& limits = {});

} // namespace mgw::mail
