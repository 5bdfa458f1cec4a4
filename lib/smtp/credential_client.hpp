#pragma once

#include "lib/core/fd.hpp"
#include "lib/smtp/sasl.hpp"

#include <functional>
#include <memory>

namespace boost::asio
{
class io_context;
}

namespace mgw::smtp
{

/// Asks a keeper of passwords (start_keeper), on the front's event loop.
class CredentialClient {
public:
    using Done = std::function<void(CredentialAnswer)>;

    explicit CredentialClient(boost::asio::io_context& io);
    ~CredentialClient();
    CredentialClient(const CredentialClient&) = delete;
    CredentialClient& operator=(const CredentialClient&) = delete;

    /// From now on this keeper is asked; what was asked of the one before is not known.
    void use(Fd keeper);
    /// `done` is called once, later or at once: with `known` false when there is no keeper, too many questions wait, or
    /// the answer did not come in time.
    void ask(const CredentialQuestion& question, Done done);
    /// To be called a few times a second: gives up on what is overdue.
    void tick();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace mgw::smtp
