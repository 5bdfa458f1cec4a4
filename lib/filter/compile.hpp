#pragma once

// The inside of the compiler, shared by its source files only.

#include "lib/filter/compiler.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

class Compiler;

/// Walks the arguments of one command or test, tags first (RFC 5228 section 2.6), and reports what is missing.
class Cursor {
public:
    Cursor(Compiler& compiler, const Node& node) : compiler_(compiler), node_(node) {}

    const Node& node() const { return node_; }
    /// The next argument if it is a tag.
    const Argument* tag();
    /// The value that must follow `tag`; nullptr (and a problem) if it does not.
    const Argument* value_of(const Argument& tag, Argument::Kind kind);
    /// The next positional argument; `what` names it in the problem: "a list of header fields".
    const Argument* one_string(const char* what);
    const Argument* strings(const char* what);
    const Argument* number(const char* what);
    bool more() const { return at_ < node_.arguments.size(); }
    /// Nothing may be left: no argument, no test, no block.
    bool done();
    bool unknown_tag(const Argument& tag);

private:
    const Argument* positional(Argument::Kind kind, const char* what);

    Compiler& compiler_;
    const Node& node_;
    std::size_t at_ = 0;
};

/// Which of the tags for matching were seen.
struct MatchTags {
    Match match;
    const Argument* type = nullptr;
    const Argument* comparator = nullptr;
};

class Compiler {
public:
    explicit Compiler(const CompileOptions& options) : options_(options) {}
    Compiled run(std::string_view script);

    bool problem(Position at, std::string message, std::string hint = {});
    /// Reports a missing `require` and returns false.
    bool needs(Position at, const std::string& what, std::string_view extension);
    bool has(std::string_view extension) const { return required_.contains(extension); }

private:
    friend class Cursor;
    using Nodes = std::vector<Node>;

    void require(const Node& node);
    void block(const Nodes& nodes, bool top);
    std::size_t if_chain(const Nodes& nodes, std::size_t at);
    void command(const Node& node);
    bool condition(const Node& node);

    // compile_tests.cpp
    void test(const Node& node);
    void test_header(const Node& node, Test& test);
    void test_address(const Node& node, Test& test);
    void test_exists(const Node& node, Test& test);
    void test_size(const Node& node, Test& test);
    void test_string(const Node& node, Test& test);
    void test_environment(const Node& node, Test& test);
    void test_result(const Node& node, Test& test);
    void test_attachment(const Node& node, Test& test);
    bool match_tag(Cursor& cursor, const Argument& tag, MatchTags& tags);
    bool part_tag(const Argument& tag, Test& test, const Argument*& seen);
    void finish_match(const MatchTags& tags, Test& test);
    void check_names(const Argument& names, bool addresses_only);

    // compile_actions.cpp
    bool action(const Node& node);
    void plain(const Node& node, Step& step);
    void fileinto(const Node& node, Step& step);
    void redirect(const Node& node, Step& step);
    void verdict(const Node& node, Step& step);
    void verdict_tag(Cursor& cursor, const Argument& tag, Step& step);
    void set(const Node& node, Step& step);

    /// A string with encoded characters and variables taken care of.
    Text text(const StringItem& item);
    std::vector<Text> texts(const Argument& argument);
    /// A string that must be known now.
    std::optional<std::string> constant(const Argument& argument, const char* what);

    std::size_t emit(Op op, std::size_t operand = 0);
    void land(std::size_t jump) { program_.code[jump].operand = static_cast<std::uint32_t>(program_.code.size()); }

    const CompileOptions& options_;
    std::vector<Problem> problems_;
    std::set<std::string, std::less<>> required_;
    Program program_;
};

/// What the language has: names of commands and tests with the extension that brings them, "" for the core.
struct Word {
    std::string_view name;
    std::string_view extension;
    bool is_test;
};
const Word* find_word(std::string_view name);

} // namespace mgw::filter
