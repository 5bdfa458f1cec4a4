#include "lib/archive/manifest.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::archive
{

namespace
{

constexpr std::string_view title = "mgw-archive-manifest 1\n";

bool stays_inside(std::string_view path)
{
    if (path.empty() || path.front() == '/')
        return false;
    return std::ranges::none_of(split(path, '/'),
                                [](std::string_view name) { return name.empty() || name == "." || name == ".."; });
}

} // namespace

const Manifest::Entry* Manifest::find(std::string_view path) const
{
    const auto at = std::ranges::find(entries, path, &Entry::path);
    return at == entries.end() ? nullptr : &*at;
}

void Manifest::set(Entry entry)
{
    const auto at = std::ranges::find(entries, entry.path, &Entry::path);
    if (at == entries.end())
        entries.push_back(std::move(entry));
    else
        *at = std::move(entry);
}

std::string Manifest::text() const
{
    std::string out(title);
    for (const auto& entry : entries)
        out += (entry.sha256.empty() ? "-" : entry.sha256) + " " + std::to_string(entry.size) + " " + entry.path + "\n";
    return out + "end " + hex(sha256(out)) + "\n";
}

Result<Manifest> Manifest::parse(std::string_view text)
{
    const auto broken = [] { return fail(Status::data, "the manifest is damaged"); };
    if (!text.starts_with(title) || !text.ends_with('\n'))
        return broken();
    const auto last = text.rfind('\n', text.size() - 2) + 1;
    if (text.substr(last) != "end " + hex(sha256(text.substr(0, last))) + "\n")
        return broken();
    Manifest out;
    const auto body = text.substr(title.size(), last - title.size());
    for (const auto line : split(body, '\n')) {
        if (line.empty())
            continue;
        const auto first = line.find(' ');
        const auto second = line.find(' ', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos)
            return broken();
        const auto size = parse_number(line.substr(first + 1, second - first - 1));
        const auto path = line.substr(second + 1);
        if (!size || !stays_inside(path))
            return broken();
        const auto hash = line.substr(0, first);
        out.entries.push_back({std::string(path), *size, hash == "-" ? std::string{} : std::string(hash)});
    }
    return out;
}

Result<Manifest> Manifest::read(const std::string& path)
{
    auto text = read_file(path);
    if (!text)
        return pass(text);
    auto manifest = parse(*text);
    if (!manifest)
        return fail(Status::data, path + ": " + manifest.error().message);
    return manifest;
}

} // namespace mgw::archive
