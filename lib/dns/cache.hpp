#pragma once

#include "lib/dns/resolver.hpp"

#include <chrono>
#include <string>
#include <unordered_map>

namespace mgw::dns
{

/// Answers of the network for as long as they are good: their TTL, at least 5 seconds (one message's stages agree), at
/// most an hour; failures for 5 seconds, so that a dead server costs one wait and not one for each question.
class Cache {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// The answer while it is good, or nothing. `key` names question and type.
    const Answer* find(const std::string& key, Time now);
    void store(const std::string& key, const Answer& answer, Time now);
    std::size_t size() const { return entries_.size(); }

    static std::string key(std::string_view name, Type type);

private:
    struct Entry {
        Answer answer;
        Time until;
    };
    std::unordered_map<std::string, Entry> entries_;
};

} // namespace mgw::dns
