#include "tools/mgw-recv/auth_options.hpp"

#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/lists/cidr.hpp"
#include "lib/lists/map_file.hpp"
#include "lib/smtp/credentials.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <tuple>

namespace mgw::recv
{

namespace
{

constexpr std::size_t salt_octets = 16;

using SenderLogins = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

Result<SenderLogins> read_sender_logins(const std::string& path)
{
    auto table = lists::read_map(path, lists::MapForm::transport);
    if (!table)
        return pass(table);
    SenderLogins out;
    for (const auto& entry : table->entries) {
        auto value = entry.value;
        std::ranges::replace(value, ',', ' ');
        for (const auto word : split(value, ' '))
            if (!word.empty())
                out[entry.key].emplace(word);
    }
    return out;
}

/// The address decides where the table has it, else its domain.
bool may_send_as(const SenderLogins& table, const std::string& login, const std::string& path)
{
    const auto address = to_lower(lists::unquoted(path));
    auto found = table.find(address);
    if (found == table.end())
        found = table.find("@" + std::string(lists::domain_of(address)));
    return found != table.end() && found->second.contains(login);
}

/// Whether an address is in one of the networks; an empty function where there are none.
Result<smtp::FrontOptions::IsListed> networks_of(const std::vector<std::string>& networks, const char* option)
{
    if (networks.empty())
        return smtp::FrontOptions::IsListed{};
    std::string text;
    for (const auto& network : networks)
        text += network + "\n";
    auto table = lists::CidrTable::parse(text, option, lists::CidrKind::allow);
    if (!table)
        return pass(table);
    return [table = std::make_shared<const lists::CidrTable>(std::move(*table))](const std::string& ip) {
        return table->find(ip).has_value();
    };
}

} // namespace

Result<void> set_up_auth(const AuthOptions& o, bool has_certificate, smtp::FrontOptions& front)
{
    if (o.listens() && (!has_certificate || o.passwords.empty()))
        return fail(Status::usage, "--listen-submission needs --tls-cert and --passwords",
                    "passwords are taken under TLS only");
    if (!o.passwords.empty() && !o.listens())
        return fail(Status::usage, "--passwords without --listen-submission: AUTH is offered there only");
    front.wrong_password_pause = std::chrono::seconds(o.wrong_password_pause);
    if (!o.sender_logins.empty()) {
        auto table = read_sender_logins(o.sender_logins);
        if (!table)
            return pass(table);
        front.server.may_send_as = [table = std::make_shared<const SenderLogins>(std::move(*table))](
                                       const std::string& login, const std::string& path) {
            return may_send_as(*table, login, path);
        };
    }
    const auto lists = {std::tuple{&o.relay_from, "--relay-from", &front.may_relay},
                        std::tuple{&o.proxy_from, "--proxy-from", &front.is_proxy},
                        std::tuple{&o.xclient_from, "--xclient-from", &front.may_xclient}};
    for (const auto& [networks, option, into] : lists) {
        auto listed = networks_of(*networks, option);
        if (!listed)
            return pass(listed);
        *into = std::move(*listed);
    }
    return {};
}

Result<Status> run_passwd(cli::Tool& tool, const AuthOptions& o)
{
    if (o.login.empty() || o.login.size() > 255 || o.login.contains(":SCRAM-SHA-256$") || o.login.starts_with('#') ||
        printable_ascii(o.login) != o.login || trim(o.login) != o.login)
        return fail(Status::usage, "no login: " + printable(o.login));
    std::string password;
    if (!std::getline(std::cin, password) || password.empty())
        return fail(Status::data, "no password on standard input");
    if (password.ends_with('\r'))
        password.pop_back();
    if (password.size() > 1024 || password.contains('\0'))
        return fail(Status::data, "a password has 1 to 1024 octets and no NUL");
    std::cout << smtp::credential_line(o.login, password, tool.random().octets(salt_octets)) << '\n';
    return Status::ok;
}

} // namespace mgw::recv
