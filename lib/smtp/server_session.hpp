#pragma once

#include "lib/smtp/sasl.hpp"
#include "lib/smtp/server_chunk.hpp"
#include "lib/smtp/server_command.hpp"
#include "lib/smtp/server_data.hpp"
#include "lib/smtp/server_parameters.hpp"
#include "lib/smtp/xclient.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::smtp
{

/// What one listener speaks and allows.
struct ServerConfig {
    std::string hostname = "localhost";
    bool lmtp = false;       ///< RFC 2033
    bool offer_tls = false;  ///< STARTTLS (RFC 3207)
    bool offer_auth = false; ///< AUTH (RFC 4954), under TLS only
    bool submission = false; ///< RFC 6409: no mail without AUTH
    /// Whether a login may send as that path; without it each may as any. `<>` is not asked about.
    std::function<bool(const std::string& login, const std::string& path)> may_send_as;
    std::vector<std::string>
        domains; ///< recipients are taken for these only, "." + domain for all below it; empty: for all
    DataRules data;
    bool strict = false;            ///< refuse syntax of HELO and paths that other servers tolerate
    std::size_t messages = 0;       ///< of one session, then 421; 0: no limit
    std::size_t recipients = 1000;  ///< of one message; the surplus gets 452 4.5.3
    std::size_t line_octets = 2048; ///< of a command with its CRLF
    std::size_t errors = 20;        ///< refused commands of one session, then 421
    std::size_t idle_commands =
        100; ///< RSET, NOOP, VRFY, HELP, empty chunks and 4xx without a message between; more of them count as errors
    std::function<std::string()> make_nonce; ///< for SCRAM: printable, never the same
    std::function<std::string()> make_id;    ///< Mgw-Id for the next MAIL; without it there are none
};

/// What the caller of ServerSession::feed has to do.
enum class ServerEvent : char {
    none,        ///< feed more octets
    hello,       ///< HELO, EHLO or LHLO: accept() or refuse()
    mail,        ///< a sender was given: accept() or refuse()
    recipient,   ///< a recipient was given, the last of the envelope: accept() or refuse()
    data,        ///< data or a chunk may begin: accept() or refuse(), then feed() again, even with no octets
    message,     ///< a whole message is there, or fault() says why not: finish()
    credentials, ///< question() about a password: answer_credentials()
    xclient,     ///< the client stands for another: stands_for(), accept() or refuse()
    start_tls,   ///< send the replies, shake hands, tls_started()
    close,       ///< send the replies and close
};

struct ServerRecipient {
    std::string path;
    std::string parameters; ///< "NOTIFY=FAILURE ORCPT=…", checked
};

/// The envelope of the message in progress.
struct ServerEnvelope {
    std::string from;
    std::string from_parameters; ///< checked, without SIZE, which is about the transfer only
    std::uint64_t declared_octets = 0;
    bool utf8 = false; ///< SMTPUTF8 (RFC 6531)
    std::vector<ServerRecipient> to;
};

/// A HELO, MAIL, RCPT, DATA or BDAT that was refused, for the record.
struct ServerRefusal {
    std::string command;
    std::string id; ///< Mgw-Id; empty before the first MAIL
    std::string from;
    std::string to; ///< of RCPT, as far as it could be read
    ServerReply reply;
};

/// The server's side of one SMTP or LMTP session (RFC 5321, RFC 2033) without sockets: octets in, events and replies
/// out. One event at a time: the octets behind it wait until it has been answered, so replies keep the order of
/// commands (RFC 2920). Foreign values come out verbatim; whoever writes them elsewhere encodes them.
///
/// An Mgw-Id is made at MAIL, so that all that is said about the message can end with it: the replies to the message
/// itself, and each refusal of MAIL, RCPT, DATA and BDAT.
class ServerSession {
public:
    ServerSession(const ServerConfig& config, SpoolBudget& budget) : config_(config), budget_(budget) {}

    /// The greeting (RFC 5321 section 4.3.1).
    void greet();
    /// Takes octets from the front of `octets` up to the next event. After start_tls and close nothing is left of them:
    /// what came before a handshake was not protected and must not count after it.
    ServerEvent feed(std::string_view& octets);
    /// Answers to hello, mail, recipient and data. After 421, or with `and_close`, the session is closed.
    void accept();
    void refuse(const ServerReply& reply, bool and_close = false);
    /// Answers a message: one reply; in LMTP one for each recipient, in order. The Mgw-Id is added here.
    void finish(const std::vector<ServerReply>& replies);
    /// Answers credentials.
    void answer_credentials(const CredentialAnswer& answer);
    const CredentialQuestion& question() const { return sasl_->question(); }
    /// This client may send to any domain: --domain does not hold for it, as for one with a login.
    void allow_relay(bool allow) { may_relay_ = allow; }
    /// This client may use XCLIENT and XFORWARD.
    void allow_xclient() { may_xclient_ = true; }
    /// At xclient: whom the client stands for. The answer is accept(), which forgets what was said before, or refuse().
    const XclientAttributes& stands_for() const { return stands_for_; }
    /// XFORWARD: whose the message in progress was; for the record and the block, not for rights.
    const XclientAttributes& forwarded() const { return forwarded_; }
    /// After the handshake: everything that was said before is forgotten (RFC 3207 section 4.2).
    void tls_started(std::string version);
    /// Ends the session from outside: a time-out, a shutdown.
    void close_with(const ServerReply& reply);

    /// Replies that wait to be sent; the caller takes them.
    std::string take_replies() { return std::exchange(replies_, {}); }
    bool has_replies() const { return !replies_.empty(); }
    /// Refusals since the last call.
    std::vector<ServerRefusal> take_refusals() { return std::exchange(refusals_, {}); }

    const ServerEnvelope& envelope() const { return envelope_; }
    Spool& message() { return data_.spool(); }
    DataFault fault() const { return data_.fault(); }
    std::size_t message_octets() const { return data_.seen_octets(); }
    /// At ServerEvent::data: octets that are announced, 0 if none are.
    std::uint64_t announced_octets() const { return chunk_ ? chunk_->octets : envelope_.declared_octets; }
    /// Mgw-Id of the message in progress, or of the one whose MAIL was refused.
    const std::string& id() const { return id_; }
    bool is_lmtp() const { return config_.lmtp; }
    const std::string& helo() const { return helo_; }
    const std::string& tls() const { return tls_; }
    /// Who the client has proved to be; empty for nobody.
    const std::string& login() const { return login_; }
    /// Keyword of RFC 3848: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, LMTP…
    std::string protocol() const;
    bool is_closed() const { return state_ == State::closed; }
    /// Whether octets of a message are expected now.
    bool in_data() const { return state_ == State::data || state_ == State::chunk; }
    std::size_t error_count() const { return errors_; }

private:
    enum class State : char { command, data, chunk, swallow, waiting, closed };

    ServerEvent take_line(std::string_view& octets);
    ServerEvent command(std::string_view line);
    ServerEvent dispatch(const CommandLine& command);
    ServerEvent hello(const CommandLine& command);
    std::vector<std::string> extensions() const;
    ServerEvent mail(std::string_view argument);
    bool is_served(std::string_view path) const;
    ServerEvent recipient(std::string_view argument);
    ServerEvent data(std::string_view argument);
    ServerEvent start_tls(std::string_view argument);
    ServerEvent xclient(std::string_view argument, bool forward);
    ServerEvent auth(std::string_view argument);
    ServerEvent auth_response(std::string_view line);
    ServerEvent take_step(SaslExchange::Step step);
    std::size_t line_limit(std::string_view piece) const;
    ServerEvent bdat(std::string_view argument);
    ServerEvent take_chunk(std::string_view& octets);
    ServerEvent swallow_chunk(std::string_view& octets);
    void refuse_chunk(const ServerReply& reply);
    ServerReply no_recipients() const;
    ServerEvent quit(std::string_view argument);
    ServerEvent wait_for_answer(ServerEvent event);
    ServerEvent say(const ServerReply& reply);
    std::string worded(const ServerReply& reply) const;
    void begin_again();
    void greet_client();
    void note_refusal(const ServerReply& reply);
    ServerEvent idle(const ServerReply& reply);
    ServerEvent error(const ServerReply& reply);
    ServerEvent check_errors();
    ServerEvent close(const ServerReply& reply);
    void reset();

    const ServerConfig& config_;
    SpoolBudget& budget_;
    State state_ = State::command;
    ServerEvent asked_ = ServerEvent::none;
    std::string line_; // the start of a command whose end has not come
    bool line_too_long_ = false;
    std::optional<Chunk> chunk_; // of the BDAT in progress
    std::size_t chunk_octets_ = 0;
    bool chunked_ = false;      // the message comes in chunks
    bool more_chunks_ = false;  // the message was refused before its last chunk; the rest is no error of the client
    std::string chunk_refusal_; // replies that follow a refused chunk
    std::string replies_;
    std::vector<ServerRefusal> refusals_;
    std::string id_;
    std::string verb_; // of the command in progress
    std::string path_; // its path, if it has one
    std::string helo_;
    bool extended_ = false;
    bool greeted_ = false; // HELO was accepted
    std::string tls_;
    std::optional<SaslExchange> sasl_; // the AUTH in progress
    std::string login_;
    bool may_relay_ = false;
    bool may_xclient_ = false;
    XclientAttributes stands_for_;
    XclientAttributes forwarded_;
    bool has_sender_ = false;
    bool refused_recipient_ = false;
    ServerEnvelope envelope_;
    DataReader data_;
    std::size_t errors_ = 0;
    std::size_t idle_ = 0;
    std::size_t messages_ = 0;
};

} // namespace mgw::smtp
