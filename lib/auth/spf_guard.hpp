#pragma once

#include "lib/auth/spf.hpp"
#include "lib/auth/spf_macro.hpp"
#include "lib/auth/spf_record.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mgw::auth::spf
{

/// What is checked, taken apart.
struct Subject {
    std::string client; ///< 4 or 16 octets
    std::string domain;
    MacroValues values; ///< of the first record
};

/// Stands between libspf2 and the world.
///
/// No octet of a sender's DNS reaches the library. Each record is checked by our own grammar and handed over in words
/// of ours: a term `a:%{i}._x.example.net/24` becomes `a:t7.q/24`, and the library asks for "t7.q" when its evaluation
/// gets there. Then the guard counts the term, expands its macros, asks the resolver, and gives addresses back. What is
/// left to the library is what it does well: the order of terms, qualifiers, prefix matching, and the results of
/// included and redirected records. The rest stays outside, because in version 1.2.10 of Debian 12
/// - an exp= text of 127 macros crashes the process, and the macro code accepts what RFC 7208 forbids;
/// - of a record, terms beyond 511 compiled octets are dropped without a word (65 `ip4` terms are enough), so terms of
///   address ranges that do not hold the client are not handed over, and a record ends where evaluation must end;
/// - the prefix length 0 is refused: the client's own address stands for it where the name has any;
/// - redirect= works at its place and not at the end; limits hold for each include, and not at all for void look-ups;
/// - loopback clients pass: their addresses, and all they are compared with, are moved to another range.
class Guard {
public:
    Guard(Subject subject, dns::Resolver& resolver, SpfResult& result);

    /// Evaluates and fills result, mechanism, explanation, trace and counts.
    void run();

    /// The answer to one question of the library. `addresses`: 4 or 16 octets each.
    struct Reply {
        enum class Kind : char { none, again, text, addresses, hosts };
        Kind kind = Kind::none;
        std::vector<std::string> items;
    };
    Reply answer(const std::string& name);

private:
    struct Loaded {
        std::string domain;
        Record record;
        std::optional<std::size_t> reached;    ///< term that evaluation came to last
        bool at_end = false;                   ///< it went past the last one
        std::optional<std::size_t> redirected; ///< the record that redirect= led to
    };
    /// What a name of ours stands for.
    struct Asked {
        enum class Kind : char { first, redirect, term, end, host };
        Kind kind;
        std::size_t record = 0;
        std::size_t term = 0;
        std::string host = {};
    };

    std::string name_for(Asked asked);
    Reply answer_term(const Asked& asked);
    Reply load(const std::string& domain, const Asked& asked);
    Reply refuse_missing_record(const std::string& domain, const Asked& asked);
    std::string rewrite(std::size_t index);
    void add_term(std::string& text, std::size_t index, std::size_t term);
    void prefetch(const Loaded& loaded, const Term& term);
    Reply addresses_of(const std::string& name, unsigned bits, bool counts);
    Reply exchanges_of(const std::string& name, const Asked& asked);
    Reply exists(const std::string& name);
    Reply pointed_to(const std::string& name);
    const std::vector<std::string>& validated_names();
    std::string validated_name(const std::string& domain);

    dns::Answer ask(const std::string& name, dns::Type type);
    Reply stop(std::string result, std::string why);
    Reply failed_look_up(const std::string& name, dns::Type type, dns::Code code);
    bool count_term();
    bool count_void(const dns::Answer& answer);
    MacroValues values_for(const std::string& domain);
    std::string target(std::size_t record, const std::string& domain_spec);
    std::string shown(std::string octets) const;
    dns::Type address_type() const;
    unsigned bits_of(const Term& term) const;

    void evaluate();
    const Loaded* final_record() const;
    void explain(const Loaded& loaded);

    Subject subject_;
    dns::Resolver& resolver_;
    SpfResult& result_;
    bool loopback_;
    std::chrono::steady_clock::time_point deadline_;
    std::vector<Loaded> records_;
    std::vector<Asked> asked_;
    std::optional<std::vector<std::string>> validated_;
    std::string stopped_; ///< the result, when the guard knows it and the library does not
    std::string why_;
};

} // namespace mgw::auth::spf
