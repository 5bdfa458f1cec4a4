#pragma once

#include "lib/lists/dnsbl.hpp"
#include "lib/lists/iprev.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace mgw::smtp
{

/// What the door knows of one session, so that it asks once. A session asks one question at a time, so that only one
/// thread has it; the next one may have it then, because the memory's lock lies between.
struct DoorSession {
    std::optional<lists::IprevResult> iprev;
    std::optional<lists::DnsblResult> dnsbl;                ///< of the client's address
    std::string class_of_id;                                ///< the message that `recipient_class` is about
    std::optional<std::string> recipient_class;             ///< of its recipients so far
    std::optional<std::pair<std::string, std::string>> spf; ///< sender, the domain that it passes for
};

/// Sessions by their name; of too many the oldest are forgotten, and asked about again. For several threads.
class DoorMemory {
public:
    explicit DoorMemory(std::size_t most = 100'000) : most_(most) {}
    std::shared_ptr<DoorSession> find(const std::string& session);

private:
    std::mutex mutex_;
    std::size_t most_;
    std::unordered_map<std::string, std::shared_ptr<DoorSession>> sessions_;
    std::deque<std::string> order_;
};

} // namespace mgw::smtp
