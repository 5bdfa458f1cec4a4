#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/sasl.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mgw::smtp
{

constexpr std::uint32_t default_iterations = 15000; ///< RFC 7677 asks for 4096 at least; about 10 ms here

/// One line of a password file (RFC 5803 has the value): `login:SCRAM-SHA-256$iterations:salt$stored:server`, the
/// last three in base64. It proves a password and does not tell it.
std::string credential_line(std::string_view login, std::string_view password, std::string_view salt,
                            std::uint32_t iterations = default_iterations);

/// The hashed passwords of a file.
class Credentials {
public:
    /// Lines as above; empty ones and those that begin with '#' do not count. Status::config with name and line for
    /// whatever is no such line, for a login that stands twice, for fewer than 4096 iterations or more than a million.
    static Result<Credentials> parse(std::string_view text, std::string_view name);

    /// Answers a question. A login that is not there takes as long, and has a salt that is always the same, made of
    /// `secret`: who asks cannot tell.
    CredentialAnswer answer(const CredentialQuestion& question) const;

    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::uint32_t iterations = 0;
        std::string salt;
        std::string stored_key;
        std::string server_key;
    };
    Entry entry(const std::string& login, bool& known) const;

    std::unordered_map<std::string, Entry> entries_;
    std::uint32_t usual_iterations_ = default_iterations;
    std::string secret_; // of what is in the file: the same until that changes
};

} // namespace mgw::smtp
