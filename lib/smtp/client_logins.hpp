#pragma once

#include "lib/core/result.hpp"
#include "lib/smtp/sasl_client.hpp"

#include <map>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// Logins by the destination they are for: `--auth-file`.
class Logins {
public:
    /// Lines "HOST LOGIN PASSWORD", the password to the end of the line; '#' at a line's beginning makes it a comment.
    /// HOST is what a destination names, without brackets and port. Status::config with file and line.
    static Result<Logins> parse(std::string_view text, const std::string& name);
    /// Status::config for a file that others than its owner may read.
    static Result<Logins> read(const std::string& path);

    /// `host` in lower case; nullptr if there is none.
    const Login* find(const std::string& host) const;

private:
    std::map<std::string, Login> logins_;
};

} // namespace mgw::smtp
