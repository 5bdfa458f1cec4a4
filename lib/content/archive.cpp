#include "lib/content/archive.hpp"

#include "lib/content/type.hpp"
#include "lib/content/zip.hpp"
#include "lib/mail/tnef.hpp"

#include <algorithm>
#include <memory>

namespace mgw::content
{

namespace
{

/// Enough for every sign in true_type() but that of an ISO image.
constexpr std::size_t head_octets = 4096;
/// Below this size a high ratio is no danger: a few kilobytes of blanks pack 300 to 1.
constexpr std::uint64_t harmless_octets = 1U << 20;

/// An archive that waits to be looked into.
struct Pending {
    std::shared_ptr<const std::string> owner; ///< keeps `octets` alive; empty for the outermost
    std::string_view octets;
    std::string_view type;
    std::string prefix; ///< "outer.zip/"
    std::size_t depth;
};

class Walk {
public:
    explicit Walk(const ArchiveLimits& limits) : limits_(limits), budget_(limits.unpacked_octets) {}

    Contents run(std::string_view octets, std::string_view type)
    {
        pending_.push_back({nullptr, octets, type, "", 1});
        while (!pending_.empty()) {
            const Pending next = std::move(pending_.back());
            pending_.pop_back();
            if (next.type == "application/gzip")
                look_into_gzip(next);
            else if (next.type == "application/vnd.ms-tnef")
                look_into_tnef(next);
            else
                look_into_zip(next);
        }
        return std::move(contents_);
    }

private:
    bool full()
    {
        contents_.cut = contents_.cut || contents_.members.size() >= limits_.entries;
        return contents_.members.size() >= limits_.entries;
    }

    void look_into_zip(const Pending& archive)
    {
        const auto listing = list_zip(archive.octets, {.entries = limits_.entries});
        contents_.cut = contents_.cut || listing.cut;
        contents_.damaged = contents_.damaged || listing.damaged;
        contents_.names_differ = contents_.names_differ || listing.names_differ;
        std::uint64_t declared = 0;
        for (const auto& entry : listing.entries) {
            if (full())
                return;
            declared += std::min<std::uint64_t>(entry.octets, 1ULL << 40);
            look_at_entry(archive, entry);
        }
        if (declared > harmless_octets && declared / limits_.ratio > archive.octets.size())
            contents_.ratio_exceeded = true;
    }

    void look_at_entry(const Pending& archive, const ZipEntry& entry)
    {
        contents_.encrypted = contents_.encrypted || entry.encrypted;
        if (entry.name.ends_with('/') && entry.octets == 0)
            return; // a folder
        Member member{archive.prefix + entry.name, {}, entry.octets, entry.encrypted};
        const auto head = unzip(archive.octets, entry, std::min(head_octets, budget_));
        if (head) {
            budget_ -= std::min(budget_, head->size());
            member.type = true_type(*head);
        }
        note_kind(member.type);
        if (is_listed_archive(member.type) || is_zip_document(member.type))
            descend(archive, entry, member);
        contents_.members.push_back(std::move(member));
    }

    /// A document in zip clothes is told from a plain zip file only by names that may stand behind the first octets.
    static bool is_zip_document(std::string_view type)
    {
        return type.starts_with("application/vnd.openxmlformats") || type.ends_with(".macroenabled.12");
    }

    void descend(const Pending& archive, const ZipEntry& entry, Member& member)
    {
        if (archive.depth >= limits_.depth) {
            contents_.too_deep = true;
            return;
        }
        bool complete = false;
        auto whole = unzip(archive.octets, entry, budget_, &complete);
        if (!whole)
            return;
        budget_ -= std::min(budget_, whole->size());
        contents_.cut = contents_.cut || !complete;
        push(std::move(*whole), member, archive.depth);
    }

    void push(std::string octets, Member& member, std::size_t depth)
    {
        auto owner = std::make_shared<const std::string>(std::move(octets));
        member.type = true_type(*owner);
        if (is_listed_archive(member.type))
            pending_.push_back({owner, *owner, member.type, member.name + "/", depth + 1});
    }

    void look_into_gzip(const Pending& archive)
    {
        if (full())
            return;
        auto unpacked = gunzip(archive.octets, budget_);
        if (!unpacked) {
            contents_.damaged = true;
            return;
        }
        budget_ -= std::min(budget_, unpacked->octets.size());
        if (unpacked->octets.size() > harmless_octets &&
            unpacked->octets.size() / limits_.ratio > archive.octets.size())
            contents_.ratio_exceeded = true;
        contents_.cut = contents_.cut || (!unpacked->complete && budget_ == 0);
        contents_.damaged = contents_.damaged || (!unpacked->complete && budget_ != 0);
        Member member{archive.prefix + unpacked->name, true_type(unpacked->octets), unpacked->octets.size(), false};
        note_kind(member.type);
        if (is_listed_archive(member.type) && archive.depth >= limits_.depth)
            contents_.too_deep = true;
        else if (is_listed_archive(member.type))
            push(std::move(unpacked->octets), member, archive.depth);
        contents_.members.push_back(std::move(member));
    }

    void look_into_tnef(const Pending& archive)
    {
        const auto tnef = mail::read_tnef(archive.octets, {limits_.entries, limits_.depth});
        contents_.cut = contents_.cut || tnef.cut;
        contents_.damaged = contents_.damaged || tnef.damaged;
        for (const auto& attachment : tnef.attachments) {
            const auto type = true_type(attachment.octets);
            note_kind(type);
            // every candidate counts: a mail program may take any of them
            const auto names = attachment.names.empty() ? std::vector<std::string>{""} : attachment.names;
            for (const auto& name : names) {
                if (full())
                    return;
                contents_.members.push_back({archive.prefix + name, type, attachment.octets.size(), false});
            }
            if (attachment.is_message || !is_listed_archive(type))
                continue; // what an embedded message holds is listed with the rest
            if (archive.depth >= limits_.depth)
                contents_.too_deep = true;
            else
                pending_.push_back(
                    {archive.owner, attachment.octets, type, archive.prefix + names.front() + "/", archive.depth + 1});
        }
    }

    void note_kind(std::string_view type) { contents_.opaque = contents_.opaque || is_opaque_archive(type); }

    ArchiveLimits limits_;
    std::size_t budget_;
    Contents contents_;
    std::vector<Pending> pending_;
};

} // namespace

Contents list_members(std::string_view octets, std::string_view type, const ArchiveLimits& limits)
{
    if (is_opaque_archive(type))
        return {.opaque = true};
    if (!is_listed_archive(type))
        return {};
    return Walk(limits).run(octets, type);
}

} // namespace mgw::content
