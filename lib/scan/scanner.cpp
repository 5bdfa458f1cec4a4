#include "lib/scan/scanner.hpp"

#include "lib/content/archive.hpp"
#include "lib/content/type.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/tnef.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

namespace mgw::scan
{

namespace
{

using Steady = std::chrono::steady_clock;

/// The files that the engine unpacked: their sizes at once, their hashes only where a part of the same size asks.
class SeenFiles {
public:
    void add(std::string_view octets)
    {
        if (octets.size() >= least_octets)
            hashes_.insert(sha256(octets));
    }
    bool has(std::string_view octets) const
    {
        return octets.size() >= least_octets && !hashes_.empty() && hashes_.contains(sha256(octets));
    }

private:
    /// Scanning less again costs no more than hashing it.
    static constexpr std::size_t least_octets = 4096;
    std::set<std::string> hashes_;
};

class Scan {
public:
    Scan(const mail::Message& message, const Engine* engine, const ScanOptions& options, const Limits& limits)
        : message_(message), engine_(engine), options_(options), limits_(limits), parts_(message, limits),
          deadline_(Steady::now() + options.time),
          decode_budget_(std::max<std::size_t>(message.octets().size(), 64U << 10) * limits.decoded_factor),
          unpack_budget_(std::max<std::size_t>(decode_budget_, 16U << 20)),
          mail_parser_(!has(parts_.oddities(), mail::Oddity::too_many_parts))
    {}

    Report run()
    {
        report_.parts = parts_.all().size();
        add_flags(mail::oddity_names(message_.oddities() | parts_.oddities()));
        if (engine_ == nullptr)
            conclude({Outcome::unscanned, {}, "no-database"});
        else if (message_.octets().size() > limits_.message_octets)
            record("message", message_.octets(), Steady::now(), {Outcome::unscanned, {}, "too-large"});
        else
            scan("message", message_.octets(), true);
        // what is over a limit was not looked at part by part: that is a result, not a clean message
        if (engine_ != nullptr && has(parts_.oddities(), mail::Oddity::too_many_parts))
            conclude({Outcome::unscanned, {}, "limit:parts"});
        if (engine_ != nullptr && has(parts_.oddities(), mail::Oddity::too_deep))
            conclude({Outcome::unscanned, {}, "limit:nesting"});
        for (const auto& part : parts_.all())
            if (!part.is_multipart)
                look_at(part);
        report_.flags.assign(flags_.begin(), flags_.end());
        return std::move(report_);
    }

private:
    void look_at(const mail::Part& part)
    {
        // a message inside the message: its own parts follow in the list
        if (part.is_message && part.encoding == mail::Encoding::identity && part.file_names.empty())
            return;
        bool complete = true;
        const auto content = mail::decode(part, decode_budget_, &complete);
        const bool cut = !complete && content.size() >= decode_budget_;
        decode_budget_ -= std::min(decode_budget_, content.size());
        if (cut) {
            flags_.insert("decoded-too-large");
            if (engine_ != nullptr)
                conclude({Outcome::unscanned, {}, "limit:decoded-size"});
        } else if (!complete) {
            flags_.insert("damaged-encoding");
        }
        // the message itself, not encoded, was scanned already
        if (engine_ != nullptr && !(part.parent < 0 && part.encoding == mail::Encoding::identity))
            scan("part " + part.path, content, false);
        if (engine_ != nullptr && mail::is_tnef(content))
            for (const auto& file :
                 mail::read_tnef(content, {limits_.archive_entries, limits_.archive_depth}).attachments)
                scan("part " + part.path + " attachment " + (file.names.empty() ? "" : file.names.front()), file.octets,
                     false);
        if (options_.attachments)
            describe(part, content);
    }

    void scan(std::string what, std::string_view octets, bool outermost)
    {
        const auto begin = Steady::now();
        if (!outermost && seen_.has(octets)) {
            record(std::move(what), octets, begin, {}, true);
            return;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - begin);
        const auto note = [this](std::string_view file) { seen_.add(file); };
        record(std::move(what), octets, begin,
               engine_->scan(octets, left, outermost ? Seen(note) : Seen(), mail_parser_));
    }

    void record(std::string what, std::string_view octets, Steady::time_point begin, Answer answer,
                bool seen_before = false)
    {
        conclude(answer);
        const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - begin);
        report_.scans.push_back({std::move(what), octets.size(), spent, seen_before, std::move(answer)});
    }

    void conclude(const Answer& answer)
    {
        if (answer.outcome == Outcome::infected && report_.outcome != Outcome::infected) {
            report_.outcome = Outcome::infected;
            report_.virus = answer.name;
            report_.why.clear();
        } else if (answer.outcome == Outcome::unscanned && report_.outcome == Outcome::clean) {
            report_.outcome = Outcome::unscanned;
            report_.why = answer.why;
        }
    }

    void describe(const mail::Part& part, std::string_view content)
    {
        const bool plain = part.type.major() == "text" && part.file_names.empty() && part.disposition != "attachment";
        if (plain)
            return;
        Attachment attachment;
        attachment.path = part.path;
        for (const auto& name : part.file_names) {
            if (!name.empty())
                attachment.names.push_back(name);
            note_name(name);
        }
        attachment.declared = part.type.value;
        attachment.actual = content::true_type(content);
        attachment.octets = content.size();
        if (content::has_macros(content, attachment.actual))
            flags_.insert("macros");
        if (content::contradicts(attachment.declared, attachment.actual))
            flags_.insert("type-mismatch");
        list_members(content, attachment);
        report_.attachments.push_back(std::move(attachment));
    }

    void list_members(std::string_view content, Attachment& attachment)
    {
        const content::ArchiveLimits limits{limits_.archive_entries, limits_.archive_depth, limits_.archive_ratio,
                                            unpack_budget_};
        const auto contents = content::list_members(content, attachment.actual, limits);
        const auto flag = [this](bool set, const char* name) {
            if (set)
                flags_.insert(name);
        };
        flag(contents.cut, "archive-entries");
        flag(contents.too_deep, "archive-depth");
        flag(contents.ratio_exceeded, "archive-ratio");
        flag(contents.encrypted, "archive-encrypted");
        flag(contents.names_differ, "archive-names-differ");
        flag(contents.damaged, "archive-damaged");
        flag(contents.opaque, "archive-unlisted");
        if (contents.encrypted && engine_ != nullptr)
            conclude({Outcome::unscanned, {}, "encrypted"});
        for (const auto& member : contents.members) {
            if (named_members_ >= options_.members) {
                flags_.insert("archive-entries");
                return;
            }
            ++named_members_;
            note_name(member.name);
            flag(member.type.ends_with(".macroenabled.12"), "macros");
            attachment.members.push_back({member.name, std::string(member.type)});
        }
    }

    void note_name(std::string_view name)
    {
        // U+202E turns "exe.fdp" around before people's eyes
        if (name.find("\xe2\x80\xae") != std::string_view::npos)
            flags_.insert("name-reversed");
    }

    void add_flags(const std::string& names)
    {
        for (const auto name : split(names, ','))
            if (!name.empty())
                flags_.insert(std::string(name));
    }

    const mail::Message& message_;
    const Engine* engine_;
    const ScanOptions& options_;
    const Limits& limits_;
    mail::Parts parts_;
    Steady::time_point deadline_;
    std::size_t decode_budget_;
    std::size_t unpack_budget_;
    /// libclamav's own reader of mail takes a file system call for each part: not for millions of them.
    bool mail_parser_;
    std::size_t named_members_ = 0;
    SeenFiles seen_;
    std::set<std::string> flags_;
    Report report_;
};

} // namespace

Report scan_message(const mail::Message& message, const Engine* engine, const ScanOptions& options,
                    const Limits& limits)
{
    return Scan(message, engine, options, limits).run();
}

} // namespace mgw::scan
