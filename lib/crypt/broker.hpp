#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/crypt/openpgp.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::crypt
{

/// GnuPG for a process that may start no programs: another process, forked before the confinement, runs gpg for it. It
/// parses no mail, only the requests of this class; it ends with this object and with the process that made it. Not
/// shared between threads or over a fork.
class Broker {
public:
    /// Forks. `largest_octets` is the largest message: a request may carry twice that (LF becomes CRLF), an answer four
    /// times.
    static Result<Broker> start(const OpenPgp& pgp, std::size_t largest_octets);

    /// As OpenPgp's of these names. Status::temp_fail as well when the other process has died.
    Result<std::string> encrypt(std::string_view octets, const std::vector<std::string>& fingerprints, bool hide);
    Result<Decrypted> decrypt(std::string_view ciphertext, std::size_t limit_octets);

private:
    Broker(Fd socket, std::size_t largest_octets) : socket_(std::move(socket)), largest_octets_(largest_octets) {}
    Result<std::string> ask(std::string_view request);

    Fd socket_;
    std::size_t largest_octets_ = 0;
};

} // namespace mgw::crypt
