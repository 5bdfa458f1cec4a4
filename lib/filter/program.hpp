#pragma once

#include "lib/filter/lexer.hpp"
#include "lib/filter/match.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mgw::filter
{

/// A string of the script, compiled: a literal, or with the extension "variables" (RFC 5229) pieces that are put
/// together when it is used.
struct Text {
    struct Piece {
        std::string text; ///< literal text, or the name of a variable in lower case
        int match = -1;   ///< 0 to 9 for a match variable
        bool variable = false;
    };
    std::string literal;
    std::vector<Piece> pieces; ///< empty for a literal
    bool is_literal() const { return pieces.empty(); }
};

enum class AddressPart : char { all, localpart, domain, user, detail };
/// What the test `attachment` looks at.
enum class Aspect : char { name, type, true_type };
enum class TestKind : char { header, address, envelope, exists, size, string, environment, result, attachment, host };

/// One test, ready to be evaluated. Which members count depends on the kind.
struct Test {
    TestKind kind = TestKind::header;
    Position at;
    Match match;
    AddressPart part = AddressPart::all;
    Aspect aspect = Aspect::name;
    bool over = false;        ///< size
    std::uint64_t number = 0; ///< size; host: the command's number
    Text subject;             ///< result: the tool; environment: the item
    std::vector<Text> names;  ///< header fields, envelope parts, result keys, strings
    std::vector<Text> keys;
};

enum class ActionKind : char { keep, discard, redirect, fileinto, reject, quarantine, defer, accept, set, host };

/// One action, ready to be performed.
struct Step {
    ActionKind kind = ActionKind::keep;
    Position at;
    Text text;                          ///< reason, mailbox, address, or a variable's value
    std::string name;                   ///< set: the variable
    std::string cls;                    ///< the class of the verdict, "" for the default
    int code = 0;                       ///< SMTP reply code, 0 for the default
    std::string enhanced;               ///< enhanced status code, "" for the default
    bool copy = false;                  ///< RFC 3894
    std::vector<std::string> modifiers; ///< set: in the order of their application
    std::uint64_t number = 0;           ///< host: the command's number
    std::vector<Text> arguments;        ///< host
};

/// Tests leave their outcome in one flag that jumps look at.
enum class Op : char { test, action, jump, jump_if_false, jump_if_true, set_true, set_false, negate, stop };

struct Instruction {
    Op op = Op::stop;
    std::uint32_t operand = 0; ///< index of a test or an action, or the target of a jump; targets are always ahead
};

/// A compiled script: flat, without pointers into the script. Shared by all messages and never changed.
struct Program {
    std::string name; ///< the script's file name without its folder, for "policy.sieve:12"
    std::string hash; ///< SHA-256 of the script, hex
    std::vector<Instruction> code;
    std::vector<Test> tests;
    std::vector<Step> actions;
    bool differs_by_recipient = false; ///< a test looks at the envelope's recipient
    bool variables = false;
    std::string version; ///< what `environment "version"` says

    /// "policy.sieve:12"
    std::string where(Position at) const { return name + ":" + std::to_string(at.line); }
};

} // namespace mgw::filter
