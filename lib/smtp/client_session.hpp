#pragma once

#include "lib/smtp/client_data.hpp"
#include "lib/smtp/client_outcome.hpp"
#include "lib/smtp/client_policy.hpp"
#include "lib/smtp/client_reply.hpp"
#include "lib/smtp/sasl_client.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::smtp
{

struct MailRecipient {
    std::string path; ///< without angle brackets
    std::string
        parameters; ///< ESMTP parameters of RCPT as they came: NOTIFY and ORCPT are passed on where DSN is offered
};

/// One transaction. The message is borrowed until the session is idle again or has failed.
struct Mail {
    std::string sender;
    std::string parameters; ///< of MAIL: RET and ENVID are passed on where DSN is offered
    std::vector<MailRecipient> recipients;
    std::string_view message;
    DataSurvey survey;
};

struct SessionOptions {
    std::string helo;
    bool lmtp = false;
    TlsLevel tls = TlsLevel::may;
    std::chrono::seconds reply_timeout{
        300};                        ///< for one whole reply; twice that after the final dot (RFC 5321 section 4.5.3.2)
    bool implicit_tls = false;       ///< TLS comes before the greeting (RFC 8314)
    bool known_server = false;       ///< TLS proves that the server is the one that a secure source names (RFC 8689)
    std::optional<Login> login = {}; ///< given to a known server only
    std::string nonce = {};          ///< for SCRAM: random, printable, without comma
};

/// The client's side of SMTP (RFC 5321) and LMTP (RFC 2033) without a socket: octets in, octets and wishes out.
///
///     start: want() is `read`, or `start_tls` with implicit TLS. Whenever output() is not empty, send it; then do what
///     want() says: read: receive octets, or lost();  start_tls: hand-shake, then tls_started();  commit: the message
///     is sent but for its final dot: commit() or drop the connection;  idle: begin() or quit();  closed: close it.
class Session {
public:
    enum class Want : char { read, start_tls, commit, idle, closed };

    explicit Session(SessionOptions options)
        : options_(std::move(options)), want_(options_.implicit_tls ? Want::start_tls : Want::read)
    {}

    Want want() const { return want_; }
    /// The next octets to send, empty when there is nothing more for now.
    std::string output();
    void receive(std::string_view octets);
    /// After the hand-shake: all that the server said before is forgotten (RFC 3207 section 4.2).
    void tls_started();
    /// The connection ended or a time-out passed. After the final dot the recipients get a 4xx that says the message
    /// may have arrived; before it their outcomes stay open.
    void lost(std::string_view why);

    /// True if the server takes 7-bit messages only and the mail's is not one (RFC 6152).
    bool needs_seven_bit(const Mail& mail) const { return mail.survey.eight_bit && !offers("8BITMIME"); }

    /// Starts a transaction; only when idle. `mail` must live until want() is idle or closed.
    void begin(const Mail& mail);
    void commit();
    void quit();

    /// One for each recipient of the mail that was begun last.
    const std::vector<Outcome>& outcomes() const { return outcomes_; }
    /// Why the connection is of no more use; code 0 while it is.
    const Outcome& failure() const { return failure_; }
    /// Grows with every reply: a time-out counts for one whole reply, so that a server cannot drip octets for ever.
    std::size_t replies() const { return replies_; }
    std::chrono::seconds timeout() const;
    bool secure() const { return secure_; }
    /// What the server says it takes (LIMITS, RFC 9422): recipients of a transaction, transactions of a connection.
    std::size_t most_recipients() const { return limit("RCPTMAX"); }
    std::size_t most_mails() const { return limit("MAILMAX"); }
    /// The name that the server gave itself in its reply to EHLO.
    const std::string& server_name() const { return server_name_; }

private:
    enum class Expect : char { greeting, hello, helo, starttls, auth, rset, mail, rcpt, data, dot, quit };
    struct Step {
        Expect expect;
        std::string command;
        std::size_t index = 0;
    };

    void handle(const Reply& reply);
    void handle_hello(const Reply& reply);
    void hello_is_over();
    void begin_auth();
    void handle_auth(const Reply& reply);
    void handle_rcpt(const Reply& reply, std::size_t index);
    void handle_data(const Reply& reply);
    void start_chunk();
    std::size_t limit(std::string_view name) const;
    void handle_dot(const Reply& reply, std::size_t index);
    void ask(Step step) { to_send_.push_back(std::move(step)); }
    void send_steps();
    void end_transaction(bool clean);
    void decide_all(const Outcome& outcome);
    void fail_session(Outcome why);
    bool offers(std::string_view keyword) const { return extension(keyword).has_value(); }
    std::optional<std::string> extension(std::string_view keyword) const;
    bool refuse_locally(const Mail& mail);
    std::string wire_path(const std::string& path) const;
    std::string mail_command(const Mail& mail) const;
    std::string rcpt_command(const MailRecipient& recipient) const;
    static Outcome outcome_of(const Reply& reply, std::string_view stage);
    std::string_view hello_word() const { return options_.lmtp ? "LHLO" : "EHLO"; }

    SessionOptions options_;
    ReplyParser parser_;
    Want want_;
    std::deque<Step> to_send_;
    std::deque<Step> expected_{Step{Expect::greeting, {}}};
    std::string out_;
    std::vector<std::pair<std::string, std::string>> extensions_; // upper case keyword, its arguments
    std::string server_name_;
    std::unique_ptr<SaslClient> sasl_;
    bool authenticated_ = false;
    std::optional<DataEncoder> body_;
    std::string held_; ///< the last line end of a chunk: it is sent by commit()
    std::vector<Outcome> outcomes_;
    std::vector<std::size_t> accepted_;
    const Mail* mail_ = nullptr;
    Outcome failure_;
    std::size_t replies_ = 0;
    bool secure_ = false;
    bool needs_reset_ = false;
    bool dot_sent_ = false;
    bool chunked_ = false; ///< the message goes by BDAT
};

/// True if a path can stand between angle brackets in a command: no control characters, and blanks and angle brackets
/// only inside a quoted local part.
bool is_safe_path(std::string_view path);

} // namespace mgw::smtp
