#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::route
{

/// The Sender Rewriting Scheme: the sender of forwarded mail as an address of the forwarder's own, so that SPF holds
/// and bounces find the way back. SRS0=HASH=DAY=DOMAIN=USER, and SRS1=HASH=DOMAIN==… for what is rewritten already. The
/// hash is the first four characters of HMAC-SHA1 in base 64, the day two base 32 digits: what postsrsd and libsrs2
/// write and read.
class Srs {
public:
    /// `secrets`: the first one signs, all verify. `domain` is the forwarder's.
    Srs(std::vector<std::string> secrets, std::string domain);

    const std::string& domain() const { return domain_; }

    /// The sender to use for a forwarded message. Status::data for a sender without domain.
    Result<std::string> forward(std::string_view sender, Time now) const;

    /// Whether a recipient is one of our SRS addresses, by form and domain.
    bool is_ours(std::string_view recipient) const;
    /// The address that a bounce to `recipient` goes to. Status::data where the hash is wrong, the address is older
    /// than three weeks, or its form is.
    Result<std::string> reverse(std::string_view recipient, Time now) const;

private:
    bool verify(std::string_view hash, std::string_view text) const;

    std::vector<std::string> secrets_;
    std::string domain_;
};

/// Reads a file of secrets, one a line, the first one signs. Status::config if it cannot be read, is readable by
/// others, or holds none.
Result<std::vector<std::string>> read_srs_secrets(const std::string& path);

} // namespace mgw::route
