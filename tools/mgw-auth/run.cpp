#include "run.hpp"

#include "lib/auth/auth.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <optional>

#include <unistd.h>

namespace mgw::auth_tool
{
namespace
{

constexpr std::size_t key_octets = 64U << 10;

std::string host_name()
{
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

std::string folder_of(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

class Verify : public cli::Stage {
public:
    explicit Verify(const Options& options) : options_(options) {}

    Result<void> prepare(cli::Tool&) override
    {
        authserv_id_ = options_.authserv_id.empty() ? host_name() : options_.authserv_id;
        if (printable_ascii(authserv_id_) != authserv_id_)
            return fail(Status::usage, "--authserv-id must be printable ASCII");
        // a zone is read once and shared by the workers; sockets are opened in each of them
        if (!options_.dns_zone.empty())
            return open_resolver();
        return {};
    }

    Rights rights() const override
    {
        Rights rights;
        rights.network = options_.dns_zone.empty();
        if (rights.network)
            rights.read = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services"};
        if (!options_.dns_record.empty())
            rights.write.push_back(folder_of(options_.dns_record));
        return rights;
    }

    Result<void> start() override
    {
        if (!resolver_)
            if (auto opened = open_resolver(); !opened)
                return pass(opened);
        auth::DkimPolicy policy;
        policy.min_rsa_bits = options_.min_rsa_bits;
        policy.signatures = options_.max_signatures;
        verifier_.emplace(policy);
        return {};
    }

    std::string basis() const override { return options_.dns_zone.empty() ? std::string{} : resolver_->describe(); }

    /// Workers wait for the DNS most of the time.
    unsigned default_jobs() const override { return options_.dns_zone.empty() ? 16 : 0; }

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        const mail::Message message(subject.message, context.limits);
        const auto client = subject.block.client();
        const auth::Arrival arrival{client.ip, client.helo, subject.block.from(), authserv_id_};
        const auto discovery = options_.org_domain == "psl" ? auth::Discovery::psl : auth::Discovery::walk;
        const auto findings = auth::measure(message, arrival, *verifier_, *resolver_, discovery, context.clock.now());
        annotate(subject, message, findings, arrival, context);
        record(findings, context.record);
        if (context.explaining)
            for (const auto& line : auth::explain(findings, arrival))
                context.explain(line);
        return {};
    }

private:
    Result<void> open_resolver()
    {
        auto resolver = dns::open_resolver({options_.dns_zone, options_.dns_record, options_.dns_server,
                                            std::chrono::milliseconds(options_.dns_timeout_ms)});
        if (!resolver)
            return pass(resolver);
        resolver_ = std::move(*resolver);
        return {};
    }

    void annotate(cli::Subject& subject, const mail::Message& message, const auth::Findings& findings,
                  const auth::Arrival& arrival, cli::Context& context) const
    {
        for (const auto& field : auth::forged_results(message, authserv_id_)) {
            subject.edits.remove_field(field);
            context.explain("authentication-results: a field that came in the name of " + authserv_id_ + " is removed");
        }
        subject.edits.prepend_field(message, auth::results_field(authserv_id_, auth::methods_of(findings, arrival)));
        if (options_.received_spf && findings.spf_reason.empty()) {
            auto field = auth::received_spf(
                {arrival.ip, arrival.helo, arrival.mail_from.value_or(""), arrival.receiver}, findings.spf);
            std::erase(field, '\r');
            if (field.ends_with('\n'))
                field.pop_back();
            subject.edits.prepend_field(message, field);
        }
        auto values = auth::result_values(findings);
        const auto source = resolver_->describe();
        if (const auto at = source.find("sha256="); at != std::string::npos)
            values.emplace_back("dns", source.substr(at + 7));
        subject.block.add_result("mgw-auth", values);
    }

    static void record(const auth::Findings& findings, Record& record)
    {
        record.text("spf", findings.spf.result)
            .text("dkim", findings.dkim.result)
            .text("dmarc", findings.dmarc.result)
            .text("policy", auth::policy_name(findings.dmarc.policy))
            .text("iprev", findings.iprev.result)
            .text("from_domain", findings.dmarc.from_domain)
            .list("domains", auth::passed_domains(findings.dkim));
    }

    const Options& options_;
    std::string authserv_id_;
    std::unique_ptr<dns::Resolver> resolver_;
    std::optional<auth::DkimVerifier> verifier_;
};

class Sign : public cli::Stage {
public:
    explicit Sign(const Options& options) : options_(options) {}

    Result<void> prepare(cli::Tool&) override
    {
        auto key = read_file(options_.signing_key_file, key_octets);
        if (!key)
            return pass(key);
        how_ = {options_.domain, options_.selector, std::move(*key), options_.lifetime_seconds};
        // a key that cannot be used is said before anything is read; each worker opens its own again
        auto signer = auth::DkimSigner::open(how_);
        if (!signer)
            return fail(signer.error().status, options_.signing_key_file + ": " + signer.error().message,
                        signer.error().hint);
        return {};
    }

    Rights rights() const override { return {}; }

    Result<void> start() override
    {
        auto signer = auth::DkimSigner::open(how_);
        if (!signer)
            return pass(signer);
        signer_ = std::move(*signer);
        return {};
    }

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        const mail::Message message(subject.message, context.limits);
        auto field = signer_->sign(message, context.clock.now());
        if (!field)
            return pass(field);
        subject.edits.prepend_field(message, *field);
        context.record.text("signed", options_.domain).text("selector", options_.selector);
        context.explain("dkim: signed d=" + options_.domain + " s=" + options_.selector +
                        " a=" + std::string(signer_->algorithm()));
        return {};
    }

private:
    const Options& options_;
    auth::DkimSigning how_;
    std::optional<auth::DkimSigner> signer_;
};

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    if (options.command == Command::sign) {
        Sign stage(options);
        return cli::run_stage(tool, options.sign_stage, stage);
    }
    Verify stage(options);
    return cli::run_stage(tool, options.stage, stage);
}

} // namespace mgw::auth_tool
