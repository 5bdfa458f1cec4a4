#pragma once

#include "lib/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mgw::cli
{

/// What an operand is found to be (mgw(7), OPERANDS).
enum class OperandKind : char {
    message, ///< a file with one message
    mbox,    ///< a file that begins with "From ", or with blank lines and then "From ", or that is empty
    maildir, ///< a folder with cur or new in it
    mh,      ///< a folder with .mh_sequences, or with files of which all names are numbers
    folder,  ///< any other folder: its files in order of their names, messages or mboxes
};

/// Looks at an operand. Files that are no regular ones (pipes) are messages: looking would take octets away.
/// Status::data for what cannot be read.
Result<OperandKind> operand_kind(const std::string& path);

/// One file to read.
struct Source {
    std::string path;         ///< empty for standard input
    bool one_message = false; ///< of a Maildir or MH folder: never an mbox, whatever it begins with
    bool may_vanish = false;  ///< of a Maildir: another program may have moved or removed it
    bool in_folder = false;   ///< one of many: that it cannot be read does not keep the others from it
    bool is_other = false;    ///< a FIFO, a socket, a device: nothing to read
};

/// The files behind operands, one after the other. Of a folder only the names are held, and only while it is its turn;
/// files are not looked at. Folders in folders, and files whose names begin with a dot, are not read; a symbolic link
/// counts as what it leads to.
class Operands {
public:
    explicit Operands(std::vector<std::string> operands);

    /// Status::data for a folder that cannot be read.
    Result<std::optional<Source>> next();
    /// How many sources next() gave.
    std::uint64_t count() const { return count_; }
    /// Hash of the names of all sources so far: the same only for the same files in the same order. What a Maildir's
    /// readers change, flags and the move from new to cur, does not count.
    const std::string& chain() const { return chain_; }
    /// How many there are in all, where that is known: no folder is still to come.
    std::optional<std::uint64_t> total() const;
    /// The Maildir's file at `path`, of the folder whose turn it is, under the name that it has now: moved from new to
    /// cur, or with other flags. Nothing if it was removed; Status::temp_fail if the folder changes too fast to tell.
    /// The folder is read again only where what was read last does not know: many files may have moved at once.
    Result<std::optional<std::string>> find_moved(const std::string& path);

private:
    struct Name {
        std::uint64_t begin : 40;
        std::uint64_t length : 16;
        std::uint64_t in_new : 1;
        std::uint64_t is_other : 1;
    };

    Result<void> list(const std::string& path);
    Result<void> list_maildir(const std::string& path);
    void join(const std::string& path);
    void add(const std::string& folder, std::string_view name, unsigned char type, bool in_new);
    std::string_view text(const Name& name) const;
    void link(std::string_view name);

    std::vector<std::string> operands_;
    std::size_t operand_ = 0;
    std::size_t after_last_folder_ = 0;
    std::string names_; ///< of the folder whose turn it is, one behind the other
    std::vector<Name> order_;
    std::size_t at_ = 0;
    OperandKind kind_ = OperandKind::message;
    std::string folder_;
    std::uint64_t count_ = 0;
    std::string chain_;
    std::unordered_map<std::string, std::string> moved_; ///< paths by unique name, as they were read again
    bool moved_is_whole_ = false;                        ///< what is not in it was removed
};

} // namespace mgw::cli
