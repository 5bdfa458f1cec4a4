#include "run.hpp"

#include "lib/core/text.hpp"
#include "lib/scan/database.hpp"
#include "lib/scan/engine.hpp"
#include "lib/scan/private_tmp.hpp"
#include "lib/scan/result.hpp"
#include "lib/scan/scanner.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace mgw::scan
{

namespace
{

constexpr std::string_view field_name = "X-Virus-Status";
constexpr std::string_view ambiguity_field = "MIME-Ambiguity-Results";

class ScanStage : public cli::Stage {
public:
    ScanStage(const Options& options, const EngineLimits& limits) : options_(options), limits_(limits) {}

    Result<void> prepare(cli::Tool& tool) override
    {
        const auto& name = options_.ambiguity_results;
        if (printable_ascii(name) != name || name.find_first_of(" ;\"()") != std::string::npos)
            return fail(Status::usage, "--ambiguity-results must be a name in printable ASCII",
                        "write --ambiguity-results=mx.example.org, for example");
        auto folder = options_.database;
        if (folder == "none")
            return {};
        if (folder.empty())
            folder = default_database();
        if (folder.empty()) {
            tool.warn("no virus signatures found: mail is marked as not scanned (give --database)");
            return {};
        }
        auto tmp = PrivateTmp::make(options_.tmp_dir);
        if (!tmp)
            return pass(tmp);
        tmp_ = std::move(*tmp);
        const auto begin = std::chrono::steady_clock::now();
        auto engine = Engine::load(folder, tmp_->path(), limits_);
        if (!engine)
            return pass(engine);
        engine_ = std::move(*engine);
        const auto spent =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
        tool.explain("loaded " + std::to_string(engine_->database().signatures) + " signatures from " + folder +
                     " in " + std::to_string(spent.count()) + " ms; unpacking in " + tmp_->path() +
                     (tmp_->is_tmpfs() ? " (tmpfs)" : ""));
        return {};
    }

    Rights rights() const override
    {
        Rights rights;
        // code page 437 of old archives: iconv loads its tables when first asked
        rights.read = {"/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib/aarch64-linux-gnu/gconv", "/usr/lib/gconv",
                       "/usr/lib64/gconv", "/etc/localtime"};
        if (tmp_)
            rights.write.push_back(tmp_->path());
        return rights;
    }

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        const mail::Message message(subject.message, context.limits);
        const ScanOptions options{std::chrono::seconds(options_.scan_time), options_.max_members};
        const Engine* engine = engine_ ? &*engine_ : nullptr;
        const Database* database = engine != nullptr ? &engine->database() : nullptr;
        const auto report = scan_message(message, engine, options, context.limits);
        subject.block.add_result("mgw-scan", result_values(report, database));
        if (options_.scan_headers)
            add_field(message, subject, report);
        if (!options_.ambiguity_results.empty())
            add_ambiguity(message, subject, context, report);
        if (context.explaining)
            for (const auto& line : explain_lines(report, database))
                context.explain(line);
        record(context, report, database);
        return {};
    }

private:
    void add_field(const mail::Message& message, cli::Subject& subject, const Report& report) const
    {
        if (options_.replace_fields)
            for (const auto* field : message.find_all(field_name))
                subject.edits.remove_field(*field);
        subject.edits.prepend_field(message, mail::fold(std::string(field_name) + ": " + status_text(report)));
    }

    /// Every field that names us and came with the message is forged, whatever else stands in it.
    void add_ambiguity(const mail::Message& message, cli::Subject& subject, cli::Context& context,
                       const Report& report) const
    {
        const auto& name = options_.ambiguity_results;
        Limits limits = context.limits;
        if (has(message.oddities(), mail::Oddity::header_too_large)) // a reader may have larger limits than ours
            limits.header_octets = limits.field_octets = limits.fields = message.octets().size() + 1;
        const mail::Message whole(message.octets(), limits);
        for (const auto* field : whole.find_all(ambiguity_field)) {
            if (ifind(whole.raw_value(*field), name) == std::string_view::npos)
                continue;
            subject.edits.remove_field(*field);
            context.explain("a field " + std::string(ambiguity_field) + " that came in the name of " + name +
                            " is removed");
        }
        subject.edits.prepend_field(
            message, mail::fold(std::string(ambiguity_field) + ": " + name + "; " + ambiguity_text(report)));
    }

    static void record(cli::Context& context, const Report& report, const Database* database)
    {
        std::chrono::microseconds spent{0};
        for (const auto& scan : report.scans)
            spent += scan.time;
        std::vector<std::string> names;
        for (const auto& attachment : report.attachments)
            names.insert(names.end(), attachment.names.begin(), attachment.names.end());
        names.resize(std::min<std::size_t>(names.size(), 50));
        auto& record = context.record.text("virus", outcome_name(report.outcome));
        if (!report.virus.empty())
            record.text("virus_name", report.virus);
        if (!report.why.empty())
            record.text("why", report.why);
        record.number("parts", static_cast<std::int64_t>(report.parts))
            .real("scan_ms", static_cast<double>(spent.count()) / 1000);
        if (!names.empty())
            record.list("files", names);
        if (!report.flags.empty())
            record.list("flags", report.flags);
        if (database == nullptr)
            return;
        record.text("db", database->version);
        if (const auto& date = database->built ? database->built : database->changed)
            record.number("db_age_s", unix_seconds(context.clock.now()) - unix_seconds(*date));
    }

    const Options& options_;
    EngineLimits limits_;
    std::optional<PrivateTmp> tmp_;
    std::optional<Engine> engine_;
};

Result<std::size_t> read_size(const std::string& text, const char* option)
{
    const auto size = parse_size(text);
    if (!size || *size == 0 || *size > (std::uint64_t{4} << 30) - 1)
        return fail(Status::usage, std::string(option) + ": '" + printable(text, 40) + "' is no size from 1 to 4G",
                    "write 50M, for example");
    return static_cast<std::size_t>(*size);
}

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    EngineLimits limits;
    auto file = read_size(options.file_limit, "--file-limit");
    if (!file)
        return pass(file);
    auto total = read_size(options.total_limit, "--total-limit");
    if (!total)
        return pass(total);
    limits.file_octets = *file;
    limits.scan_octets = *total;
    // mail that nests as deeply as our limits admit, with an archive of the admitted depth in its innermost part
    limits.nesting = static_cast<std::uint32_t>(
        std::min<std::size_t>(90, tool.common().limits.nesting + tool.common().limits.archive_depth));
    ScanStage stage(options, limits);
    return cli::run_stage(tool, options.stage, stage);
}

} // namespace mgw::scan
