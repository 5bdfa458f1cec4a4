#include "tools/mgw-recv/run.hpp"
#include "tools/mgw-recv/start.hpp"

#include "lib/cli/envelope.hpp"
#include "lib/cli/output.hpp"
#include "lib/core/fd.hpp"
#include "lib/smtp/lane_exchange.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <algorithm>
#include <optional>
#include <unistd.h>

namespace mgw::recv
{

namespace
{

constexpr std::chrono::milliseconds close_timeout{30'000};

/// The one place where octets of a foreign message go: a block of ours that was believed is gone already, fields that
/// look like ours go here.
void stamp(cli::Tool& tool, const cli::EnvelopeOptions& envelope, cli::Item& item)
{
    auto& member = item.frame.members.at(0);
    std::string kept;
    const auto pieces = smtp::without_foreign_fields(member.message);
    if (pieces.size() != 1 || pieces.front().size() != member.message.size()) {
        kept.reserve(member.message.size());
        for (const auto piece : pieces)
            kept.append(piece);
        member.message = std::move(kept);
    }
    member.block = cli::make_block(tool, tool.random(), envelope, member.message);
    item.frame.id = member.block.id();
}

class Entrance {
public:
    Entrance(cli::Tool& tool, const Options& options) : tool_(tool), options_(options) {}
    Result<Status> run();

private:
    Result<Status> take(cli::Item item);
    Result<Status> put(const cli::Item& item);
    Result<Status> answered(const cli::Item& item, const std::vector<mail::Answer>& answers);
    void record(const cli::Item& item, std::string_view result, int code, std::string_view text);

    cli::Tool& tool_;
    const Options& options_;
    std::optional<smtp::LaneExchange> lane_;
    cli::Kind kind_ = cli::Kind::message; ///< of the input
    std::optional<cli::Output> output_;
    std::string key_;
};

Result<Status> Entrance::run()
{
    if (options_.stream.input == cli::Kind::frames || options_.stream.output == cli::Kind::frames)
        return fail(Status::usage, "--stdin takes a message or an mbox, no frames");
    if (!options_.pipeline.empty()) {
        auto plan = smtp::plan_lane(options_.pipeline, options_.per_message);
        if (!plan)
            return pass(plan);
        share_log(tool_, *plan);
        if (tool_.common().check) {
            auto checked = smtp::check_lane(*plan);
            return checked ? Result<Status>(Status::ok) : Result<Status>(pass(checked));
        }
        auto lane = smtp::LaneExchange::open(*plan, tool_.common().limits);
        if (!lane)
            return pass(lane);
        lane_.emplace(std::move(*lane));
    }
    cli::Input input(tool_, options_.stream, options_.envelope);
    kind_ = input.kind();
    if (options_.stream.block == cli::BlockMode::keep) {
        auto key = input.key();
        if (!key)
            return pass(key);
        key_ = std::move(*key);
    }
    Status worst = Status::ok;
    for (;;) {
        auto item = input.next();
        if (!item)
            return pass(item);
        if (!*item)
            break;
        auto status = take(std::move(**item));
        if (!status)
            return pass(status);
        worst = worst == Status::temp_fail || *status == Status::ok ? worst : *status;
    }
    if (lane_)
        lane_->close(close_timeout);
    return worst;
}

Result<Status> Entrance::take(cli::Item item)
{
    stamp(tool_, options_.envelope, item);
    if (lane_) {
        auto& block = item.frame.members.at(0).block;
        block.set_deadline(boot_seconds() + static_cast<double>(options_.lane_timeout));
        auto got = lane_->exchange(item.frame, std::chrono::seconds(options_.lane_timeout));
        if (!got) {
            record(item, "error", 451, got.error().message);
            return pass(got);
        }
        if (!got->frame)
            return answered(item, got->answers);
        item.frame = std::move(*got->frame);
        if (item.frame.members.empty())
            return fail(Status::temp_fail, "the pipeline took the message away");
        item.frame.members.front().block.remove_lines("Mgw-Deadline");
    }
    return put(item);
}

/// Without a sink the message comes out; its copies and notices have nobody to send them.
Result<Status> Entrance::put(const cli::Item& item)
{
    const auto& block = item.frame.members.front().block;
    const auto verdict = block.strictest();
    const bool accepted = verdict.action == mail::Action::accept;
    record(item, mail::action_name(verdict.action), verdict.code, verdict.text);
    const bool failed = verdict.cls == "error"; // a stage's own failure is never passed over
    if (failed && kind_ == cli::Kind::message) {
        tool_.complain(Error{Status::temp_fail, std::string(mail::action_name(verdict.action)) + ": " + verdict.text});
        return Status::temp_fail;
    }
    if (!accepted && options_.exit_verdict) {
        tool_.complain(Error{Status::refused, std::string(mail::action_name(verdict.action)) + ": " + verdict.text});
        return verdict.action == mail::Action::defer ? Status::temp_fail : Status::refused;
    }
    if (!accepted && options_.stream.block != cli::BlockMode::keep)
        tool_.warn("the verdict is " + std::string(mail::action_name(verdict.action)) + " (" + verdict.text +
                   "), the message comes out all the same; see --exit-verdict and --block=keep");
    if (item.frame.members.size() > 1)
        tool_.warn("the pipeline made " + std::to_string(item.frame.members.size() - 1) +
                   " more messages that only a sink could send");
    if (!block.effects().empty())
        tool_.warn("the pipeline asked for " + std::to_string(block.effects().size()) +
                   " changes of state that only a sink makes");
    const auto kind = options_.stream.output == cli::Kind::automatic ? kind_ : options_.stream.output;
    const auto mode = options_.stream.block == cli::BlockMode::keep ? cli::BlockMode::keep : cli::BlockMode::strip;
    auto shown = item;
    if (kind == cli::Kind::mbox && shown.frame.members.size() > 1)
        shown.frame.members.resize(1);
    if (!output_)
        output_.emplace(kind, mode, key_, options_.stream.shard.count > 1);
    if (auto written = write_all(STDOUT_FILENO, output_->octets(shown)); !written)
        return pass(written);
    return Status::ok;
}

Result<Status> Entrance::answered(const cli::Item& item, const std::vector<mail::Answer>& answers)
{
    const auto reply = mail::one_reply(answers);
    record(item, reply.code / 100 == 2 ? "ok" : "refused", reply.code, reply.text);
    if (reply.code / 100 == 2)
        return Status::ok;
    tool_.complain(Error{Status::refused, std::to_string(reply.code) + " " + reply.enhanced + " " + reply.text});
    return reply.code / 100 == 4 ? Status::temp_fail : Status::refused;
}

void Entrance::record(const cli::Item& item, std::string_view result, int code, std::string_view text)
{
    if (!tool_.log().is_open())
        return;
    const auto& member = item.frame.members.at(0);
    std::vector<std::string> to;
    for (const auto& recipient : member.block.recipients())
        to.push_back(recipient.path);
    Record record;
    record.text("id", item.frame.id)
        .text("stage", tool_.name())
        .text("client", member.block.client().ip)
        .text("listener", "stdin");
    record.address("from", member.block.from().value_or("")).addresses("to", to);
    record.number("size", static_cast<std::int64_t>(member.message.size()))
        .text("result", result)
        .number("code", code)
        .text("text", text);
    tool_.log().write(tool_.clock().now(), record);
}

} // namespace

Result<Status> run_stdin(cli::Tool& tool, const Options& options)
{
    return Entrance(tool, options).run();
}

} // namespace mgw::recv
