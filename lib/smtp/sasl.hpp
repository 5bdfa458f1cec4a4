#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// What is asked of those who know the passwords. Each question stands for itself, so whoever answers keeps nothing.
struct CredentialQuestion {
    enum class Kind : char {
        salt = 's',     ///< how the password of `login` was hashed
        password = 'p', ///< whether `secret` is the password of `login`
        proof = 'f',    ///< whether `secret` proves it for `text` (SCRAM's AuthMessage, RFC 5802 section 3)
    };
    Kind kind = Kind::password;
    std::string login;
    std::string secret;
    std::string text;
};

struct CredentialAnswer {
    bool known = true; ///< false: nobody could say (454)
    bool good = false;
    std::uint32_t iterations = 0; ///< of salt
    std::string octets;           ///< the salt, or the server's signature
};

/// Base64 of RFC 4648 section 4 without anything else; nothing for other text.
std::optional<std::string> strict_base64(std::string_view text);

/// The server's side of one authentication (RFC 4422): PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 (RFC 7677) without
/// channel binding. Without sockets and passwords: responses in, challenges and questions out. Passwords are compared
/// octet for octet, in UTF-8 as the client sends them.
class SaslExchange {
public:
    enum class Step : char {
        challenge, ///< send challenge(), then respond()
        question,  ///< ask question(), then answer()
        success,   ///< login() is in
        wrong,     ///< login() is not
        malformed, ///< no answer to what was asked
        unknown,   ///< the question could not be answered
    };

    /// Nothing for a mechanism that is not offered. `nonce`: printable, no comma, never used before.
    static std::optional<SaslExchange> begin(std::string_view mechanism, std::string nonce);
    static constexpr std::string_view mechanisms = "PLAIN LOGIN SCRAM-SHA-256";

    /// The step before the client said anything.
    Step start();
    /// An answer to challenge(), or an initial response; decoded.
    Step respond(std::string_view response);
    Step answer(const CredentialAnswer& answer);

    const std::string& challenge() const { return challenge_; }
    const CredentialQuestion& question() const { return question_; }
    const std::string& login() const { return question_.login; }

private:
    enum class State : char { plain, login_name, login_password, scram_first, scram_final, scram_end };

    SaslExchange(State state, std::string nonce) : state_(state), nonce_(std::move(nonce)) {}
    Step plain(std::string_view response);
    Step scram_first(std::string_view response);
    Step scram_final(std::string_view response);
    Step ask(CredentialQuestion::Kind kind);

    State state_;
    std::string nonce_; // the server's; then both
    std::string gs2_;   // header of the client's first message
    std::string first_; // both first messages, with a comma between
    std::string challenge_;
    CredentialQuestion question_;
};

} // namespace mgw::smtp
