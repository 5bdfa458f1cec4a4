#pragma once

#include "lib/archive/layout.hpp"

#include <functional>
#include <memory>

namespace mgw::archive
{

/// One message in the index.
struct Entry {
    std::string id;
    std::string pack; ///< packs/2026/11/000001.pack
    std::uint64_t offset = 0;
    std::uint64_t time_us = 0;
    std::uint64_t octets = 0;
    std::string mgw_id;
    std::string sender;     ///< of the envelope
    std::string recipients; ///< of the envelope, with ", " between
    std::string header_from;
    std::string header_to;
    std::string subject;
    std::string message_id;
};

struct Query {
    std::uint64_t since_us = 0;
    std::uint64_t until_us = INT64_MAX;
    std::string from;    ///< text in the envelope sender or From
    std::string to;      ///< text in the envelope recipients, To or Cc
    std::string subject; ///< text
    std::string id;      ///< archive id, Mgw-Id or Message-ID
};

/// A list of all messages in SQLite (index/archive.sqlite), made from the packs: it may be deleted at any time. Where
/// it cannot be written it is made in memory.
class Index {
public:
    /// Opens it and takes in what the packs have got since.
    static Result<Index> open(const std::string& archive);
    ~Index();
    Index(Index&&) noexcept;
    Index& operator=(Index&&) noexcept;

    /// Calls `found` for each message in the order of arrival.
    Result<void> select(const Query& query, const std::function<void(const Entry&)>& found);

private:
    struct Impl;
    explicit Index(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::archive
