#pragma once

#include "lib/core/limits.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/message.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::mail
{

/// What to do with recipients, from mildest to strictest; discard and reject are equally strict.
enum class Action : char { accept, quarantine, defer, discard, reject };
std::string_view action_name(Action action);
std::optional<Action> parse_action(std::string_view name);

/// One `Mgw-Verdict` line.
struct Verdict {
    Action action = Action::accept;
    std::string recipients = "*"; ///< "*", "2", "1,3"
    int code = 0;                 ///< SMTP reply code of defer and reject, 0 for the default (451, 550)
    std::string enhanced;         ///< RFC 3463 status of defer and reject, "" for the default (4.7.1, 5.7.1)
    std::string cls;              ///< spam, virus, auth, content, policy, error …
    std::string by;               ///< tool
    std::string at;               ///< policy.sieve:12
    std::string text;             ///< for people; cut to printable ASCII of at most 400 octets when written
};

/// One `Mgw-To` line.
struct Recipient {
    std::string number;     ///< "1"; "2.1" is made of 2; "0.1" is new
    std::string path;       ///< without angle brackets
    std::string parameters; ///< ESMTP parameters as they came: "NOTIFY=FAILURE ORCPT=rfc822;bob@example.org"
};

/// `Mgw-Client`: what is known of the connection. Empty strings for what is not.
struct Client {
    std::string ip, name, helo, proto, tls, listener, auth;
    std::string cert,
        subject; ///< of a client certificate: SHA-256 in hex, and its name (RFC 4514); nobody vouches for it
};

/// `Mgw-Hop`: where recipients go next, "smtp:[192.0.2.1]:25", "lmtp:unix:/path", "maildir:/path", "pipe:NAME",
/// "error:5.1.1 text".
struct Hop {
    std::string recipients;
    std::string destination;
};

/// `Mgw-Mark`: a decision for later stages.
struct Mark {
    std::string recipients;
    std::vector<std::pair<std::string, std::string>> values;
};

/// `Mgw-Effect`: state that the sink changes after the commit.
struct Effect {
    std::string name; ///< duplicate, vacation, notify, count, dsn
    std::string recipients;
    std::vector<std::pair<std::string, std::string>> values; ///< decoded
};

/// The envelope block of a message: lines, in order; unknown lines are kept. Accessors read the lines, mutators append
/// (DESIGN of the contract: mgw(7)).
class Block {
public:
    Block() = default;

    /// Reads the lines of a block, each ended by LF, the last being Mgw-End. Status::data when a line is malformed, has
    /// CR or NUL, or the block is over Limits::block_octets.
    static Result<Block> parse(std::string_view text, const Limits& limits = {});
    /// The lines with LF, ended by "Mgw-End:\n".
    std::string text() const;
    /// The lines with LF, without Mgw-End: what the tag covers.
    std::string lines() const;

    std::string id() const;
    void set_id(std::string_view id);
    Client client() const;
    void set_client(const Client& client);
    /// Envelope sender without brackets: "" for the null path, nothing when it is not known.
    std::optional<std::string> from() const;
    std::string from_parameters() const;
    void set_from(std::string_view path, std::string_view parameters = {});
    double deadline() const; ///< boot clock seconds, 0 for none
    void set_deadline(double boot_seconds);

    std::vector<Recipient> recipients() const;
    /// The recipients that are delivered to: those that no other one was made of.
    std::vector<Recipient> final_recipients() const;
    void add_recipient(std::string_view number, std::string_view path, std::string_view parameters = {});

    /// Measured values: `Mgw-Result: TOOL key=value …`, values in xtext. A tool's later line replaces its earlier one
    /// key by key.
    void add_result(std::string_view tool, const std::vector<std::pair<std::string, std::string>>& values);
    std::vector<std::pair<std::string, std::string>> results(std::string_view tool) const;
    /// One decoded value; nothing if there is none.
    std::optional<std::string> result(std::string_view tool, std::string_view key) const;
    /// The tools that have results, in order.
    std::vector<std::string> result_tools() const;

    void add_verdict(const Verdict& verdict);
    std::vector<Verdict> verdicts() const;
    /// The verdict in force for one recipient number: an accept of a class cancels verdicts of that class, earlier and
    /// later, class error excepted; of the rest the strictest, the earlier of equals. `2.1` is also judged by verdicts
    /// on `2`.
    Verdict effective(std::string_view number) const;
    /// The strictest over all final recipients.
    Verdict strictest() const;

    void add_hop(std::string_view recipients, std::string_view destination);
    /// Destination of one recipient, the last that names it; empty for none.
    std::string hop(std::string_view number) const;
    void add_mark(const Mark& mark);
    std::vector<Mark> marks() const;
    void add_effect(const Effect& effect);
    std::vector<Effect> effects() const;

    /// Any further line: "Mgw-Name: value".
    const std::vector<std::string>& raw_lines() const { return lines_; }
    void remove_lines(std::string_view name);

private:
    std::vector<std::string_view> values(std::string_view name) const;
    void set(std::string_view name, std::string_view value);
    void append(std::string_view name, std::string_view value);

    std::vector<std::string> lines_; // "Mgw-Name: value"
};

/// Whether a recipient list ("*", "2", "1,3") covers `number`; "2" covers "2.1" as well.
bool covers(std::string_view recipients, std::string_view number);

/// The tag of a block: hex HMAC-SHA256 over "MGW1\n", the lines, and the raw SHA-256 of the message.
std::string block_tag(std::string_view key, const Block& block, std::string_view message);

/// A block found at the top of a message (after a From line), believed or not.
struct FoundBlock {
    Block block;
    std::size_t begin = 0; ///< offset of the first line
    std::size_t end = 0;   ///< past the Mgw-End line
    std::string tag;       ///< hex of "hmac-sha256=", empty without one
};
/// Looks for lines that form a block at `offset` of `octets`; nothing if there is none. Says nothing about trust.
std::optional<FoundBlock> find_block(std::string_view octets, std::size_t offset, const Limits& limits = {});

/// Header fields whose name begins with "Mgw-", however spelt: any case, blanks before the colon, folded. Every line
/// down to the first empty one is looked at, whatever stands between and however long it is: programs differ in where a
/// broken header ends.
std::vector<Field> foreign_mgw_fields(std::string_view octets);

} // namespace mgw::mail
