#include "lib/scan/scanner.hpp"

#include "lib/content/archive.hpp"
#include "lib/content/type.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/attached.hpp"
#include "lib/mail/readings.hpp"
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
          unpack_budget_(std::max<std::size_t>(
              std::max<std::size_t>(message.octets().size(), 64U << 10) * limits.decoded_factor, 16U << 20)),
          inside_(limits, message.octets().size()), mail_parser_(!has(parts_.oddities(), mail::Oddity::too_many_parts))
    {}

    Report run()
    {
        report_.parts = parts_.all().size();
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
        // the names of a part may stand where its header was not read
        if (engine_ != nullptr && std::ranges::any_of(parts_.all(), [](const mail::Part& part) {
                return part.parent >= 0 && !part.container->is_message &&
                       has(part.oddities, mail::Oddity::header_too_large);
            }))
            conclude({Outcome::unscanned, {}, "limit:header"});
        const auto summary = mail::for_each_content(message_, parts_, limits_,
                                                    [this](const mail::Content& content) { look_at(content); });
        report_.more_contents = summary.more;
        add_flags(mail::oddity_names(summary.oddities));
        report_.ambiguity = mail::oddity_names(mail::ambiguities(summary.oddities));
        report_.hides_files |= summary.is_cut || has(summary.oddities, mail::Oddity::conflicting_names);
        if (summary.is_cut)
            cut_readings();
        report_.flags.assign(flags_.begin(), flags_.end());
        return std::move(report_);
    }

private:
    void look_at(const mail::Content& content)
    {
        for (const auto& name : content.file_names)
            report_.hides_files |= strict_names_.insert(name).second && content.part == nullptr;
        report_.hides_files |= content.part == nullptr && content.way != "not encoded";
        if (content.is_cut) {
            flags_.insert("decoded-too-large");
            if (engine_ != nullptr)
                conclude({Outcome::unscanned, {}, "limit:decoded-size"});
        } else if (!content.is_complete) {
            flags_.insert("damaged-encoding");
        }
        const mail::Part* part = content.part;
        reading_ = content.reading == mail::Reading::strict ? "" : mail::reading_name(content.reading);
        // the message itself, not encoded, was scanned already
        if (engine_ != nullptr && !(part != nullptr && part->parent < 0 && part->encoding == mail::Encoding::identity))
            scan(content.describe(), content.octets, false);
        if (engine_ != nullptr && mail::is_tnef(content.octets))
            scan_wrapped(content);
        if (options_.attachments)
            describe(content);
        reading_ = "";
    }

    /// What Outlook wraps into winmail.dat.
    void scan_wrapped(const mail::Content& content)
    {
        const auto tnef = mail::read_tnef(content.octets, {limits_.archive_entries, limits_.archive_depth});
        for (const auto& file : tnef.attachments)
            scan(content.describe() + " attachment " + (file.names.empty() ? "" : file.names.front()), file.octets,
                 false);
        if (tnef.cut)
            conclude({Outcome::unscanned, {}, "limit:files"});
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
            report_.virus_reading = reading_;
            report_.why.clear();
        } else if (answer.outcome == Outcome::unscanned && report_.outcome == Outcome::clean) {
            report_.outcome = Outcome::unscanned;
            report_.why = answer.why;
        }
    }

    void cut_readings()
    {
        flags_.insert("readings-cut");
        if (engine_ != nullptr)
            conclude({Outcome::unscanned, {}, "limit:readings"});
    }

    /// Whether a policy wants to know of a part: text without a name is none.
    static bool is_plain(const mail::Part& part)
    {
        return part.type.major() == "text" && part.file_names.empty() && part.disposition != "attachment";
    }

    /// Whether another reading shows something new: a name, or a type by its own signs.
    bool is_news(const mail::Content& content, std::string_view actual)
    {
        if (report_.attachments.size() >= most_attachments)
            return false;
        bool is_new = !actual.starts_with("text/") && actual != "application/octet-stream" &&
                      known_.insert(std::string(actual) + " of another reading").second;
        for (const auto& name : content.file_names)
            is_new |= known_.insert("name " + name).second;
        return is_new;
    }

    void describe(const mail::Content& from)
    {
        const std::string_view content = from.octets;
        if (from.part != nullptr && is_plain(*from.part))
            return;
        Attachment attachment;
        attachment.actual = content::true_type(content);
        if (from.part == nullptr && !is_news(from, attachment.actual))
            return;
        for (const auto& name : from.file_names)
            known_.insert("name " + name);
        attachment.path =
            from.part != nullptr ? from.part->path() : std::to_string(from.begin) + "-" + std::to_string(from.end);
        attachment.reading = reading_;
        for (const auto& name : from.file_names) {
            if (!name.empty())
                attachment.names.push_back(name);
            note_name(name);
        }
        attachment.declared = from.type;
        attachment.octets = content.size();
        if (content::has_macros(content, attachment.actual))
            flags_.insert("macros");
        if (content::contradicts(attachment.declared, attachment.actual))
            flags_.insert("type-mismatch");
        list_members(content, attachment);
        list_attached_message(from, attachment);
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
            flag(member.type.ends_with(".macroenabled.12"), "macros");
            if (!add_member(member.name, std::string(member.type), attachment))
                return;
        }
    }

    bool add_member(const std::string& name, std::string type, Attachment& attachment)
    {
        if (named_members_ >= options_.members) {
            flags_.insert("archive-entries");
            return false;
        }
        ++named_members_;
        note_name(name);
        attachment.members.push_back({name, std::move(type)});
        return true;
    }

    /// A message that is attached as a file is opened like one that is declared: its attachments are members.
    void list_attached_message(const mail::Content& from, Attachment& attachment)
    {
        const bool is_read = from.part != nullptr && from.part->is_message; // its parts are in the list
        std::set<std::string> names;
        if (mail::is_tnef(from.octets)) // its own files are members already
            names = inside_.of_tnef(from.octets);
        else if (!is_read && mail::is_message_name(from.file_names))
            names = inside_.of_message(from.octets);
        for (const auto& member : attachment.members)
            names.erase(member.name);
        if (inside_.is_cut())
            cut_readings();
        for (const auto& name : names)
            if (!add_member(name, {}, attachment))
                return;
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

    /// Of readings other than the strict one, whose parts have a limit already.
    static constexpr std::size_t most_attachments = 2000;

    const mail::Message& message_;
    const Engine* engine_;
    const ScanOptions& options_;
    const Limits& limits_;
    mail::Parts parts_;
    Steady::time_point deadline_;
    std::size_t unpack_budget_;
    mail::AttachedNames inside_;
    /// libclamav's own reader of mail takes a file system call for each part: not for millions of them.
    bool mail_parser_;
    std::size_t named_members_ = 0;
    SeenFiles seen_;
    std::set<std::string> strict_names_;
    std::set<std::string> known_; ///< names and types that are described already
    std::string_view reading_;    ///< of what is being looked at; empty for the strict one
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
