#include "lib/filter/machine.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

const char* test_word(TestKind kind)
{
    switch (kind) {
    case TestKind::header:
        return "header";
    case TestKind::address:
        return "address";
    case TestKind::envelope:
        return "envelope";
    case TestKind::exists:
        return "exists";
    case TestKind::size:
        return "size";
    case TestKind::string:
        return "string";
    case TestKind::environment:
        return "environment";
    case TestKind::result:
        return "result";
    case TestKind::attachment:
        return "attachment";
    case TestKind::host:
        return "";
    }
    return "";
}

constexpr std::string_view match_words[] = {":is", ":contains", ":matches", ":count", ":value"};

} // namespace

Result<bool> Machine::test(const Test& test)
{
    if (test.kind == TestKind::size) {
        const std::uint64_t octets = view_.octets();
        const bool held = test.over ? octets > test.number : octets < test.number;
        if (trace_ != nullptr)
            trace_->push_back(program_.where(test.at) + ": size " + (test.over ? ":over " : ":under ") +
                              std::to_string(test.number) + " is " + (held ? "true" : "false") + "; saw " +
                              std::to_string(octets));
        return held;
    }
    if (test.kind == TestKind::exists) {
        bool held = true;
        std::string_view missing;
        for (const auto& name : test.names) {
            const auto text = expand(name);
            if (auto spent = spend(1 + view_.message().fields().size() / 8); !spent)
                return pass(spent);
            if (view_.fields(text).empty()) {
                held = false;
                missing = text;
                break;
            }
        }
        if (trace_ != nullptr)
            trace_->push_back(program_.where(test.at) + ": exists is " +
                              (held ? "true" : "false; there is no " + printable(missing, 60)));
        return held;
    }
    auto values = values_of(test);
    if (!values)
        return pass(values);
    auto held = any_match(test, *values);
    // what was not seen may match; what matched does whatever else there is
    const bool is_sure = held && *held && test.match.type != MatchType::count;
    if (held && test.kind == TestKind::attachment && !is_sure && view_.attachments_are_cut())
        return trouble(test.at, "the message has more attachments than the limits admit to be looked at");
    if (held && trace_ != nullptr)
        trace_test(test, *values, *held);
    return held;
}

Result<Machine::Values> Machine::values_of(const Test& test)
{
    Values out;
    switch (test.kind) {
    case TestKind::header:
        header_values(test, out);
        break;
    case TestKind::address:
        address_values(test, out);
        break;
    case TestKind::envelope:
        envelope_values(test, out);
        break;
    case TestKind::environment:
        environment_values(test, out);
        break;
    case TestKind::string:
        for (const auto& source : test.names) {
            // RFC 5231 section 6 as RFC 5229 section 5 refines it: an empty string is not counted
            const auto text = expand(source);
            if (test.match.type != MatchType::count || !text.empty())
                out.push_back(text);
        }
        break;
    case TestKind::result: {
        const std::string tool(expand(test.subject));
        for (const auto& name : test.names) {
            const auto found = view_.results(tool, expand(name));
            out.insert(out.end(), found.begin(), found.end());
        }
        break;
    }
    case TestKind::attachment:
        if (auto seen = attachment_values(test, out); !seen)
            return pass(seen);
        break;
    default:
        break;
    }
    return out;
}

void Machine::header_values(const Test& test, Values& out)
{
    for (const auto& name : test.names) {
        for (const auto field : view_.fields(expand(name)))
            out.push_back(view_.value(field));
    }
}

void Machine::add_address(const Test& test, std::string_view local, std::string_view domain, std::string_view whole,
                          Values& out)
{
    // RFC 5233 section 4: what stands behind the first '+'
    const auto plus = local.find('+');
    switch (test.part) {
    case AddressPart::all:
        out.push_back(whole);
        break;
    case AddressPart::localpart:
        out.push_back(local);
        break;
    case AddressPart::domain:
        out.push_back(domain);
        break;
    case AddressPart::user:
        out.push_back(local.substr(0, plus));
        break;
    case AddressPart::detail:
        if (plus != std::string_view::npos)
            out.push_back(local.substr(plus + 1));
        break;
    }
}

void Machine::address_values(const Test& test, Values& out)
{
    for (const auto& name : test.names) {
        for (const auto field : view_.fields(expand(name))) {
            for (const auto& mailbox : view_.addresses(field))
                add_address(test, mailbox.local(), mailbox.domain(), mailbox.address, out);
        }
    }
}

void Machine::envelope_values(const Test& test, Values& out)
{
    const auto add = [&](std::string_view path) {
        // RFC 5228 section 5.4: the null path is the empty string, whatever part is asked for
        const auto at = path.rfind('@');
        if (path.empty())
            out.push_back(path);
        else
            add_address(test, path.substr(0, at),
                        at == std::string_view::npos ? std::string_view{} : path.substr(at + 1), path, out);
    };
    for (const auto& name : test.names) {
        const auto part = expand(name);
        if (iequals(part, "from")) {
            if (auto from = view_.block().from())
                add(keep_text(std::move(*from)));
        } else if (iequals(part, "to") && recipient_ != nullptr) {
            add(recipient_->path);
        }
    }
}

void Machine::environment_values(const Test& test, Values& out)
{
    const std::string item = to_lower(expand(test.subject));
    const auto client = view_.block().client();
    const auto known = [&](std::string value) {
        if (!value.empty())
            out.push_back(keep_text(std::move(value)));
    };
    // RFC 5183 section 4.1; an item that is not known matches nothing
    if (item == "name")
        out.push_back("mgw-filter");
    else if (item == "version")
        out.push_back(program_.version);
    else if (item == "location")
        out.push_back("MTA");
    else if (item == "phase")
        out.push_back("during");
    else if (item == "remote-ip")
        known(client.ip);
    else if (item == "remote-host")
        known(client.name);
    else if (item == "vnd.mgw.helo")
        known(client.helo);
    else if (item == "vnd.mgw.tls")
        known(client.tls);
    else if (item == "vnd.mgw.auth")
        known(client.auth);
    else if (item == "vnd.mgw.listener")
        known(client.listener);
}

Result<void> Machine::attachment_values(const Test& test, Values& out)
{
    const auto& all = view_.attachments();
    if (test.aspect == Aspect::true_type && !all.empty() && !view_.has_results("mgw-scan"))
        return trouble(test.at, "true types are measured by mgw-scan, which has not seen this message");
    for (const auto& one : all) {
        const std::string& value = test.aspect == Aspect::name   ? one.name
                                   : test.aspect == Aspect::type ? one.type
                                                                 : one.true_type;
        if (!value.empty())
            out.push_back(value);
    }
    return {};
}

Result<bool> Machine::any_match(const Test& test, const Values& values)
{
    if (test.match.type == MatchType::count) {
        const std::string count = std::to_string(values.size());
        for (const auto& key : test.keys) {
            if (holds(test.match.relation, compare(count, expand(key), test.match.comparator)))
                return true;
        }
        return false;
    }
    const bool captures = program_.variables && test.match.type == MatchType::matches;
    for (const auto& key : test.keys) {
        const auto wanted = expand(key);
        for (const auto value : values) {
            // a pattern with wildcards may look at each octet once per octet of the pattern
            const std::uint64_t factor = test.match.type == MatchType::matches ? 1 + wanted.size() / 16 : 1;
            if (auto spent = spend(1 + value.size() / 64 * factor); !spent)
                return pass(spent);
            std::vector<std::string> found;
            if (!matches(test.match, value, wanted, captures ? &found : nullptr))
                continue;
            if (captures)
                captures_ = std::move(found);
            return true;
        }
    }
    return false;
}

void Machine::trace_test(const Test& test, const Values& values, bool outcome)
{
    constexpr std::size_t shown = 8;
    const auto list = [&](auto& from, auto text) {
        std::string out;
        for (std::size_t i = 0; i < from.size() && i < shown; ++i)
            out += (i == 0 ? "\"" : ", \"") + printable(text(from[i]), 100) + "\"";
        if (from.size() > shown)
            out += " and " + std::to_string(from.size() - shown) + " more";
        return out;
    };
    const auto literal = [&](const Text& text) { return std::string(expand(text)); };
    std::string line = program_.where(test.at) + ": " + test_word(test.kind) + " " +
                       std::string(match_words[static_cast<std::size_t>(test.match.type)]);
    if (const std::string subject(expand(test.subject)); !subject.empty())
        line += " \"" + printable(subject, 60) + "\"";
    if (!test.names.empty())
        line += " " + list(test.names, literal);
    line += " [" + list(test.keys, literal) + "] is " + (outcome ? "true" : "false") + "; saw ";
    if (values.empty())
        line += "nothing";
    else
        line += list(values, [](std::string_view value) { return std::string(value); });
    trace_->push_back(std::move(line));
}

} // namespace mgw::filter
