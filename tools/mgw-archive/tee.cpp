#include "tools/mgw-archive/run.hpp"

#include "lib/archive/writer.hpp"

#include <optional>

namespace mgw::archive_tool
{

namespace
{

class Tee final : public cli::Stage {
public:
    Tee(const Options& options, const std::string& archive) : options_(options), archive_(archive) {}

    Result<void> prepare(cli::Tool& tool) override
    {
        writer_options_ = {.pack_octets = options_.pack_octets, .clock = tool.clock(), .random = tool.random()};
        if (tool.common().dry_run)
            return {};
        return archive::make_archive(archive_);
    }

    Rights rights() const override { return {.write = {archive_}}; }

    /// Each process takes a pack of its own with its first message.
    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        if (context.dry_run) {
            context.explain("would be archived");
            return {};
        }
        if (!writer_)
            writer_.emplace(archive_, writer_options_);
        const auto block = subject.block.text();
        std::vector<archive::Write> writes{{.block = block, .message = subject.message}};
        if (auto kept = writer_->append(writes); !kept)
            return kept;
        subject.block.add_result("mgw-archive", {{"id", writes[0].id}});
        context.record.text("archive_id", writes[0].id);
        context.explain("archived as " + writes[0].id);
        return {};
    }

private:
    const Options& options_;
    const std::string& archive_;
    archive::WriterOptions writer_options_;
    std::optional<archive::Writer> writer_;
};

} // namespace

Result<Status> tee(cli::Tool& tool, const Options& options, const std::string& archive)
{
    Tee stage(options, archive);
    return cli::run_stage(tool, options.stage, stage);
}

} // namespace mgw::archive_tool
