#pragma once

#include "lib/core/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// Who we are to a server that asks (RFC 4954).
struct Login {
    std::string name; ///< UTF-8
    std::string password;
    std::string place; ///< where it stands: "FILE:LINE"
};

/// The client's side of one SASL mechanism (RFC 4422): challenges in, responses out, both without base64.
class SaslClient {
public:
    virtual ~SaslClient() = default;
    virtual std::string_view mechanism() const = 0;
    /// The initial response; nothing for a mechanism that waits for the server.
    virtual std::optional<std::string> begin() = 0;
    /// Status::temp_fail for a challenge that does not belong to the mechanism, or that proves the server a fraud.
    virtual Result<std::string> answer(std::string_view challenge) = 0;
    /// True if the server may say now that all is well.
    virtual bool may_succeed() const = 0;
};

/// The best mechanism of those that a server lists after AUTH: SCRAM-SHA-256 (RFC 7677; without channel binding),
/// PLAIN (RFC 4616), LOGIN; nothing if it has none of them. `nonce` is random, printable, without comma.
std::unique_ptr<SaslClient> choose_mechanism(std::string_view listed, const Login& login, const std::string& nonce);

} // namespace mgw::smtp
