#pragma once

#include "lib/core/limits.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/block.hpp"
#include "lib/smtp/milter_packet.hpp"
#include "lib/smtp/server_command.hpp"
#include "lib/smtp/server_session.hpp"
#include "lib/smtp/spool.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::smtp
{

/// What a filter may ask a mail server to do, as both sides agreed.
enum MilterAction : std::uint32_t {
    milter_may_add_headers = 0x1,
    milter_may_change_body = 0x2,
    milter_may_add_recipients = 0x4,
    milter_may_remove_recipients = 0x8,
    milter_may_change_headers = 0x10,
    milter_may_quarantine = 0x20,
    milter_may_change_from = 0x40,
    milter_may_add_recipients_with_parameters = 0x80,
};

/// A header field as the mail server gave it; offsets into MilterMessage::octets.
struct MilterField {
    std::size_t begin = 0;
    std::size_t name_octets = 0; ///< before the colon
    std::size_t end = 0;         ///< past its CRLF
};

/// A message as the mail server gave it. The octets are those that the server holds, but for the Received field that it
/// adds itself and shows to no filter.
struct MilterMessage {
    std::string queue_id; ///< the server's own (macro i)
    ServerEnvelope envelope;
    std::vector<std::string> to; ///< the recipients as given, with brackets: the names by which they are removed
    Spool octets;
    std::vector<MilterField> fields;
    std::size_t body_begin = 0;
    std::size_t seen_octets = 0;        ///< that came, stored or not
    std::optional<ServerReply> refusal; ///< why it cannot be handled
};

enum class MilterEvent : char {
    none,    ///< feed more octets
    message, ///< a whole message is there: finish()
    close,   ///< send the output and close; error() says what was wrong, if anything
};

/// The filter's side of a connection with a mail server in milter protocol version 6, without sockets: octets in,
/// events and octets out. All is decided at the end of a message; where the server allows it, it waits for nothing
/// before. Header fields need SMFIP_HDR_LEADSPC, without which their octets would not be known.
class MilterSession {
public:
    MilterSession(const Limits& limits, SpoolBudget& budget) : limits_(limits), budget_(budget) {}

    /// Takes octets from the front of `octets` up to the next event; after `message` the rest waits for finish().
    MilterEvent feed(std::string_view& octets);
    /// The message, for whom it concerns; it is not in the session any more.
    MilterMessage take_message();
    /// Ends a message with the packets that were decided on.
    void finish(std::string_view packets);

    std::string take_output() { return std::exchange(output_, {}); }
    const std::string& error() const { return error_; }
    /// What is known of the client: address, verified name, HELO, login, TLS version.
    mail::Client client() const;
    std::string tls_cipher() const { return macro("{cipher}"); }
    std::uint32_t actions() const { return actions_; }
    /// Whether a message is in progress.
    bool in_message() const { return message_.has_value(); }

private:
    enum class State : char { start, ready, waiting, closed };

    MilterEvent take(const MilterPacket& packet);
    MilterEvent negotiate(std::string_view data);
    MilterEvent connect(std::string_view data);
    MilterEvent helo(std::string_view data);
    MilterEvent mail(std::string_view data);
    MilterEvent recipient(std::string_view data);
    MilterEvent header(std::string_view data);
    MilterEvent header_end();
    MilterEvent body(std::string_view data);
    MilterEvent end(std::string_view data);
    void macros(std::string_view data);
    std::string macro(std::string_view name) const;
    void forget_message();
    void store(std::string_view octets);
    void refuse(int code, const char* enhanced, const char* text);
    MilterEvent go_on(std::uint32_t without_reply);
    MilterEvent broken(std::string what);

    Limits limits_;
    SpoolBudget& budget_;
    State state_ = State::start;
    MilterPackets packets_;
    std::string output_;
    std::string error_;
    std::uint32_t actions_ = 0;
    std::uint32_t protocol_ = 0;
    std::map<char, std::map<std::string, std::string, std::less<>>> macros_; // by the command that they came before
    std::string host_;
    std::string ip_;
    std::string helo_;
    std::optional<MilterMessage> message_;
    bool header_done_ = false;
};

} // namespace mgw::smtp
