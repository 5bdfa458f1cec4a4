#include "tools/mgw-send/tls_policies.hpp"

#include "lib/core/fd.hpp"

namespace mgw::send
{

namespace
{

constexpr auto system_authorities = "/etc/ssl/certs/ca-certificates.crt";

Result<std::unique_ptr<state::Store>> open_state(const Options& options, std::string& folder)
{
    if (options.state.empty())
        return state::open_memory_store();
    if (!options.state.starts_with("redis")) {
        const auto slash = options.state.rfind('/');
        folder = slash == std::string::npos ? "." : slash == 0 ? "/" : options.state.substr(0, slash);
    }
    return state::open_store({.location = options.state, .password_file = options.state_password_file});
}

} // namespace

Result<TlsPolicies> TlsPolicies::open(cli::Tool& tool, const Options& options)
{
    TlsPolicies policies;
    policies.plan_.standard = *smtp::parse_level(options.tls);
    policies.plan_.dane = options.dane;
    if (!options.tls_policy.empty()) {
        auto table = smtp::TlsTable::read(options.tls_policy);
        if (!table)
            return pass(table);
        policies.plan_.table = std::move(*table);
    }
    if (!options.mta_sts)
        return policies;
    auto store = open_state(options, policies.state_folder_);
    if (!store)
        return pass(store);
    policies.store_ = std::move(*store);
    smtp::StsFetchOptions fetch{.port = options.mta_sts_port};
    const auto file = options.tls_ca.empty() ? std::string(system_authorities) : options.tls_ca;
    if (auto authorities = read_file(file)) // without them no policy is fetched, and the reason says so
        fetch.authorities = std::move(*authorities);
    policies.sts_ = std::make_unique<smtp::StsFinder>(*policies.store_, tool.clock(),
                                                      [fetch](const std::string& domain, dns::Resolver& resolver) {
                                                          return smtp::fetch_sts_policy(domain, resolver, fetch);
                                                      });
    return policies;
}

smtp::TlsPlan TlsPolicies::plan() const
{
    auto plan = plan_;
    plan.sts = sts_.get();
    return plan;
}

} // namespace mgw::send
