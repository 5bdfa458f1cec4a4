#pragma once

#include "lib/core/result.hpp"
#include "lib/mail/edits.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// One step of a change: at `offset` of the octets before it, `removed` gave way to `inserted`.
struct Step {
    std::size_t offset = 0;
    std::string removed;
    std::string inserted;
    // what follows explains and is not needed to replay: see explain()
    std::string what;          ///< for people: "field Subject replaced"
    std::string field;         ///< name of the header field, where the step is one field
    std::size_t instance = 0;  ///< which of the fields of that name, from 1 at the bottom as DKIM counts
    std::string part;          ///< path of the part that was touched, "1.2"; empty in the message's header
    bool is_in_signed = false; ///< inside a signed part: its signature no longer holds
};

/// A change of a message that can be listed, undone and done again: all that differs, and what it holds for.
struct Change {
    std::size_t octets_before = 0;
    std::size_t octets_after = 0;
    std::string sha256_before; ///< 32 raw octets
    std::string sha256_after;
    std::vector<Step> steps; ///< from the beginning to the end; no two overlap

    bool empty() const { return steps.empty(); }
};

/// The change that `edits` make of `before`. Status::temp_fail when they overlap.
Result<Change> change_of(std::string_view before, const Edits& edits);

/// The same steps backwards: what was inserted is removed.
Change reversed(const Change& change);

/// Does `change` to `message`. Status::data when it is not the message that the change was made for, or not what it
/// says comes out; nothing is done by halves.
Result<std::string> replay(const Change& change, std::string_view message);

/// Both changes as one, where `second` was made of what came out of `first`; Status::data if it was not. Linear time.
Result<Change> joined(const Change& first, const Change& second);

/// Says of each step what it is, by the header fields and parts of the messages on both sides. `after` is what replay
/// makes of `before`.
void explain(Change& change, std::string_view before, std::string_view after, const Limits& limits = {});

/// The splices of a change, for edits that go on from it.
Edits edits_of(const Change& change);

} // namespace mgw::mail
