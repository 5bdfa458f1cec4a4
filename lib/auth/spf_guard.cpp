#include "lib/auth/spf_guard.hpp"

#include "lib/auth/spf_address.hpp"
#include "lib/auth/spf_library.hpp"
#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"

#include <algorithm>

namespace mgw::auth::spf
{
namespace
{

// RFC 7208 section 4.6.4.
constexpr unsigned max_terms = 10;
constexpr unsigned max_voids = 2;
constexpr std::chrono::seconds max_time{20};

using Reply = Guard::Reply;

bool asks(const Term& term)
{
    return term.mechanism != Mechanism::all && term.mechanism != Mechanism::ip4 && term.mechanism != Mechanism::ip6;
}

/// For a trace line: what came back, not more than people read.
std::string summary(const dns::Answer& answer, dns::Type type)
{
    if (answer.code != dns::Code::ok)
        return std::string(dns::code_name(answer.code));
    std::string out;
    for (std::size_t i = 0; i < answer.records.size(); ++i) {
        if (i == 10)
            return out + " and " + std::to_string(answer.records.size() - i) + " more";
        const auto& record = answer.records[i];
        out += i > 0 ? " " : "";
        out += type == dns::Type::mx ? std::to_string(record.preference) + " " : "";
        out += type == dns::Type::txt ? "\"" + printable_ascii(record.data, 400) + "\"" : printable_ascii(record.data);
    }
    return out;
}

/// RFC 7208 section 4.3: at least two labels, none empty or too long.
bool is_checkable(const std::string& domain)
{
    return domain.contains('.') && dns::is_name(domain);
}

} // namespace

Guard::Guard(Subject subject, dns::Resolver& resolver, SpfResult& result)
    : subject_(std::move(subject)), resolver_(resolver), result_(result), loopback_(is_loopback(subject_.client)),
      deadline_(std::chrono::steady_clock::now() + max_time)
{}

void Guard::run()
{
    if (!is_checkable(subject_.domain)) {
        result_.result = "none";
        result_.trace.push_back("'" + printable_ascii(subject_.domain, 260) + "' is not a domain with two labels");
        return;
    }
    evaluate();
    if (!stopped_.empty()) {
        result_.result = stopped_;
        result_.trace.push_back("result " + stopped_ + ": " + why_);
    }
    const Loaded* loaded = final_record();
    if (loaded == nullptr)
        return;
    if (loaded->reached)
        result_.mechanism = loaded->record.terms[*loaded->reached].text;
    else if (loaded->at_end)
        result_.mechanism = "default";
    if (!stopped_.empty())
        return;
    result_.trace.push_back("result " + result_.result + ": " + printable_ascii(result_.mechanism, 200) + " of " +
                            printable_ascii(loaded->domain, 260));
    if (result_.result == "fail" && !loaded->record.explanation.empty())
        explain(*loaded);
}

void Guard::evaluate()
{
    const auto verdict = evaluate_with_library(*this, shown(subject_.client), name_for({.kind = Asked::Kind::first}));
    if (!stopped_.empty())
        return;
    if (verdict.empty())
        stop("temperror", "libspf2 gave no result");
    else
        result_.result = verdict;
}

const Guard::Loaded* Guard::final_record() const
{
    if (records_.empty())
        return nullptr;
    const Loaded* loaded = records_.data();
    while (loaded->redirected)
        loaded = &records_[*loaded->redirected];
    return loaded;
}

std::string Guard::name_for(Asked asked)
{
    asked_.push_back(std::move(asked));
    return "t" + std::to_string(asked_.size() - 1) + ".q";
}

Reply Guard::stop(std::string result, std::string why)
{
    if (stopped_.empty()) {
        stopped_ = std::move(result);
        why_ = std::move(why);
    }
    return {.kind = Reply::Kind::again};
}

dns::Answer Guard::ask(const std::string& name, dns::Type type)
{
    if (std::chrono::steady_clock::now() > deadline_)
        return {.code = dns::Code::timeout};
    auto answer = resolver_.query(name, type);
    result_.trace.push_back("asked " + std::string(dns::type_name(type)) + " " + printable_ascii(name, 260) + ": " +
                            summary(answer, type));
    return answer;
}

bool Guard::count_term()
{
    ++result_.lookups;
    if (result_.lookups > max_terms)
        stop("permerror", "more than " + std::to_string(max_terms) + " terms that ask the DNS");
    return stopped_.empty();
}

/// False when there were too many. A name that cannot be asked for was no look-up.
bool Guard::count_void(const dns::Answer& answer)
{
    if (answer.code == dns::Code::no_name || answer.code == dns::Code::no_data)
        ++result_.voids;
    if (result_.voids > max_voids)
        stop("permerror", "more than " + std::to_string(max_voids) + " look-ups without an answer");
    return stopped_.empty();
}

MacroValues Guard::values_for(const std::string& domain)
{
    auto values = subject_.values;
    values.domain = domain;
    values.validated_name = [this, domain] { return validated_name(domain); };
    return values;
}

std::string Guard::target(std::size_t record, const std::string& domain_spec)
{
    const auto& domain = records_[record].domain;
    return domain_spec.empty() ? domain : expand_domain(domain_spec, values_for(domain));
}

/// The library lets loopback clients pass without a look at the record. Flipping one bit of all addresses keeps every
/// comparison as it is.
std::string Guard::shown(std::string octets) const
{
    if (loopback_)
        octets[0] = static_cast<char>(octets[0] ^ 0x80);
    return octets;
}

dns::Type Guard::address_type() const
{
    return subject_.client.size() == 4 ? dns::Type::a : dns::Type::aaaa;
}

unsigned Guard::bits_of(const Term& term) const
{
    return subject_.client.size() == 4 ? term.bits4 : term.bits6;
}

Reply Guard::answer(const std::string& name)
{
    if (!stopped_.empty())
        return {.kind = Reply::Kind::again};
    const auto end = name.find('.');
    const auto number =
        end == std::string::npos ? std::nullopt : parse_number(std::string_view(name).substr(1, end - 1));
    if (!number || *number >= asked_.size())
        return stop("temperror", "libspf2 asked for a name that it was not given");
    const Asked asked = asked_[*number];
    switch (asked.kind) {
    case Asked::Kind::first:
        return load(subject_.domain, asked);
    case Asked::Kind::redirect: {
        auto& from = records_[asked.record];
        from.reached.reset();
        if (!count_term())
            return {.kind = Reply::Kind::again};
        const auto domain = target(asked.record, from.record.redirect);
        return load(domain, asked);
    }
    case Asked::Kind::term:
        records_[asked.record].reached = asked.term;
        return answer_term(asked);
    case Asked::Kind::end:
        records_[asked.record].reached.reset();
        records_[asked.record].at_end = true;
        return {};
    case Asked::Kind::host:
        return addresses_of(asked.host, bits_of(records_[asked.record].record.terms[asked.term]), false);
    }
    return {};
}

Reply Guard::answer_term(const Asked& asked)
{
    const Term term = records_[asked.record].record.terms[asked.term];
    if (!asks(term))
        return {}; // the name before a term that needs no look-up tells only that evaluation is there
    if (!count_term())
        return {.kind = Reply::Kind::again};
    const auto name = target(asked.record, term.domain);
    switch (term.mechanism) {
    case Mechanism::include:
        return load(name, asked);
    case Mechanism::mx:
        return exchanges_of(name, asked);
    case Mechanism::exists:
        return exists(name);
    case Mechanism::ptr:
        return pointed_to(name);
    default:
        return addresses_of(name, bits_of(term), true);
    }
}

Reply Guard::refuse_missing_record(const std::string& domain, const Asked& asked)
{
    if (asked.kind == Asked::Kind::first)
        return stop("none", "there is no SPF record at " + printable_ascii(domain, 260));
    return stop("permerror",
                "there is no SPF record at " + printable_ascii(domain, 260) + ", which another record names");
}

Reply Guard::load(const std::string& domain, const Asked& asked)
{
    if (!is_checkable(domain))
        return refuse_missing_record(domain, asked);
    const auto answer = ask(domain, dns::Type::txt);
    if (dns::is_temporary(answer.code))
        return failed_look_up(domain, dns::Type::txt, answer.code);
    if (asked.kind != Asked::Kind::first && !count_void(answer))
        return {.kind = Reply::Kind::again};
    const std::string* found = nullptr;
    for (const auto& record : answer.records) {
        if (!is_spf_record(record.data))
            continue;
        if (found != nullptr)
            return stop("permerror", "there is more than one SPF record at " + printable_ascii(domain, 260));
        found = &record.data;
    }
    if (found == nullptr)
        return refuse_missing_record(domain, asked);
    auto record = parse_record(*found);
    if (!record)
        return stop("permerror", "record of " + printable_ascii(domain, 260) + ": " + record.error().message);
    const auto index = records_.size();
    records_.push_back({.domain = domain, .record = std::move(*record)});
    if (asked.kind == Asked::Kind::redirect)
        records_[asked.record].redirected = index;
    return {.kind = Reply::Kind::text, .items = {rewrite(index)}};
}

std::string Guard::rewrite(std::size_t index)
{
    std::string text = "v=spf1";
    unsigned questions = 0;
    const auto count = records_[index].record.terms.size();
    for (std::size_t i = 0; i < count; ++i) {
        const auto& term = records_[index].record.terms[i];
        if (!asks(term)) {
            const bool matches =
                term.mechanism == Mechanism::all || same_network(term.network, subject_.client, bits_of(term));
            if (!matches)
                continue;
            text += " exists:" + name_for({.kind = Asked::Kind::term, .record = index, .term = i});
            add_term(text, index, i);
            return text; // evaluation goes no further
        }
        // Nor does it here: counting this term ends it.
        if (questions == max_terms + 1)
            return text;
        ++questions;
        add_term(text, index, i);
        prefetch(records_[index], records_[index].record.terms[i]);
    }
    if (!records_[index].record.redirect.empty())
        return text + " redirect=" + name_for({.kind = Asked::Kind::redirect, .record = index});
    return text + " exists:" + name_for({.kind = Asked::Kind::end, .record = index});
}

void Guard::add_term(std::string& text, std::size_t index, std::size_t term_index)
{
    const auto& term = records_[index].record.terms[term_index];
    const bool four = subject_.client.size() == 4;
    const unsigned bits = bits_of(term);
    const auto length =
        bits == 0 || bits == subject_.client.size() * 8 ? "" : (four ? "/" : "//") + std::to_string(bits);
    text += ' ';
    text += term.qualifier;
    const Asked asked{.kind = Asked::Kind::term, .record = index, .term = term_index};
    switch (term.mechanism) {
    case Mechanism::all:
        text += "all";
        break;
    case Mechanism::ip4:
    case Mechanism::ip6:
        text += four ? "ip4:" : "ip6:";
        text += address_text(shown(bits == 0 ? subject_.client : term.network));
        text += bits == 0 || bits == subject_.client.size() * 8 ? "" : "/" + std::to_string(bits);
        break;
    case Mechanism::a:
        text += "a:" + name_for(asked) + length;
        break;
    case Mechanism::mx:
        text += "mx:" + name_for(asked) + length;
        break;
    case Mechanism::include:
        text += "include:" + name_for(asked);
        break;
    case Mechanism::exists:
    case Mechanism::ptr: // its look-ups are ours: the library fails on a name that cannot be looked up, RFC 7208 skips
                         // it
        text += "exists:" + name_for(asked);
        break;
    }
}

/// Lets the first questions of a record's terms wait together, as far as the limit lets them be asked at all.
void Guard::prefetch(const Loaded& loaded, const Term& term)
{
    if (result_.lookups >= max_terms || term.mechanism == Mechanism::ptr || uses_validated_name(term.domain))
        return;
    const auto name = term.domain.empty() ? loaded.domain : expand_domain(term.domain, values_for(loaded.domain));
    switch (term.mechanism) {
    case Mechanism::include:
        return resolver_.prefetch(name, dns::Type::txt);
    case Mechanism::mx:
        return resolver_.prefetch(name, dns::Type::mx);
    case Mechanism::exists:
        return resolver_.prefetch(name, dns::Type::a);
    default:
        return resolver_.prefetch(name, address_type());
    }
}

} // namespace mgw::auth::spf
