#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/deliver_final.hpp"

#include <string>
#include <vector>

namespace mgw::smtp
{

/// Delivers into Maildirs (https://cr.yp.to/proto/maildir.html). Usable from several threads.
class Maildir {
public:
    /// `allowed` are the folders below which Maildirs may be, absolute paths; each may itself be one.
    Maildir(std::vector<std::string> allowed, std::string host) : allowed_(std::move(allowed)), host_(std::move(host))
    {}

    /// Makes the allowed folders that are missing. Status::config when one cannot be made.
    Result<void> prepare() const;
    const std::vector<std::string>& allowed() const { return allowed_; }
    bool is_allowed(const std::string& folder) const;

    /// Writes the message to tmp/, flushes it to disk, moves it into new/, flushes that folder: 250 means that it is
    /// safe. The Maildir is made when it is missing. A full disk or quota is a 4xx, as is every trouble of this
    /// machine.
    Outcome deliver(const std::string& folder, const FinalMail& mail) const;

private:
    std::vector<std::string> allowed_;
    std::string host_;
};

} // namespace mgw::smtp
