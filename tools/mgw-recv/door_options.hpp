#pragma once

#include "lib/cli/tool.hpp"
#include "lib/core/fd.hpp"
#include "lib/smtp/client_destination.hpp"
#include "lib/smtp/door_process.hpp"
#include "lib/smtp/lane_supervisor.hpp"
#include "lib/smtp/server_front.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mgw::recv
{

/// What is checked at connect, HELO, AUTH, MAIL and RCPT, and the command `state`.
struct DoorOptions {
    std::vector<std::string> allow; ///< files
    std::vector<std::string> deny;  ///< files
    std::vector<std::string> dnsbl;
    std::string dnsbl_file;
    unsigned dnsbl_weight = 0;
    unsigned early_wait = 0;
    std::vector<std::string> helo_checks;
    std::string reverse_name = "none";
    std::vector<std::string> rates;
    std::string greylist; ///< a duration; empty: none
    std::string greylist_key = "domain";
    std::string recipients;
    std::string callout;
    std::string class_map;
    unsigned tarpit = 0;
    std::vector<std::string> dry_run;
    std::string on_error = "pass";
    unsigned timeout = 10;
    unsigned threads = 16;
    std::string state;
    std::string state_password_file;
    std::string dns_zone;
    std::string dns_record;
    std::string dns_server;
    unsigned dns_timeout_ms = 3000;
    bool is_state_command = false;
    std::string state_action;
    std::vector<std::string> state_keys;
};

void declare_door(cli::Tool& tool, DoorOptions& options);

/// The door of a server: made before the server's processes start, used in each of them.
class DoorSetup {
public:
    /// Reads the options; nothing where none of them asks for a door. Status::usage and Status::config.
    static Result<std::optional<DoorSetup>> make(cli::Tool& tool, const DoorOptions& options,
                                                 const std::string& hostname, const std::vector<std::string>& domains);

    /// Tests lists and state; with --check the DNS lists, too.
    Result<void> check(const cli::Tool& tool) const;
    /// Joins the two processes. `close_all` is called in the door's process first: it closes what is not the door's.
    Result<void> connect(cli::Tool& tool, smtp::FrontOptions& front, smtp::SupervisorOptions& supervisor,
                         std::function<void()> close_all);

private:
    smtp::DoorProcessOptions process_;
    std::chrono::milliseconds deadline_{};
    bool defers_ = false;
    std::optional<smtp::Destination> callout_;
    FdPair link_; ///< front, door
};

/// mgw-recv state list|forget
Result<Status> run_state(cli::Tool& tool, const DoorOptions& options);

} // namespace mgw::recv
