#pragma once

#include "tools/mgw-send/options.hpp"

#include "lib/smtp/client_tls_plan.hpp"

#include <memory>

namespace mgw::send
{

/// What the options say about TLS, with the state that policies of MTA-STS are kept in.
class TlsPolicies {
public:
    /// Reads the policy file and the authorities, opens the state: before confinement. Status::config, Status::usage.
    static Result<TlsPolicies> open(cli::Tool& tool, const Options& options);

    /// Borrows from this object.
    smtp::TlsPlan plan() const;
    /// The folder in which the state must be able to write; empty for none.
    const std::string& state_folder() const { return state_folder_; }

private:
    smtp::TlsPlan plan_;
    std::string state_folder_;
    std::unique_ptr<state::Store> store_;
    std::unique_ptr<smtp::StsFinder> sts_;
};

} // namespace mgw::send
