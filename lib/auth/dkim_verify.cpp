#include "lib/auth/dkim.hpp"

#include "lib/auth/dkim_key.hpp"
#include "lib/auth/domain.hpp"
#include "lib/auth/opendkim.hpp"
#include "lib/auth/tags.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <map>

namespace mgw::auth
{
namespace
{

constexpr std::string_view signature_name = "DKIM-Signature";
// how far in the future t= may lie: clocks differ
constexpr std::int64_t clock_drift_seconds = 300;

std::string key_name(std::string_view selector, std::string_view domain)
{
    return std::string(selector) + "._domainkey." + std::string(domain);
}

/// What the library's call-back needs to know and leaves behind, for one message.
struct KeyLookups {
    dns::Resolver* resolver = nullptr;
    struct Outcome {
        std::string note;
        bool temporary = false;
        std::string error; ///< our own reason for refusing what was found
    };
    std::map<const DKIM_SIGINFO*, Outcome> outcomes;
};

/// The one record that can be a key, or nullptr with the reason in `outcome`.
const std::string* key_record(const dns::Answer& answer, KeyLookups::Outcome& outcome)
{
    if (answer.code != dns::Code::ok)
        return nullptr;
    if (answer.records.size() > 1) {
        outcome.error = "several key records";
        return nullptr;
    }
    const auto& text = answer.records.front().data;
    if (text.find('\0') != std::string::npos) {
        outcome.error = "key record has a NUL octet";
        return nullptr;
    }
    return &text;
}

/// libopendkim's question for a key. It may throw nothing: C stands above it.
DKIM_CBSTAT look_up_key(DKIM* dkim, DKIM_SIGINFO* signature, u_char* buffer, size_t octets) noexcept
try {
    auto& lookups = *static_cast<KeyLookups*>(dkim_get_user_context(dkim));
    auto& outcome = lookups.outcomes[signature];
    const auto* selector = dkim_sig_getselector(signature);
    const auto* domain = dkim_sig_getdomain(signature);
    if (!selector || !domain || octets == 0)
        return DKIM_CBSTAT_NOTFOUND;
    const std::string ascii = normal_domain(reinterpret_cast<const char*>(domain));
    const std::string name = key_name(reinterpret_cast<const char*>(selector), ascii);
    const auto answer =
        ascii.empty() ? dns::Answer{dns::Code::malformed, {}, 0, false} : lookups.resolver->query(name, dns::Type::txt);
    outcome.note = "TXT " + printable_ascii(name) + " -> " + std::string(dns::code_name(answer.code));
    if (dns::is_temporary(answer.code)) {
        outcome.temporary = true;
        return DKIM_CBSTAT_TRYAGAIN;
    }
    const auto* found = key_record(answer, outcome);
    if (!found)
        return DKIM_CBSTAT_NOTFOUND;
    outcome.note += " \"" + printable_ascii(*found, 60) + (found->size() > 60 ? "…\"" : "\"");
    const auto record = usable_key_record(*found);
    if (record.size() >= octets) {
        outcome.error = "key record is longer than " + std::to_string(octets - 1) + " octets";
        return DKIM_CBSTAT_NOTFOUND;
    }
    std::copy(record.begin(), record.end(), buffer);
    buffer[record.size()] = '\0';
    return DKIM_CBSTAT_CONTINUE;
} catch (...) {
    return DKIM_CBSTAT_ERROR;
}

/// What the field itself says, whether or not the library can use it.
DkimSignature describe(std::string_view value)
{
    DkimSignature out;
    const auto tags = parse_tags_leniently(value);
    const auto text = [&](std::string_view name) {
        return printable(without_space(tag_value(tags, name).value_or("")), 255);
    };
    out.domain = normal_domain(text("d"));
    out.selector = text("s");
    out.algorithm = to_lower(text("a"));
    out.identity = text("i");
    out.signature_start = text("b").substr(0, 8);
    return out;
}

/// Whether the signature covers every From field: h= lists From at least that often (RFC 6376 section 8.15).
bool covers_every_from(std::string_view value, std::size_t from_fields)
{
    const auto tags = parse_tags_leniently(value);
    const auto names = split(tag_value(tags, "h").value_or(""), ':');
    return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [](std::string_view name) {
               return iequals(trim(name), "from");
           })) >= from_fields;
}

/// Why t= and x= (RFC 6376 section 3.5) do not admit the signature at `now`; empty if they do.
std::string check_times(std::string_view value, std::int64_t now)
{
    const auto tags = parse_tags_leniently(value);
    const auto seconds = [&](std::string_view name) {
        return parse_number(without_space(tag_value(tags, name).value_or("")));
    };
    const auto expires = seconds("x");
    const auto signed_at = seconds("t");
    if (expires && static_cast<std::uint64_t>(now) > *expires)
        return "the signature expired";
    if (signed_at && *signed_at > static_cast<std::uint64_t>(now + clock_drift_seconds))
        return "the signature lies in the future";
    return {};
}

std::string_view result_of(int error)
{
    switch (error) {
    case DKIM_SIGERROR_BADSIG:
    case DKIM_SIGERROR_TOOLARGE_L:
        return "fail";
    case DKIM_SIGERROR_EXPIRED:
    case DKIM_SIGERROR_FUTURE:
    case DKIM_SIGERROR_KEYTOOSMALL:
        return "policy";
    default:
        return "permerror";
    }
}

} // namespace

struct DkimVerifier::Impl {
    DkimPolicy policy;
    DkimLibrary library; ///< nullptr until it is needed

    bool open();

    void judge(DKIM* dkim, DKIM_SIGINFO* signature, const KeyLookups& lookups, DkimSignature& out) const;
    void apply_policy(DKIM* dkim, DKIM_SIGINFO* signature, DkimSignature& out) const;
};

/// Reads the library's verdict on one signature.
void DkimVerifier::Impl::judge(DKIM* dkim, DKIM_SIGINFO* signature, const KeyLookups& lookups, DkimSignature& out) const
{
    const auto status = dkim_sig_process(dkim, signature);
    const int error = dkim_sig_geterror(signature);
    const auto flags = dkim_sig_getflags(signature);
    out.testing = (flags & DKIM_SIGFLAG_TESTKEY) != 0;
    unsigned bits = 0;
    if (dkim_sig_getkeysize(signature, &bits) == DKIM_STAT_OK)
        out.key_bits = bits;
    const auto asked = lookups.outcomes.find(signature);
    if (asked != lookups.outcomes.end())
        out.key_query = asked->second.note;

    if (asked != lookups.outcomes.end() && asked->second.temporary) {
        out.result = "temperror";
        out.reason = "the look-up of the key failed";
    } else if (asked != lookups.outcomes.end() && !asked->second.error.empty()) {
        out.result = "permerror";
        out.reason = asked->second.error;
    } else if ((flags & DKIM_SIGFLAG_PASSED) != 0 && dkim_sig_getbh(signature) == DKIM_SIGBH_MATCH) {
        out.result = "pass";
        apply_policy(dkim, signature, out);
    } else if ((flags & DKIM_SIGFLAG_PASSED) != 0 || dkim_sig_getbh(signature) == DKIM_SIGBH_MISMATCH) {
        out.result = "fail";
        out.reason = "body hash did not verify";
    } else {
        out.result = error == DKIM_SIGERROR_OK || error == DKIM_SIGERROR_UNKNOWN
                         ? (status == DKIM_STAT_BADSIG ? "fail" : "permerror")
                         : std::string(result_of(error));
        const char* text = error > DKIM_SIGERROR_OK ? dkim_sig_geterrorstr(error) : dkim_getresultstr(status);
        out.reason = text ? text : "cannot be verified";
    }
    if (out.testing && (out.result == "fail" || out.result == "policy" || out.result == "permerror")) {
        // section 3.6.1: a domain that tests must not fare worse than one that does not sign
        out.reason += " (was " + out.result + "; the key is for testing)";
        out.result = "neutral";
    }
}

/// What the library lets pass and we do not.
void DkimVerifier::Impl::apply_policy(DKIM* dkim, DKIM_SIGINFO* signature, DkimSignature& out) const
{
    ssize_t message_octets = 0;
    ssize_t canonical_octets = 0;
    ssize_t signed_octets = -1;
    const bool measured =
        dkim_sig_getcanonlen(dkim, signature, &message_octets, &canonical_octets, &signed_octets) == DKIM_STAT_OK;
    if (measured && signed_octets >= 0 && message_octets > canonical_octets) {
        out.result = "policy";
        out.reason = "the body goes on behind the " + std::to_string(signed_octets) + " octets that l= covers";
    } else if (out.testing) {
        out.reason = "the key is for testing";
    }
}

bool DkimVerifier::Impl::open()
{
    if (library)
        return true;
    auto opened = open_library();
    unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES;
    unsigned bits = policy.min_rsa_bits;
    // the library compares t= and x= with the machine's clock: given room here, they are compared in check_times()
    std::uint64_t drift = 20ULL * 365 * 86400;
    if (!opened || !set_option(opened.get(), DKIM_OPTS_FLAGS, flags) ||
        !set_option(opened.get(), DKIM_OPTS_MINKEYBITS, bits) ||
        !set_option(opened.get(), DKIM_OPTS_CLOCKDRIFT, drift) ||
        dkim_set_key_lookup(opened.get(), look_up_key) != DKIM_STAT_OK)
        return false;
    library = std::move(opened);
    return true;
}

DkimVerifier::DkimVerifier(const DkimPolicy& policy) : impl_(std::make_unique<Impl>())
{
    impl_->policy = policy;
}
DkimVerifier::~DkimVerifier() = default;
DkimVerifier::DkimVerifier(DkimVerifier&&) noexcept = default;
DkimVerifier& DkimVerifier::operator=(DkimVerifier&&) noexcept = default;

namespace
{

/// Order in which results speak for a message without a pass.
int weight(std::string_view result)
{
    constexpr std::string_view order[] = {"permerror", "neutral", "fail", "policy", "temperror", "pass"};
    const auto* at = std::find(std::begin(order), std::end(order), result);
    return static_cast<int>(at - std::begin(order));
}

void summarise(DkimResult& out)
{
    for (const auto& each : out.signatures)
        if (out.result == "none" || weight(each.result) > weight(out.result))
            out.result = each.result;
}

} // namespace

DkimResult DkimVerifier::verify(const mail::Message& message, dns::Resolver& resolver, Time now)
{
    DkimResult out;
    std::vector<const mail::Field*> given;
    std::vector<std::size_t> position; // of a given field in out.signatures
    std::vector<const mail::Field*> skipped;
    for (const auto* field : message.find_all(signature_name)) {
        const bool too_large = field->end - field->begin > impl_->policy.signature_octets;
        const bool too_many = given.size() == impl_->policy.signatures;
        out.signatures.push_back(describe(too_large ? std::string{} : message.value(*field)));
        if (too_large || too_many) {
            out.signatures.back().result = "policy";
            out.signatures.back().reason = too_large ? "the signature is too large" : "too many signatures";
            skipped.push_back(field);
            continue;
        }
        given.push_back(field);
        position.push_back(out.signatures.size() - 1);
    }
    if (out.signatures.empty())
        return out;

    KeyLookups lookups{&resolver, {}};
    DKIM_STAT status = DKIM_STAT_OK;
    const DkimHandle dkim{
        impl_->open() ? dkim_verify(impl_->library.get(), reinterpret_cast<const unsigned char*>("-"), nullptr, &status)
                      : nullptr};
    const auto all = [&](std::string_view result, std::string_view reason) {
        for (const auto at : position) {
            out.signatures[at].result = result;
            out.signatures[at].reason = reason;
        }
        summarise(out);
        return out;
    };
    if (!dkim)
        return all("temperror", "libopendkim cannot start");
    dkim_set_user_context(dkim.get(), &lookups);
    for (const auto& field : message.fields()) {
        if (std::any_of(skipped.begin(), skipped.end(), [&](const auto* each) { return each == &field; }))
            continue;
        // a field that the library refuses takes no part; a signature over it fails by itself
        static_cast<void>(feed_field(dkim.get(), message.raw(field)));
    }
    status = dkim_eoh(dkim.get());
    if (status == DKIM_STAT_SYNTAX)
        return all("permerror", "no From field that could be read");
    if (status == DKIM_STAT_OK || status == DKIM_STAT_CBTRYAGAIN || status == DKIM_STAT_KEYFAIL) {
        feed_body(dkim.get(), message.body());
        bool testing = false;
        static_cast<void>(dkim_eom(dkim.get(), &testing)); // the signatures are asked one by one
    }
    DKIM_SIGINFO** signatures = nullptr;
    int count = 0;
    if (dkim_getsiglist(dkim.get(), &signatures, &count) != DKIM_STAT_OK ||
        static_cast<std::size_t>(count) != given.size())
        return all("permerror", "not a signature that libopendkim can read");
    const auto from_fields = message.find_all("From").size();
    for (std::size_t i = 0; i < given.size(); ++i) {
        auto& one = out.signatures[position[i]];
        impl_->judge(dkim.get(), signatures[i], lookups, one);
        const auto value = message.value(*given[i]);
        const auto times = check_times(value, unix_seconds(now));
        if (one.algorithm == "rsa-sha1") {
            one.result = "policy";
            one.reason = "rsa-sha1 must not be used (RFC 8301)";
        } else if (one.result == "pass" && !times.empty()) {
            one.result = "policy";
            one.reason = times;
        } else if (one.result == "pass" && !covers_every_from(value, from_fields)) {
            one.result = "policy";
            one.reason = "there are From fields that it does not cover";
        }
    }
    summarise(out);
    return out;
}

void prefetch_keys(const mail::Message& message, dns::Resolver& resolver, const DkimPolicy& policy)
{
    std::size_t count = 0;
    for (const auto* field : message.find_all(signature_name)) {
        if (field->end - field->begin > policy.signature_octets)
            continue;
        if (count++ == policy.signatures)
            break;
        const auto signature = describe(message.value(*field));
        if (!signature.domain.empty() && !signature.selector.empty())
            resolver.prefetch(key_name(signature.selector, signature.domain), dns::Type::txt);
    }
}

} // namespace mgw::auth
