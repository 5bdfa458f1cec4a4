#include "lib/cli/transaction.hpp"

#include "lib/core/text.hpp"

#include <chrono>
#include <cstring>
#include <exception>

namespace mgw::cli
{

TransactionResult process(Stage& stage, const mail::Frame& frame, const Work& work)
{
    const auto begin = std::chrono::steady_clock::now();
    TransactionResult out;
    Context context;
    context.clock = work.clock;
    context.random = work.random.fork(frame.id);
    context.limits = work.limits;
    context.dry_run = work.dry_run;
    context.explaining = work.explaining;
    for (const auto& member : frame.members) {
        mail::Block block = member.block;
        MemberResult result;
        const std::size_t created = context.created.size();
        try {
            Subject subject{block, member.message, result.edits};
            if (auto done = stage.process(subject, context); !done) {
                result.error = done.error().message.empty() ? "failed" : done.error().message;
                result.hint = done.error().hint;
            }
        } catch (const std::bad_alloc&) {
            result.error = "out of memory";
        } catch (const std::exception& e) {
            result.error = std::string("unexpected failure: ") + printable(e.what());
        }
        if (!result.error.empty()) { // a failed stage has changed nothing
            block = member.block;
            result.edits = {};
            context.created.resize(created);
        }
        result.block = block.text();
        out.members.push_back(std::move(result));
    }
    out.created = std::move(context.created);
    out.explanation = std::move(context.explanation);
    out.record = std::move(context.record);
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return out;
}

namespace
{

void put(std::string& out, std::uint64_t number)
{
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
void put(std::string& out, std::string_view text)
{
    put(out, text.size());
    out += text;
}

/// Takes numbers and texts off packed octets; after the first that is not there everything is empty.
class Taker {
public:
    explicit Taker(std::string_view in) : in_(in) {}
    std::uint64_t number()
    {
        std::uint64_t value = 0;
        if (in_.size() < sizeof value) {
            good_ = false;
            return 0;
        }
        std::memcpy(&value, in_.data(), sizeof value);
        in_.remove_prefix(sizeof value);
        return value;
    }
    std::string_view text()
    {
        const std::uint64_t size = number();
        if (size > in_.size()) {
            good_ = false;
            in_ = {};
            return {};
        }
        const auto out = in_.substr(0, size);
        in_.remove_prefix(size);
        return out;
    }
    bool good() const { return good_; }
    bool done() const { return in_.empty(); }

private:
    std::string_view in_;
    bool good_ = true;
};

} // namespace

std::string pack(const TransactionResult& result)
{
    std::string out;
    put(out, static_cast<std::uint64_t>(result.seconds * 1e6));
    put(out, result.explanation);
    put(out, result.record.pack());
    put(out, result.members.size());
    for (const auto& member : result.members) {
        put(out, member.block);
        put(out, member.error);
        put(out, member.edits.splices().size());
        for (const auto& splice : member.edits.splices()) {
            put(out, splice.offset);
            put(out, splice.removed);
            put(out, splice.inserted);
        }
    }
    put(out, result.created.size());
    for (const auto& member : result.created) {
        put(out, member.block.text());
        put(out, member.message);
    }
    return out;
}

Result<TransactionResult> unpack(std::string_view packed, const Limits& limits)
{
    Taker in(packed);
    TransactionResult out;
    out.seconds = static_cast<double>(in.number()) / 1e6;
    out.explanation = in.text();
    out.record = Record::unpack(in.text());
    for (std::uint64_t n = in.number(); n > 0 && in.good(); --n) {
        MemberResult member;
        member.block = in.text();
        member.error = in.text();
        for (std::uint64_t k = in.number(); k > 0 && in.good(); --k) {
            const auto offset = in.number();
            const auto removed = in.number();
            member.edits.replace(offset, removed, std::string(in.text()));
        }
        out.members.push_back(std::move(member));
    }
    for (std::uint64_t n = in.number(); n > 0 && in.good(); --n) {
        auto block = mail::Block::parse(in.text(), limits);
        if (!block)
            return pass(block);
        out.created.push_back(mail::Member{std::move(*block), std::string(in.text())});
    }
    if (!in.good() || !in.done())
        return fail(Status::temp_fail, "a worker's answer is malformed");
    return out;
}

} // namespace mgw::cli
