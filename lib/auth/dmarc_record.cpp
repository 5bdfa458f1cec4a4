#include "lib/auth/dmarc_record.hpp"

#include "lib/auth/tags.hpp"
#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

extern "C" {
#include <opendmarc/dmarc.h>
}

#include <algorithm>

namespace mgw::auth
{
namespace
{

using Context = Handle<DMARC_POLICY_T, opendmarc_policy_connect_shutdown>;

// the longest record that is looked at; a DNS answer may hold 64 KB
constexpr std::size_t record_octets = 8192;
constexpr std::size_t report_addresses = 20;

u_char* octets(std::string& text)
{
    return reinterpret_cast<u_char*>(text.data());
}

std::optional<Policy> parse_policy(std::string_view value)
{
    for (const auto policy : {Policy::none, Policy::quarantine, Policy::reject})
        if (iequals(value, policy_name(policy)))
            return policy;
    return std::nullopt;
}

Policy from_library(int letter)
{
    switch (letter) {
    case DMARC_RECORD_P_REJECT:
        return Policy::reject;
    case DMARC_RECORD_P_QUARANTINE:
        return Policy::quarantine;
    default:
        return Policy::none;
    }
}

bool is_uri(std::string_view text)
{
    const auto colon = text.find(':');
    return colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

/// The well-formed URIs of a list, joined again; a size behind '!' has no meaning any more and goes.
std::string usable_uris(std::string_view list)
{
    std::string out;
    std::size_t count = 0;
    for (auto uri : split(list, ',')) {
        uri = trim(uri);
        uri = uri.substr(0, uri.find('!'));
        if (!is_uri(uri) || count++ == report_addresses)
            continue;
        out.append(out.empty() ? "" : ",").append(uri);
    }
    return out;
}

/// What is left of a record for libopendmarc: each tag that it knows, once, with a value that it reads rightly.
std::optional<std::string> cleaned(const std::vector<Tag>& tags, std::string& reason)
{
    std::string out = "v=DMARC1";
    std::string rua;
    std::string ruf;
    if (const auto value = tag_value(tags, "rua"))
        rua = usable_uris(*value);
    if (const auto value = tag_value(tags, "ruf"))
        ruf = usable_uris(*value);
    const auto p = parse_policy(tag_value(tags, "p").value_or(""));
    if (!p && rua.empty()) {
        reason = "no usable p= and no rua=";
        return std::nullopt;
    }
    out.append("; p=").append(policy_name(p.value_or(Policy::none)));
    if (const auto sp = parse_policy(tag_value(tags, "sp").value_or("")))
        out.append("; sp=").append(policy_name(*sp));
    for (const auto* name : {"adkim", "aspf"})
        if (const auto mode = tag_value(tags, name); mode && (iequals(*mode, "s") || iequals(*mode, "r")))
            out.append("; ").append(name).append("=").append(1, lower(mode->front()));
    if (!rua.empty())
        out.append("; rua=").append(rua);
    if (!ruf.empty())
        out.append("; ruf=").append(ruf);
    return out;
}

std::vector<std::string> addresses(u_char** list)
{
    std::vector<std::string> out;
    for (u_char** each = list; each && *each; ++each)
        out.emplace_back(reinterpret_cast<char*>(*each));
    return out;
}

} // namespace

std::string_view policy_name(Policy policy)
{
    switch (policy) {
    case Policy::reject:
        return "reject";
    case Policy::quarantine:
        return "quarantine";
    case Policy::none:
        break;
    }
    return "none";
}

bool is_dmarc_record(std::string_view text)
{
    const auto first = text.substr(0, text.find(';'));
    const auto equals = first.find('=');
    return equals != std::string_view::npos && trim(first.substr(0, equals)) == "v" &&
           trim(first.substr(equals + 1)) == "DMARC1";
}

std::optional<DmarcRecord> parse_dmarc(std::string_view text, std::string_view domain, std::string* reason)
{
    std::string why;
    const auto refuse = [&](std::string because) {
        if (reason)
            *reason = std::move(because);
        return std::nullopt;
    };
    if (text.size() > record_octets || text.find('\0') != std::string_view::npos)
        return refuse("longer than 8192 octets, or with a NUL octet");
    if (!is_dmarc_record(text))
        return refuse("does not begin with v=DMARC1");
    const auto tags = parse_tags_leniently(text);
    for (std::size_t i = 1; i < tags.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (tags[i].name == tags[j].name)
                return refuse("tag " + std::string(tags[i].name) + "= stands twice");
    auto clean = cleaned(tags, why);
    if (!clean)
        return refuse(std::move(why));

    std::string ip = "127.0.0.1"; // only labels the library's context
    std::string from{domain};
    const Context context{opendmarc_policy_connect_init(octets(ip), DMARC_POLICY_IP_TYPE_IPV4)};
    if (!context || opendmarc_policy_store_from_domain(context.get(), octets(from)) != DMARC_PARSE_OKAY)
        return refuse("libopendmarc refuses the domain");
    if (const auto status = opendmarc_policy_store_dmarc(context.get(), octets(*clean), octets(from), nullptr);
        status != DMARC_PARSE_OKAY)
        return refuse(std::string("libopendmarc: ") + opendmarc_policy_status_to_str(status));
    DmarcRecord record;
    int value = 0;
    if (opendmarc_policy_fetch_p(context.get(), &value) == DMARC_PARSE_OKAY)
        record.p = from_library(value);
    if (opendmarc_policy_fetch_sp(context.get(), &value) == DMARC_PARSE_OKAY && value != DMARC_RECORD_P_UNSPECIFIED)
        record.sp = from_library(value);
    if (opendmarc_policy_fetch_adkim(context.get(), &value) == DMARC_PARSE_OKAY)
        record.strict_dkim = value == DMARC_RECORD_A_STRICT;
    if (opendmarc_policy_fetch_aspf(context.get(), &value) == DMARC_PARSE_OKAY)
        record.strict_spf = value == DMARC_RECORD_A_STRICT;
    record.rua = addresses(opendmarc_policy_fetch_rua(context.get(), nullptr, 0, 1));
    record.ruf = addresses(opendmarc_policy_fetch_ruf(context.get(), nullptr, 0, 1));

    record.np = parse_policy(tag_value(tags, "np").value_or(""));
    if (const auto psd = tag_value(tags, "psd");
        psd && psd->size() == 1 && (lower((*psd)[0]) == 'y' || lower((*psd)[0]) == 'n'))
        record.psd = lower((*psd)[0]);
    record.testing = iequals(tag_value(tags, "t").value_or(""), "y");
    return record;
}

} // namespace mgw::auth
