#include "lib/scan/engine.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"
#include "lib/scan/database.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <clamav.h>

namespace mgw::scan
{

namespace
{

using Map = Handle<cl_fmap_t, cl_fmap_close>;

/// The last complaint of libclamav, which otherwise goes to standard error.
std::string& last_message()
{
    static std::string message;
    return message;
}

void keep_message(cl_msg severity, const char* /*full*/, const char* message, void* /*context*/)
{
    if (severity >= CL_MSG_WARN && message != nullptr)
        last_message() = printable(trim(message), 200);
}

Result<void> start_library()
{
    static const cl_error_t started = [] {
        cl_set_clcb_msg(keep_message);
        return cl_init(CL_INIT_DEFAULT);
    }();
    if (started != CL_SUCCESS)
        return fail(Status::temp_fail, std::string("cannot start libclamav: ") + cl_strerror(started));
    return {};
}

/// What the call-backs of one call gather.
struct Call {
    const Seen* seen = nullptr;
    std::size_t file_limit = 0;
    bool cut = false; ///< libclamav cut a file at the limit, which it does not report
    bool encrypted = false;
};

cl_error_t inspect(int /*fd*/, const char* /*type*/, const char** /*ancestors*/, size_t /*parent_octets*/,
                   const char* /*name*/, size_t octets, const char* buffer, uint32_t /*level*/, uint32_t /*attributes*/,
                   void* context)
{
    auto* call = static_cast<Call*>(context);
    if (call == nullptr)
        return CL_CLEAN;
    call->cut = call->cut || octets >= call->file_limit;
    if (buffer != nullptr && call->seen != nullptr && *call->seen)
        (*call->seen)({buffer, octets});
    return CL_CLEAN;
}

cl_error_t look_at_member(const char* /*type*/, unsigned long /*container_octets*/, const char* /*name*/,
                          unsigned long octets, int encrypted, unsigned int /*position*/, void* context)
{
    if (auto* call = static_cast<Call*>(context)) {
        call->cut = call->cut || octets > call->file_limit;
        call->encrypted = call->encrypted || encrypted != 0;
    }
    return CL_CLEAN;
}

struct LimitName {
    std::string_view clamav, ours;
};
constexpr std::array limit_names{
    LimitName{"MaxRecursion", "limit:nesting"},  LimitName{"MaxFiles", "limit:files"},
    LimitName{"MaxScanSize", "limit:scan-size"}, LimitName{"MaxScanTime", "limit:time"},
    LimitName{"MaxFileSize", "limit:file-size"},
};

/// libclamav tells of limits and of encryption as if they were viruses.
Answer read_name(std::string_view name)
{
    constexpr std::string_view limits = "Heuristics.Limits.Exceeded";
    if (name.starts_with(limits)) {
        for (const auto& [clamav, ours] : limit_names)
            if (name.find(clamav) != std::string_view::npos)
                return {Outcome::unscanned, {}, std::string(ours)};
        return {Outcome::unscanned, {}, "limit:other"};
    }
    if (name.starts_with("Heuristics.Encrypted"))
        return {Outcome::unscanned, {}, "encrypted"};
    return {Outcome::infected, printable_ascii(name, 200), {}};
}

Answer read_error(cl_error_t rc)
{
    switch (rc) {
    case CL_ETIMEOUT:
        return {Outcome::unscanned, {}, "limit:time"};
    case CL_EMAXREC:
        return {Outcome::unscanned, {}, "limit:nesting"};
    case CL_EMAXSIZE:
        return {Outcome::unscanned, {}, "limit:scan-size"};
    case CL_EMAXFILES:
        return {Outcome::unscanned, {}, "limit:files"};
    default:
        return {Outcome::unscanned, {}, std::string("error:") + printable_ascii(cl_strerror(rc), 100)};
    }
}

} // namespace

Result<Engine> Engine::load(const std::string& database, const std::string& temporary, const EngineLimits& limits)
{
    if (auto started = start_library(); !started)
        return pass(started);
    auto described = describe_database(database);
    if (!described)
        return pass(described);
    cl_engine* raw = cl_engine_new();
    if (raw == nullptr)
        return fail(Status::temp_fail, "cannot make a libclamav engine: out of memory");
    Engine engine;
    engine.engine_ = raw;
    // still known after the Engine has gone: it is kept, not lost
    static auto& kept = *new std::vector<cl_engine*>;
    engine.limits_ = limits;
    engine.database_ = std::move(*described);
    const auto set = [raw](cl_engine_field field, long long value) { cl_engine_set_num(raw, field, value); };
    set(CL_ENGINE_MAX_FILESIZE, static_cast<long long>(limits.file_octets));
    set(CL_ENGINE_MAX_SCANSIZE, static_cast<long long>(limits.scan_octets));
    set(CL_ENGINE_MAX_FILES, limits.files);
    set(CL_ENGINE_MAX_RECURSION, limits.nesting);
    // a cached "clean" would forget that a file was cut or encrypted, and make a result depend on earlier messages
    set(CL_ENGINE_DISABLE_CACHE, 1);
    cl_engine_set_str(raw, CL_ENGINE_TMPDIR, temporary.c_str());
    cl_engine_set_clcb_file_inspection(raw, inspect);
    cl_engine_set_clcb_meta(raw, look_at_member);
    last_message().clear();
    unsigned signatures = 0;
    auto rc = cl_load(database.c_str(), raw, &signatures, CL_DB_STDOPT);
    if (rc == CL_SUCCESS && signatures > 0)
        rc = cl_engine_compile(raw);
    if (rc != CL_SUCCESS || signatures == 0) {
        cl_engine_free(raw);
        const std::string said = !last_message().empty() ? last_message() : cl_strerror(rc);
        return fail(Status::config, "cannot load virus signatures from '" + database + "': " + said,
                    "give --database a folder with ClamAV files, such as /var/lib/clamav (freshclam fills it)");
    }
    kept.push_back(raw);
    engine.database_.signatures = signatures;
    return engine;
}

Answer Engine::scan(std::string_view octets, std::chrono::milliseconds time, const Seen& seen, bool mail_parser) const
{
    if (octets.empty())
        return {};
    // libclamav would call such a file clean, or infected by a virus without a name
    if (octets.size() > limits_.file_octets || octets.size() > limits_.scan_octets)
        return {Outcome::unscanned, {}, "too-large"};
    if (time.count() <= 0)
        return {Outcome::unscanned, {}, "limit:time"};
    auto* engine = static_cast<cl_engine*>(engine_);
    cl_engine_set_num(engine, CL_ENGINE_MAX_SCANTIME, time.count());
    const Map map{cl_fmap_open_memory(octets.data(), octets.size())};
    if (!map)
        return {Outcome::unscanned, {}, "error:no memory"};
    cl_scan_options options{};
    options.general = CL_SCAN_GENERAL_HEURISTICS;
    options.parse = mail_parser ? ~0U : ~static_cast<unsigned>(CL_SCAN_PARSE_MAIL);
    options.heuristic =
        CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
    Call call{&seen, limits_.file_octets, false, false};
    const char* name = nullptr;
    unsigned long scanned = 0;
    const auto rc = cl_scanmap_callback(map.get(), nullptr, &name, &scanned, engine, &options, &call);
    if (rc == CL_VIRUS)
        return name != nullptr ? read_name(name) : Answer{Outcome::unscanned, {}, "limit:file-size"};
    if (rc != CL_CLEAN && rc != CL_VERIFIED)
        return read_error(rc);
    if (call.cut)
        return {Outcome::unscanned, {}, "limit:file-size"};
    if (call.encrypted)
        return {Outcome::unscanned, {}, "encrypted"};
    return {};
}

} // namespace mgw::scan
