#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Packets of the milter protocol, by which a mail server asks a filter about messages: a length of four octets, most
/// significant first, then a command of one octet and its data, which the length counts.
namespace mgw::smtp
{

/// Commands of the mail server.
enum class MilterCommand : char {
    abort = 'A',      ///< the message is given up, the connection stays
    body = 'B',       ///< a piece of the body
    connect = 'C',    ///< a client came
    macro = 'D',      ///< values of macros for the command that follows
    end = 'E',        ///< end of the message, with or without a last piece of the body
    helo = 'H',       ///<
    quit_new = 'K',   ///< the client went, another one comes
    header = 'L',     ///< one header field
    mail = 'M',       ///<
    header_end = 'N', ///<
    options = 'O',    ///< what both sides can do
    quit = 'Q',       ///<
    recipient = 'R',  ///<
    data = 'T',       ///<
    unknown = 'U',    ///< an SMTP command that the server does not know
};

/// Answers of the filter.
enum class MilterAnswer : char {
    add_recipient = '+',
    remove_recipient = '-',
    add_recipient_with_parameters = '2',
    accept = 'a',
    replace_body = 'b',
    go_on = 'c',
    discard = 'd',
    change_from = 'e',
    add_header = 'h',
    insert_header = 'i',
    change_header = 'm',
    options = 'O',
    progress = 'p', ///< still at work, wait longer
    quarantine = 'q',
    reject = 'r',
    temp_fail = 't',
    reply = 'y',
};

/// Octets of a packet that are accepted, its command included.
inline constexpr std::size_t milter_packet_octets = std::size_t{1} << 20;
/// Octets of a piece of a body that every mail server takes.
inline constexpr std::size_t milter_body_octets = 65535;

struct MilterPacket {
    MilterCommand command{};
    std::string data;
};

/// Cuts a stream of octets into packets.
class MilterPackets {
public:
    /// Takes octets from the front of `octets` up to the end of a packet; nothing until more come. Memory is taken for
    /// octets that came, not for those that a length promises. Status::data for an empty packet and for one above
    /// milter_packet_octets: there is no way to go on.
    Result<std::optional<MilterPacket>> next(std::string_view& octets);
    /// Whether a packet has begun.
    bool inside() const { return !begun_.empty(); }

private:
    std::string begun_;
};

/// One packet. `data` must be within milter_packet_octets.
std::string milter_packet(MilterAnswer answer, std::string_view data = {});

/// A number of four octets, most significant first.
std::string milter_number(std::uint32_t number);

/// The texts of `data`, each ended by NUL; nothing when the last one is not, or there are more than `most`.
std::optional<std::vector<std::string_view>> milter_texts(std::string_view data, std::size_t most = 1000);

/// The number at the front of `data`, which is taken off; nothing if it is shorter.
std::optional<std::uint32_t> take_milter_number(std::string_view& data);

} // namespace mgw::smtp
