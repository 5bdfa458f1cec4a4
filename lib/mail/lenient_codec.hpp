#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// How a program may read base64 that is not as RFC 2045 section 6.8 has it.
struct Base64Way {
    enum class Padding : char { ends_group, ends_line, ends_all, is_skipped, is_zero, fills_group };
    enum class Junk : char { is_skipped, ends_line, drops_line, ends_all };
    const char* name;
    Padding padding = Padding::ends_group;
    Junk junk = Junk::is_skipped;
    bool line_by_line = false;  ///< what is left over at a line's end is dropped
    bool line_is_whole = false; ///< each line is encoded for itself, its padding left out
    bool url_alphabet = false;  ///< '-' and '_' (RFC 4648 section 5)
    bool empty_line_ends = false;
};

/// The ways in which such a text is read differently, the common one (RFC 2045: junk is skipped, padding ends a group)
/// not among them; none for base64 as programs write it.
std::vector<Base64Way> base64_ways(std::string_view text);
/// Whether each line but the last is whole groups of four. `decoded_octets`, what the common reading made of the text,
/// saves looking at each line where all are of one length.
bool has_even_lines(std::string_view text, std::size_t decoded_octets);
std::string base64_decode_as(const Base64Way& way, std::string_view text, std::size_t limit_octets);

/// How a program may read quoted-printable in which "=" stands before something else than RFC 2045 section 6.7 wants.
struct QpWay {
    const char* name;
    bool upper_case_only = false; ///< "=0a" is wrong
    bool drops_first = false;     ///< "=" and one wrong character go before anything is read
    std::size_t drops = 2;        ///< characters after a wrong "=" that go with it, but never another "="
    bool line_ends_lf = false;    ///< CRLF that is not encoded becomes LF
    bool drops_controls = false;  ///< NUL and other control characters go before anything is read
};
/// Whether a line ends in it that is not the last one, and not with a soft break.
bool has_hard_breaks(std::string_view text);
std::vector<QpWay> qp_ways(std::string_view text);
std::string qp_decode_as(const QpWay& way, std::string_view text, std::size_t limit_octets);

/// Whether a text begins with the first line of what was encoded by hand and put into text. A "begin" without a mode,
/// as Outlook takes it, is one where a line of uuencode follows.
bool is_first_of_embedded(std::string_view text);
/// Whether a text has such a line. Lines end at CR, too.
bool has_embedded(std::string_view text);
/// What was found inside a text.
struct Embedded {
    std::string octets;
    std::string name;      ///< as its first line has it
    std::size_t begin = 0; ///< in the text
    std::size_t end = 0;
};
/// Blocks of uuencode ("begin 644 name"), base64 ("begin-base64 644 name") and yEnc ("=ybegin … name=name") in a text,
/// ended or not. Altogether at most `limit_octets` and about `limit_blocks`; `cut` when there are more.
std::vector<Embedded> embedded_blocks(std::string_view text, std::size_t limit_octets, std::size_t limit_blocks,
                                      bool* cut = nullptr);
/// Lines of uuencode without a first line.
std::string uu_decode_lines(std::string_view text, std::size_t limit_octets);
/// BinHex 4.0 (RFC 1741): the data forks of the files in a text, with their names; together at most `limit_octets`.
std::vector<Embedded> binhex_decode(std::string_view text, std::size_t limit_octets);
/// What the scripts in a page decode: the strings in atob("…"), joined with "+" or not. Altogether at most
/// `limit_octets` and `limit_blocks`; `cut` when there are more.
std::vector<Embedded> script_blocks(std::string_view text, std::size_t limit_octets, std::size_t limit_blocks,
                                    bool* cut = nullptr);
/// Runs of lines that are base64 and nothing else, at least `least_chars` characters long.
std::vector<std::string_view> base64_runs(std::string_view octets, std::size_t least_chars, std::size_t limit_runs);
/// Whether many characters are base64 in whole groups from the first line on: no text is.
bool is_surely_base64(std::string_view text);
/// Whether the first lines of a text are base64 and nothing else.
bool looks_like_base64(std::string_view text);
/// Whether nearly every "=" in the first octets of a text, and there are some, is one of quoted-printable.
bool is_surely_qp(std::string_view text);
/// Whether "=" stands before hexadecimal digits or a line end in the first octets of a text.
bool looks_like_qp(std::string_view text);

} // namespace mgw::mail
