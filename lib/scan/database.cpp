#include "lib/scan/database.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/handle.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <vector>

#include <clamav.h>
#include <sys/stat.h>

namespace mgw::scan
{

namespace fs = std::filesystem;
using namespace std::string_view_literals;

namespace
{

using Head = Handle<cl_cvd, cl_cvdfree>;

bool is_signed(std::string_view name)
{
    return name.ends_with(".cvd") || name.ends_with(".cld");
}

/// Files that libclamav takes from a folder (its manual, "Signature formats"); text beside them (README, freshclam's
/// state) is not loaded.
bool is_loaded(std::string_view name)
{
    static constexpr std::array endings{".hdb"sv, ".hsb"sv,  ".mdb"sv, ".msb"sv, ".imp"sv, ".ndb"sv,  ".ldb"sv,
                                        ".cdb"sv, ".cbc"sv,  ".pdb"sv, ".gdb"sv, ".wdb"sv, ".fp"sv,   ".sfp"sv,
                                        ".ign"sv, ".ign2"sv, ".idb"sv, ".ftm"sv, ".yar"sv, ".yara"sv, ".crb"sv,
                                        ".cat"sv, ".pwdb"sv, ".ioc"sv, ".cud"sv, ".db"sv};
    return is_signed(name) ||
           std::any_of(endings.begin(), endings.end(), [name](std::string_view e) { return name.ends_with(e); });
}

/// SHA-256 in pieces: a database is hundreds of megabytes.
Result<void> hash_file(Sha256& hash, const std::string& path)
{
    const auto octets = read_file(path, std::size_t{1} << 30);
    if (!octets)
        return fail(Status::config, octets.error().message);
    hash.add(*octets);
    return {};
}

template <class T> void keep_newest(std::optional<T>& into, T value)
{
    if (!into || *into < value)
        into = value;
}

} // namespace

Result<Database> describe_database(const std::string& path)
{
    Database database;
    database.path = path;
    std::vector<std::string> files;
    std::error_code error;
    if (fs::is_directory(path, error)) {
        for (const auto& entry : fs::directory_iterator(path, error))
            if (is_loaded(entry.path().filename().string()))
                files.push_back(entry.path().string());
    } else if (fs::exists(path, error)) {
        files.push_back(path);
    }
    if (files.empty())
        return fail(
            Status::config, "no virus signatures in '" + path + "'" + (error ? ": " + error.message() : std::string()),
            "give --database a folder with ClamAV files, such as /var/lib/clamav (freshclam fills it), or none");
    std::sort(files.begin(), files.end());
    Sha256 hash;
    bool hashed = false;
    for (const auto& file : files) {
        struct stat status {};
        if (::stat(file.c_str(), &status) == 0)
            keep_newest(database.changed, Time(std::chrono::seconds(status.st_mtime)));
        const auto name = fs::path(file).filename().string();
        const Head head{is_signed(name) ? cl_cvdhead(file.c_str()) : nullptr};
        if (head) {
            keep_newest(database.built, Time(std::chrono::seconds(head->stime)));
            database.version += (database.version.empty() ? "" : ",") + fs::path(file).stem().string() + "-" +
                                std::to_string(head->version);
            continue;
        }
        hashed = true;
        hash.add(name).add("\n");
        if (auto done = hash_file(hash, file); !done)
            return pass(done);
    }
    if (hashed)
        database.version += (database.version.empty() ? "sha256-" : ",sha256-") + hex(hash.finish()).substr(0, 16);
    return database;
}

std::string default_database()
{
    std::error_code error;
    const auto program = fs::read_symlink("/proc/self/exe", error);
    if (error)
        return {};
    const auto prefix = program.parent_path().parent_path();
    for (const auto& folder : {prefix / "share/mgw/clamav", prefix.parent_path() / "share/clamav"})
        if (fs::is_directory(folder, error))
            return folder.string();
    return {};
}

} // namespace mgw::scan
