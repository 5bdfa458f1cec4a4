#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/block.hpp"
#include "lib/mail/message.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::filter
{

/// A file inside a message, as far as it is known.
struct Attachment {
    std::string name;
    std::string type;      ///< as declared, "" for what stands in an archive
    std::string true_type; ///< as mgw-scan found it, "" if it did not say
};

/// What a policy can see of one message: computed when it is first asked for, kept for all recipients. Borrows the
/// octets and the block.
class View {
public:
    View(std::string_view octets, const mail::Block& block, const Limits& limits)
        : octets_(octets), block_(block), limits_(limits)
    {}

    std::size_t octets() const { return octets_.size(); }
    const mail::Message& message();
    const mail::Block& block() const { return block_; }
    /// Positions of all fields of that name, regardless of case.
    std::vector<std::size_t> fields(std::string_view name);
    /// The value of a field, unfolded, with encoded words decoded (RFC 5228 section 2.7.2).
    std::string_view value(std::size_t field);
    /// The mailboxes of a field.
    const std::vector<mail::Mailbox>& addresses(std::size_t field);
    /// Values that a tool measured under a key; `file` stands for `file.1`, `file.2.3` … as well.
    std::vector<std::string_view> results(const std::string& tool, std::string_view key);
    bool has_results(const std::string& tool);
    /// From mgw-scan's results where there are any, which know the insides of archives; else from the message's own
    /// parts.
    const std::vector<Attachment>& attachments();
    /// Whether limits kept this from seeing all attachments. Never where mgw-scan's results say it: they have flags.
    bool attachments_are_cut()
    {
        attachments();
        return attachments_cut_;
    }

private:
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    const Pairs& pairs(const std::string& tool);
    void attachments_of_scan(const Pairs& results);
    void attachments_of_parts();

    std::string_view octets_;
    const mail::Block& block_;
    const Limits& limits_;
    std::optional<mail::Message> message_;
    std::vector<std::optional<std::string_view>> values_;
    std::deque<std::string> decoded_; ///< what values_ points to where a value does not stand in the message as it is
    std::map<std::size_t, std::vector<mail::Mailbox>> addresses_;
    std::map<std::string, Pairs, std::less<>> results_;
    std::optional<std::vector<Attachment>> attachments_;
    bool attachments_cut_ = false;
};

} // namespace mgw::filter
