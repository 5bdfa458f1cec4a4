#include "lib/smtp/mta_sts_fetch.hpp"

#include "lib/core/handle.hpp"
#include "lib/core/text.hpp"

#include <curl/curl.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t most_octets = 64U << 10; // RFC 8461 section 3.3

using Curl = Handle<CURL, curl_easy_cleanup>;
using List = Handle<curl_slist, curl_slist_free_all>;

std::size_t take(const char* octets, std::size_t size, std::size_t count, void* to)
{
    auto& text = *static_cast<std::string*>(to);
    if (size * count > most_octets - text.size())
        return 0; // curl gives up
    text.append(octets, size * count);
    return size * count;
}

StsFetched failed(const std::string& why, const char* result = "sts-policy-fetch-error")
{
    return {{}, result, printable_ascii(why, 200)};
}

/// "HOST:PORT:ADDRESS,ADDRESS" for curl, which must not ask the system; empty without an address.
std::string addresses_of(const std::string& host, dns::Resolver& resolver, std::uint16_t port)
{
    std::string list;
    for (const auto type : {dns::Type::aaaa, dns::Type::a})
        for (const auto& record : resolver.query(host, type).records)
            list += (list.empty() ? "" : ",") + record.data;
    return list.empty() ? list : host + ":" + std::to_string(port) + ":" + list;
}

bool is_text(const char* type)
{
    const std::string_view value = type == nullptr ? std::string_view{} : std::string_view(type);
    return iequals(trim(value.substr(0, value.find(';'))), "text/plain");
}

} // namespace

StsFetched fetch_sts_policy(const std::string& domain, dns::Resolver& resolver, const StsFetchOptions& options)
{
    static const bool usable = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    const std::string host = "mta-sts." + domain;
    resolver.prefetch(host, dns::Type::aaaa);
    resolver.prefetch(host, dns::Type::a);
    const auto addresses = addresses_of(host, resolver, options.port);
    if (addresses.empty())
        return failed(host + " has no address");
    const Curl curl(usable ? curl_easy_init() : nullptr);
    const List resolve(curl_slist_append(nullptr, addresses.c_str()));
    if (!curl || !resolve)
        return failed("cannot start libcurl");
    std::string text;
    std::string authorities = options.authorities;
    const std::string url = "https://" + host + ":" + std::to_string(options.port) + "/.well-known/mta-sts.txt";
    curl_blob blob{authorities.data(), authorities.size(), CURL_BLOB_NOCOPY};
    const auto set = [&](CURLoption option, auto value) { return curl_easy_setopt(curl.get(), option, value); };
    const bool ready = set(CURLOPT_URL, url.c_str()) == CURLE_OK && set(CURLOPT_RESOLVE, resolve.get()) == CURLE_OK &&
                       set(CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK && set(CURLOPT_PROXY, "") == CURLE_OK &&
                       set(CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && set(CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                       set(CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK && set(CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                       set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) == CURLE_OK &&
                       set(CURLOPT_CAINFO, nullptr) == CURLE_OK && set(CURLOPT_CAPATH, nullptr) == CURLE_OK &&
                       set(CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
                       set(CURLOPT_TIMEOUT, static_cast<long>(options.timeout.count())) == CURLE_OK &&
                       set(CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
                       set(CURLOPT_WRITEFUNCTION, &take) == CURLE_OK && set(CURLOPT_WRITEDATA, &text) == CURLE_OK &&
                       set(CURLOPT_USERAGENT, "mgw-send") == CURLE_OK;
    if (!ready)
        return failed("cannot set libcurl up");
    if (const auto code = curl_easy_perform(curl.get()); code != CURLE_OK)
        return failed(code == CURLE_WRITE_ERROR ? "the policy is larger than 64 KB" : curl_easy_strerror(code),
                      code == CURLE_PEER_FAILED_VERIFICATION ? "sts-webpki-invalid" : "sts-policy-fetch-error");
    long status = 0;
    const char* type = nullptr;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type);
    if (status != 200)
        return failed("the policy's server answers " + std::to_string(status));
    if (!is_text(type))
        return failed("the policy is not text/plain");
    return {std::move(text), {}, {}};
}

} // namespace mgw::smtp
