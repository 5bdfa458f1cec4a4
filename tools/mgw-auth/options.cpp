#include "options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::auth_tool
{
namespace
{

void declare_dns(cli::Tool& tool, CLI::App& app, Options& o)
{
    tool.hint(
        app.add_option("--dns-zone", o.dns_zone, "Zone file that answers in place of the network.")->type_name("FILE"),
        cli::Complete::file);
    tool.hint(app.add_option("--dns-record", o.dns_record, "File to which DNS answers are appended, as a zone file.")
                  ->type_name("FILE"),
              cli::Complete::file);
    app.add_option("--dns-server", o.dns_server,
                   "Name servers as ADDRESS:PORT, separated by commas; without it those of /etc/resolv.conf.")
        ->type_name("SERVERS");
    app.add_option("--dns-timeout", o.dns_timeout_ms, "Milliseconds until a look-up fails, 100 to 60000.")
        ->type_name("MS")
        ->capture_default_str()
        ->check(CLI::Range(100U, 60000U).description(""));
}

void declare_sign(cli::Tool& tool, CLI::App& sign, Options& o)
{
    sign.callback([&o] { o.command = Command::sign; });
    sign.add_option("--domain", o.domain, "Domain that signs (d=).")->type_name("DOMAIN")->required();
    sign.add_option("--selector", o.selector, "Selector of the key (s=).")->type_name("SELECTOR")->required();
    tool.hint(sign.add_option("--signing-key-file", o.signing_key_file,
                              "Private RSA or Ed25519 key in PEM form, without a pass phrase.")
                  ->type_name("FILE")
                  ->required(),
              cli::Complete::file);
    sign.add_option("--lifetime", o.lifetime_seconds,
                    "Seconds until the signature expires (x=), 0 to 31536000; 0 for never.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{31536000}).description(""));
    cli::declare_stage_options(tool, sign, o.sign_stage);
}

} // namespace

void declare(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
    app.add_option("--authserv-id", o.authserv_id,
                   "Name that Authentication-Results fields speak in; without it the machine's name.")
        ->type_name("NAME");
    tool.choices(app.add_option("--org-domain", o.org_domain,
                                "How DMARC finds the organizational domain: by the DNS tree walk or the public suffix "
                                "list.")
                     ->type_name("HOW")
                     ->capture_default_str(),
                 {"walk", "psl"});
    app.add_flag("--received-spf", o.received_spf, "Also add the field Received-SPF.");
    app.add_option("--min-rsa-bits", o.min_rsa_bits, "Smallest RSA key that DKIM may use, in bits, 512 to 4096.")
        ->type_name("BITS")
        ->capture_default_str()
        ->check(CLI::Range(512U, 4096U).description(""));
    app.add_option("--max-signatures", o.max_signatures, "DKIM signatures of one message that are verified, 1 to 100.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1U, 100U).description(""));
    declare_dns(tool, app, o);
    cli::declare_stage_options(tool, app, o.stage);
    tool.command("sign", "Add a DKIM signature.", [&](CLI::App& sign) { declare_sign(tool, sign, o); });
}

} // namespace mgw::auth_tool
