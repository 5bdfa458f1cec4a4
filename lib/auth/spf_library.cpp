#include "lib/auth/spf_library.hpp"

#include "lib/auth/spf_guard.hpp"
#include "lib/core/handle.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>

extern "C" {
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_dns_rr.h>
}

namespace mgw::auth::spf
{
namespace
{

using Server = Handle<SPF_server_t, SPF_server_free>;
using Request = Handle<SPF_request_t, SPF_request_free>;
using Response = Handle<SPF_response_t, SPF_response_free>;

// The guard counts; the library's own limits are not those of RFC 7208.
constexpr int no_limit = 10000;

int host_error(const Guard::Reply& reply)
{
    if (reply.kind == Guard::Reply::Kind::again)
        return TRY_AGAIN;
    return reply.items.empty() ? NO_DATA : NETDB_SUCCESS;
}

bool fits(ns_type type, Guard::Reply::Kind kind, std::size_t octets)
{
    using Kind = Guard::Reply::Kind;
    switch (kind) {
    case Kind::text:
        return type == ns_t_txt;
    case Kind::hosts:
        return type == ns_t_mx;
    case Kind::addresses:
        return (type == ns_t_a && octets == 4) || (type == ns_t_aaaa && octets == 16);
    default:
        return false;
    }
}

/// Puts the reply into a record set of the library. Its buffers hold zero octets beyond what is copied, so texts end.
SPF_dns_rr_t* make_set(SPF_dns_server_t* server, const char* name, ns_type type, const Guard::Reply& reply)
{
    SPF_dns_rr_t* set = SPF_dns_rr_new_init(server, name, type, 0, host_error(reply));
    if (set == nullptr)
        throw std::bad_alloc();
    for (const auto& item : reply.items) {
        if (!fits(type, reply.kind, item.size()))
            continue;
        const auto size = std::max(item.size() + 1, sizeof(SPF_dns_rr_data_t));
        if (SPF_dns_rr_buf_realloc(set, set->num_rr, size) != SPF_E_SUCCESS)
            throw std::bad_alloc();
        auto* data = reinterpret_cast<char*>(set->rr[set->num_rr]);
        std::memset(data, 0, size);
        std::memcpy(data, item.data(), item.size());
        ++set->num_rr;
    }
    return set;
}

/// The library has no way to hear of an exception, nor of a missing record set: running out of memory ends the process
/// here (noexcept), as it would a few lines on.
SPF_dns_rr_t* look_up(SPF_dns_server_t* server, const char* name, ns_type type, int /*should_cache*/) noexcept
{
    auto& guard = *static_cast<Guard*>(server->hook);
    if (static_cast<int>(type) == ns_t_spf) // RFC 7208 section 3.1: TXT only
        return make_set(server, name, type, {});
    return make_set(server, name, type, guard.answer(name));
}

void set_client(SPF_request_t* request, const std::string& client)
{
    if (client.size() == sizeof(in_addr)) {
        in_addr four{};
        std::memcpy(&four, client.data(), sizeof(four));
        SPF_request_set_ipv4(request, four);
    } else {
        in6_addr six{};
        std::memcpy(&six, client.data(), std::min(client.size(), sizeof(six)));
        SPF_request_set_ipv6(request, six);
    }
}

} // namespace

std::string evaluate_with_library(Guard& guard, const std::string& client, const std::string& first_name)
{
    SPF_dns_server_t dns{};
    dns.lookup = &look_up;
    dns.name = "mgw";
    dns.hook = &guard;
    const Server server(SPF_server_new_dns(&dns, 0));
    if (!server)
        throw std::bad_alloc();
    // The host's name, taken by the library with gethostname(), may stand in its buffer without an end.
    SPF_server_set_rec_dom(server.get(), "mgw.q");
    SPF_server_set_max_dns_mech(server.get(), no_limit);
    SPF_server_set_max_dns_mx(server.get(), no_limit);
    SPF_server_set_max_dns_ptr(server.get(), no_limit);
    SPF_response_t* raw = nullptr;
    // Its default explanation is full of macros; ours is expanded elsewhere.
    SPF_server_set_explanation(server.get(), "none", &raw);
    Response set_up(raw);
    const Request request(SPF_request_new(server.get()));
    if (!request)
        throw std::bad_alloc();
    set_client(request.get(), client);
    SPF_request_set_env_from(request.get(), ("x@" + first_name).c_str());
    raw = nullptr;
    SPF_request_query_mailfrom(request.get(), &raw);
    const Response response(raw);
    if (!response)
        return {};
    switch (SPF_response_result(response.get())) {
    case SPF_RESULT_PASS:
        return "pass";
    case SPF_RESULT_FAIL:
        return "fail";
    case SPF_RESULT_SOFTFAIL:
        return "softfail";
    case SPF_RESULT_NEUTRAL:
        return "neutral";
    default:
        return {};
    }
}

} // namespace mgw::auth::spf
