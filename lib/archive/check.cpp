#include "lib/archive/check.hpp"

#include "lib/archive/manifest.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <unistd.h>

namespace mgw::archive
{

bool PackCheck::bad() const
{
    return std::ranges::any_of(findings, [](const Finding& finding) { return !finding.torn; });
}

PackCheck check_pack(const std::string& archive, const PackFile& file)
{
    PackCheck out;
    const auto find = [&](std::string what, bool torn = false) {
        out.findings.push_back({file.path, std::move(what), torn});
    };
    auto pack = Pack::open(archive + "/" + file.path);
    if (!pack) {
        // a writer that died before it had written the head has told nobody of anything
        find(pack.error().message, file.size < pack_head_octets);
        return out;
    }
    if (pack->head().number != file.number)
        find("is pack number " + std::to_string(pack->head().number));
    std::uint64_t sequence = 0;
    auto end = pack->walk(
        0,
        [&](const RecordHead& head, std::uint64_t offset) -> Result<void> {
            const auto at = " at offset " + std::to_string(offset);
            if (out.sealed)
                find("a record after the seal" + at);
            if (head.sequence != ++sequence)
                find(std::to_string(head.sequence - sequence) + " records are missing before message " + head.id + at);
            sequence = head.sequence;
            if (head.kind == Kind::seal) {
                const auto hash = pack->hash(offset);
                out.sealed = true;
                if (!hash || *hash != head.sha256)
                    find("the pack does not fit the SHA-256 in its seal");
                return {};
            }
            ++out.records;
            const auto content = pack->read(head, offset);
            if (!content)
                find(content.error().message + at);
            return {};
        },
        [&](const Damage& damage) { find(damage.what + " at offset " + std::to_string(damage.offset), damage.torn); });
    if (!end)
        find(end.error().message);
    else
        out.end = *end;
    if (file.sealed && !out.sealed)
        find("is read-only but has no seal");
    return out;
}

Checked check_archive(const std::string& archive)
{
    Checked out;
    const auto packs = packs_of(archive);
    const auto take = [&](Finding finding) {
        out.damages += finding.torn ? 0 : 1;
        out.findings.push_back(std::move(finding));
    };
    for (const auto& file : packs) {
        auto checked = check_pack(archive, file);
        ++out.packs;
        out.messages += checked.records;
        for (auto& finding : checked.findings)
            take(std::move(finding));
    }
    const auto path = archive + "/manifest";
    if (::access((path + ".damaged").c_str(), F_OK) == 0)
        take({"manifest.damaged", "was damaged and set aside; packs that it named may be missing"});
    if (::access(path.c_str(), F_OK) != 0) {
        if (out.messages > 0) // the first writer notes its pack before it answers
            take({"manifest", "is missing"});
        return out;
    }
    const auto manifest = Manifest::read(path);
    if (!manifest) {
        take({"manifest", manifest.error().message});
        return out;
    }
    for (const auto& entry : manifest->entries) {
        const auto file = std::ranges::find(packs, entry.path, &PackFile::path);
        if (file == packs.end()) {
            take({entry.path, "is missing"});
        } else if (!entry.sha256.empty()) {
            auto pack = Pack::open(archive + "/" + entry.path);
            const auto hash = pack ? pack->hash(pack->size()) : Result<std::string>(pass(pack));
            if (file->size != entry.size || !hash || hex(*hash) != entry.sha256)
                take({entry.path, "does not fit its size and SHA-256 in the manifest"});
        }
    }
    return out;
}

} // namespace mgw::archive
