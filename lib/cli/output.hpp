#pragma once

#include "lib/cli/stream.hpp"

#include <string>

namespace mgw::cli
{

/// Makes the octets of what goes out, item by item, in order: messages with or without a block and its tag, mboxrd, or
/// frames. An mboxrd whose messages did not change comes out as it came in. What is no mboxrd becomes one: every line
/// of '>'s and "From " in a message gets a '>', and between two messages stands an empty line.
class Output {
public:
    /// `whole_ends`: the last message gets its line end and the empty line as well, because something may follow it:
    /// another shard's output, or the rest after an interruption.
    Output(Kind kind, BlockMode block, std::string key, bool whole_ends = false)
        : kind_(kind), block_(block), key_(std::move(key)), whole_ends_(whole_ends)
    {}
    std::string octets(const Item& item) { return octets(item, block_); }
    std::string octets(const Item& item, BlockMode block);
    Kind kind() const { return kind_; }

private:
    std::string mbox(const Item& item, bool keep);

    Kind kind_;
    BlockMode block_;
    std::string key_;
    bool whole_ends_;
    std::string missing_; ///< what the message before lacks of its line end and the empty line
};

} // namespace mgw::cli
