#include "lib/route/envelope.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>

namespace mgw::route
{

namespace
{

/// Block lines that several recipients share: "1,3 smtp:[192.0.2.1]:25".
template <class Value> class Grouped {
public:
    void add(const std::string& number, const Value& value)
    {
        const auto found = std::ranges::find_if(groups_, [&](const auto& group) { return same(group.second, value); });
        if (found == groups_.end())
            groups_.emplace_back(number, value);
        else
            found->first.append(",").append(number);
    }
    const std::vector<std::pair<std::string, Value>>& all() const { return groups_; }

private:
    static bool same(const std::string& a, const std::string& b) { return a == b; }
    static bool same(const mail::Verdict& a, const mail::Verdict& b)
    {
        return a.action == b.action && a.code == b.code && a.enhanced == b.enhanced && a.cls == b.cls && a.at == b.at &&
               a.text == b.text;
    }

    std::vector<std::pair<std::string, Value>> groups_;
};

std::string_view root_of(std::string_view number)
{
    // "0.1" is new and has no original recipient
    return number.starts_with("0.") ? number : number.substr(0, number.find('.'));
}

std::vector<std::string> relatives_of(const mail::Recipient& recipient, const std::vector<mail::Recipient>& all)
{
    std::vector<std::string> out;
    if (!recipient.number.contains('.'))
        return out;
    for (const auto& other : all)
        if (other.number != recipient.number && root_of(other.number) == root_of(recipient.number))
            out.push_back(other.path);
    return out;
}

/// RFC 6533 section 3: addresses with octets above 127 have the type utf-8, with them written as \x{HEX}.
std::string orcpt(std::string_view address)
{
    if (is_ascii(address) || !is_valid_utf8(address))
        return "ORCPT=rfc822;" + xtext(address);
    std::string out = "ORCPT=utf-8;";
    while (!address.empty()) {
        const auto c = take_code_point(address);
        if (c > 32 && c < 127 && c != '+' && c != '=' && c != '\\')
            out += static_cast<char>(c);
        else
            out += mail::embedded_unicode(c);
    }
    return out;
}

} // namespace

std::string child_parameters(const mail::Recipient& parent)
{
    for (const auto word : split_blanks(parent.parameters))
        if (istarts_with(word, "ORCPT="))
            return parent.parameters;
    return parent.parameters + (parent.parameters.empty() ? "" : " ") + orcpt(parent.path);
}

namespace
{

class Rerouting {
public:
    Rerouting(mail::Block& block, const Router& router, Time now) : block_(block), router_(router), now_(now) {}

    Rerouted run()
    {
        const auto all = block_.recipients();
        std::vector<mail::Recipient> accepted;
        for (auto& recipient : block_.final_recipients()) {
            if (block_.effective(recipient.number).action == mail::Action::accept)
                accepted.push_back(std::move(recipient));
            else
                ++done_.skipped;
        }
        for (const auto& recipient : accepted)
            route_one(recipient, relatives_of(recipient, all));
        for (const auto& [numbers, verdict] : verdicts_.all()) {
            mail::Verdict v = verdict;
            v.recipients = numbers;
            block_.add_verdict(v);
        }
        for (const auto& [numbers, hop] : hops_.all())
            block_.add_hop(numbers, hop);
        if (any_forward_)
            rewrite_sender();
        return std::move(done_);
    }

private:
    void route_one(const mail::Recipient& recipient, const std::vector<std::string>& relatives)
    {
        ++done_.routed;
        Routing routing = router_.route(recipient.path, now_, relatives);
        for (auto& step : routing.steps)
            done_.steps.push_back(recipient.number + " " + step);
        const bool is_itself = routing.targets.size() == 1 && routing.targets[0].address == recipient.path;
        std::size_t child = 0;
        for (const auto& target : routing.targets) {
            std::string number = recipient.number;
            if (!is_itself) {
                number += "." + std::to_string(++child);
                block_.add_recipient(number, target.address, child_parameters(recipient));
            }
            if (target.verdict) {
                ++done_.refused;
                verdicts_.add(number, *target.verdict);
            } else {
                hops_.add(number, target.hop);
            }
            any_forward_ = any_forward_ || (target.is_forward && !target.verdict);
        }
    }

    void rewrite_sender()
    {
        const auto& tables = router_.tables();
        const auto sender = block_.from();
        if (!tables.srs || !sender || sender->empty())
            return;
        const std::string domain = to_lower(lists::domain_of(*sender));
        if (tables.local_domains.contains(domain) || domain == tables.srs->domain())
            return;
        auto rewritten = tables.srs->forward(*sender, now_);
        if (!rewritten) {
            done_.steps.push_back("the sender stays: " + rewritten.error().message);
            return;
        }
        done_.steps.push_back("sender " + printable(*sender, 100) + " -> " + printable(*rewritten, 200) + " (SRS)");
        block_.set_from(*rewritten, block_.from_parameters());
        done_.srs_sender = std::move(*rewritten);
        done_.sender_before = *sender;
    }

    mail::Block& block_;
    const Router& router_;
    Time now_;
    Rerouted done_;
    Grouped<mail::Verdict> verdicts_;
    Grouped<std::string> hops_;
    bool any_forward_ = false;
};

} // namespace

Rerouted reroute(mail::Block& block, const Router& router, Time now)
{
    return Rerouting(block, router, now).run();
}

} // namespace mgw::route
