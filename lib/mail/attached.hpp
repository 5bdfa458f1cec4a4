#pragma once

#include "lib/core/limits.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// Whether one of the names is one under which mail programs keep a message as a file: "x.eml".
bool is_message_name(const std::vector<std::string>& file_names);

/// The names of files inside messages that are attached as files, and inside what Outlook wraps (TNEF), in one another
/// to any order up to Limits::archive_depth. One object serves one message: all that it opens has one budget.
class AttachedNames {
public:
    /// `octets` are those of the message that holds the files.
    AttachedNames(const Limits& limits, std::size_t octets);

    /// Every candidate of every file inside a message; UTF-8.
    std::set<std::string> of_message(std::string_view octets);
    /// The same of a TNEF stream.
    std::set<std::string> of_tnef(std::string_view octets);
    /// Whether a limit, at any time, kept something from being looked at.
    bool is_cut() const { return is_cut_; }

private:
    struct Pending {
        std::string octets;
        std::size_t depth;
        bool is_tnef;
    };

    std::set<std::string> run(std::string_view octets, bool is_tnef);
    void look_at(std::string_view octets, std::size_t depth, bool is_tnef);
    void look_at_tnef(std::string_view octets, std::size_t depth);
    void look_at_message(std::string_view octets, std::size_t depth);
    void keep(std::string_view octets, std::size_t depth, bool is_tnef);

    const Limits& limits_;
    std::size_t budget_;
    bool is_cut_ = false;
    std::set<std::string> names_;
    std::vector<Pending> pending_;
};

} // namespace mgw::mail
