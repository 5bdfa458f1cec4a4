#include "lib/filter/compile.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

/// Fields that hold addresses (RFC 5228 section 5.1 asks that `address` is restricted to such).
constexpr std::string_view address_fields[] = {"from",
                                               "to",
                                               "cc",
                                               "bcc",
                                               "sender",
                                               "reply-to",
                                               "resent-from",
                                               "resent-to",
                                               "resent-cc",
                                               "resent-bcc",
                                               "resent-sender",
                                               "resent-reply-to",
                                               "return-path",
                                               "delivered-to",
                                               "envelope-to",
                                               "envelope-from",
                                               "x-original-to",
                                               "x-envelope-to",
                                               "x-envelope-from",
                                               "apparently-to",
                                               "errors-to",
                                               "return-receipt-to",
                                               "mail-followup-to",
                                               "mail-reply-to",
                                               "disposition-notification-to",
                                               "abuse-reports-to",
                                               "x-complaints-to",
                                               "x-report-abuse-to",
                                               "x-original-from",
                                               "original-recipient",
                                               "final-recipient",
                                               "approved",
                                               "author"};

bool is_field_name(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 32 && c < 127 && c != ':'; });
}

} // namespace

void Compiler::test(const Node& node)
{
    const Word* word = find_word(node.name);
    if (word == nullptr || !word->is_test) {
        problem(node.at, "unknown test \"" + printable(node.name, 60) + "\"",
                word == nullptr ? "tests are header, address, envelope, exists, size, string, environment, result, "
                                  "attachment, allof, anyof, not, true, false"
                                : "this is a command; a missing ';' makes it a test");
        return;
    }
    if (!needs(node.at, "\"" + node.name + "\"", word->extension))
        return;
    if (node.name == "true" || node.name == "false") {
        if (Cursor(*this, node).done())
            emit(node.name == "true" ? Op::set_true : Op::set_false);
        return;
    }
    if (node.name == "not" || node.name == "allof" || node.name == "anyof") {
        const bool is_not = node.name == "not";
        if (!node.arguments.empty())
            problem(node.arguments.front().at, "\"" + node.name + "\" takes tests, no other arguments");
        if (node.tests.empty() || node.test_list == is_not)
            problem(node.at, "\"" + node.name + (is_not ? "\" needs exactly one test" : "\" needs a list of tests"),
                    is_not ? "join several by anyof (…)" : "write them in parentheses, separated by ','");
        std::vector<std::size_t> ends;
        for (const auto& inner : node.tests) {
            test(inner);
            if (!is_not && &inner != &node.tests.back())
                ends.push_back(emit(node.name == "allof" ? Op::jump_if_false : Op::jump_if_true));
        }
        if (is_not)
            emit(Op::negate);
        for (const auto jump : ends)
            land(jump);
        return;
    }

    using Handler = void (Compiler::*)(const Node&, Test&);
    struct Entry {
        std::string_view name;
        TestKind kind;
        Handler handler;
    };
    static constexpr Entry entries[] = {
        {"header", TestKind::header, &Compiler::test_header},
        {"address", TestKind::address, &Compiler::test_address},
        {"envelope", TestKind::envelope, &Compiler::test_address},
        {"exists", TestKind::exists, &Compiler::test_exists},
        {"size", TestKind::size, &Compiler::test_size},
        {"string", TestKind::string, &Compiler::test_string},
        {"environment", TestKind::environment, &Compiler::test_environment},
        {"result", TestKind::result, &Compiler::test_result},
        {"attachment", TestKind::attachment, &Compiler::test_attachment},
    };
    const auto* entry = std::ranges::find(entries, std::string_view(node.name), &Entry::name);
    Test made;
    made.kind = entry->kind;
    made.at = node.at;
    (this->*entry->handler)(node, made);
    program_.tests.push_back(std::move(made));
    emit(Op::test, program_.tests.size() - 1);
}

bool Compiler::match_tag(Cursor& cursor, const Argument& tag, MatchTags& tags)
{
    if (tag.tag == "comparator") {
        const Argument* name = cursor.value_of(tag, Argument::Kind::strings);
        if (name == nullptr)
            return true;
        if (tags.comparator != nullptr)
            problem(tag.at, "there is a second \":comparator\"");
        tags.comparator = &tag;
        const auto text = constant(*name, "the name of a comparator");
        const auto comparator = text ? parse_comparator(*text) : std::nullopt;
        if (!comparator)
            problem(name->at, "the comparator \"" + printable(text.value_or(""), 60) + "\" is not supported",
                    "comparators are i;octet, i;ascii-casemap and i;ascii-numeric");
        else if (*comparator != Comparator::ascii_numeric ||
                 needs(name->at, "this comparator", "comparator-i;ascii-numeric"))
            tags.match.comparator = *comparator;
        return true;
    }
    constexpr std::string_view types[] = {"is", "contains", "matches", "count", "value"};
    const auto* type = std::ranges::find(types, std::string_view(tag.tag));
    if (type == std::end(types))
        return false;
    if (tags.type != nullptr)
        problem(tag.at, "there is a second match type", "\":" + tags.type->tag + "\" stands before it");
    tags.type = &tag;
    tags.match.type = static_cast<MatchType>(type - std::begin(types));
    if (tags.match.type != MatchType::count && tags.match.type != MatchType::value)
        return true;
    needs(tag.at, "\":" + tag.tag + "\"", "relational");
    const Argument* name = cursor.value_of(tag, Argument::Kind::strings);
    const auto text = name != nullptr ? constant(*name, "a relation") : std::nullopt;
    const auto relation = text ? parse_relation(*text) : std::nullopt;
    if (relation)
        tags.match.relation = *relation;
    else if (text)
        problem(name->at, "there is no relation \"" + printable(*text, 60) + "\"",
                "relations are gt, ge, lt, le, eq and ne");
    return true;
}

void Compiler::finish_match(const MatchTags& tags, Test& test)
{
    test.match = tags.match;
    const bool substring = test.match.type == MatchType::contains || test.match.type == MatchType::matches;
    if (substring && test.match.comparator == Comparator::ascii_numeric)
        problem(tags.comparator->at,
                "i;ascii-numeric compares whole numbers: it cannot be used with \":" + tags.type->tag + "\"");
    // a count is a number: as text, 10 would be less than 9
    if (test.match.type == MatchType::count && tags.comparator == nullptr)
        test.match.comparator = Comparator::ascii_numeric;
}

bool Compiler::part_tag(const Argument& tag, Test& test, const Argument*& seen)
{
    constexpr std::string_view parts[] = {"all", "localpart", "domain", "user", "detail"};
    const auto* part = std::ranges::find(parts, std::string_view(tag.tag));
    if (part == std::end(parts))
        return false;
    if (seen != nullptr)
        problem(tag.at, "there is a second part of an address", "\":" + seen->tag + "\" stands before it");
    seen = &tag;
    test.part = static_cast<AddressPart>(part - std::begin(parts));
    if (test.part == AddressPart::user || test.part == AddressPart::detail)
        needs(tag.at, "\":" + tag.tag + "\"", "subaddress");
    return true;
}

void Compiler::check_names(const Argument& names, bool addresses_only)
{
    for (const auto& item : names.strings) {
        const Text name = text(item);
        if (!name.is_literal())
            continue;
        if (!is_field_name(name.literal))
            problem(item.at, "\"" + printable(name.literal, 60) + "\" is no name of a header field",
                    name.literal.ends_with(':') ? "leave the colon out" : "");
        else if (addresses_only &&
                 std::ranges::find(address_fields, to_lower(name.literal)) == std::end(address_fields))
            problem(item.at, "the field \"" + printable(name.literal, 60) + "\" holds no addresses",
                    "use the test header");
    }
}

void Compiler::test_header(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    MatchTags tags;
    while (const Argument* tag = cursor.tag()) {
        if (!match_tag(cursor, *tag, tags))
            cursor.unknown_tag(*tag);
    }
    finish_match(tags, test);
    const Argument* names = cursor.strings("the names of header fields");
    const Argument* keys = names != nullptr ? cursor.strings("what to look for") : nullptr;
    if (keys == nullptr || !cursor.done())
        return;
    check_names(*names, false);
    test.names = texts(*names);
    test.keys = texts(*keys);
}

/// `address` (RFC 5228 section 5.1) and `envelope` (section 5.4) differ in what they name.
void Compiler::test_address(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    MatchTags tags;
    const Argument* part = nullptr;
    while (const Argument* tag = cursor.tag()) {
        if (!match_tag(cursor, *tag, tags) && !part_tag(*tag, test, part))
            cursor.unknown_tag(*tag);
    }
    finish_match(tags, test);
    const bool envelope = test.kind == TestKind::envelope;
    const Argument* names = cursor.strings(envelope ? "\"from\" or \"to\"" : "the names of header fields");
    const Argument* keys = names != nullptr ? cursor.strings("what to look for") : nullptr;
    if (keys == nullptr || !cursor.done())
        return;
    test.names = texts(*names);
    test.keys = texts(*keys);
    if (!envelope) {
        check_names(*names, true);
        return;
    }
    for (std::size_t i = 0; i < test.names.size(); ++i) {
        const Text& name = test.names[i];
        if (!name.is_literal() || iequals(name.literal, "to"))
            program_.differs_by_recipient = true;
        else if (!iequals(name.literal, "from"))
            problem(names->strings[i].at, "the envelope has no part \"" + printable(name.literal, 60) + "\"",
                    "its parts are \"from\" and \"to\"");
    }
}

void Compiler::test_exists(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    if (const Argument* tag = cursor.tag(); tag != nullptr) {
        cursor.unknown_tag(*tag);
        return;
    }
    const Argument* names = cursor.strings("the names of header fields");
    if (names == nullptr || !cursor.done())
        return;
    check_names(*names, false);
    test.names = texts(*names);
}

void Compiler::test_size(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    const Argument* seen = nullptr;
    while (const Argument* tag = cursor.tag()) {
        if (tag->tag != "over" && tag->tag != "under")
            cursor.unknown_tag(*tag);
        else if (seen != nullptr)
            problem(tag->at, "\"size\" takes one of \":over\" and \":under\"");
        seen = tag;
        test.over = tag->tag == "over";
    }
    if (seen == nullptr) {
        problem(node.at, "\"size\" needs \":over\" or \":under\"", "for example: size :over 10M");
        return;
    }
    const Argument* number = cursor.number("a number of octets");
    if (number != nullptr && cursor.done())
        test.number = number->number;
}

void Compiler::test_string(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    MatchTags tags;
    while (const Argument* tag = cursor.tag()) {
        if (!match_tag(cursor, *tag, tags))
            cursor.unknown_tag(*tag);
    }
    finish_match(tags, test);
    const Argument* sources = cursor.strings("the strings to look at");
    const Argument* keys = sources != nullptr ? cursor.strings("what to look for") : nullptr;
    if (keys == nullptr || !cursor.done())
        return;
    test.names = texts(*sources);
    test.keys = texts(*keys);
}

/// RFC 5183.
void Compiler::test_environment(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    MatchTags tags;
    while (const Argument* tag = cursor.tag()) {
        if (!match_tag(cursor, *tag, tags))
            cursor.unknown_tag(*tag);
    }
    finish_match(tags, test);
    const Argument* item = cursor.one_string("the name of an item");
    const Argument* keys = item != nullptr ? cursor.strings("what to look for") : nullptr;
    if (keys == nullptr || !cursor.done())
        return;
    test.subject = text(item->strings.front());
    test.keys = texts(*keys);
}

void Compiler::test_result(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    MatchTags tags;
    while (const Argument* tag = cursor.tag()) {
        if (!match_tag(cursor, *tag, tags))
            cursor.unknown_tag(*tag);
    }
    finish_match(tags, test);
    const Argument* tool = cursor.one_string("the tool whose results count");
    const Argument* names = tool != nullptr ? cursor.strings("the names of results") : nullptr;
    const Argument* keys = names != nullptr ? cursor.strings("what to look for") : nullptr;
    if (keys == nullptr || !cursor.done())
        return;
    test.subject = text(tool->strings.front());
    if (test.subject.is_literal() && !test.subject.literal.starts_with("mgw-"))
        problem(tool->at, "\"" + printable(test.subject.literal, 60) + "\" is no tool",
                "for example \"mgw-auth\" or \"mgw-scan\"");
    test.names = texts(*names);
    test.keys = texts(*keys);
}

void Compiler::test_attachment(const Node& node, Test& test)
{
    Cursor cursor(*this, node);
    MatchTags tags;
    const Argument* seen = nullptr;
    while (const Argument* tag = cursor.tag()) {
        if (match_tag(cursor, *tag, tags))
            continue;
        constexpr std::string_view aspects[] = {"name", "type", "truetype"};
        const auto* aspect = std::ranges::find(aspects, std::string_view(tag->tag));
        if (aspect == std::end(aspects)) {
            cursor.unknown_tag(*tag);
            continue;
        }
        if (seen != nullptr)
            problem(tag->at, "\"attachment\" takes one of \":name\", \":type\" and \":truetype\"");
        seen = tag;
        test.aspect = static_cast<Aspect>(aspect - std::begin(aspects));
    }
    finish_match(tags, test);
    const Argument* keys = cursor.strings("what to look for");
    if (keys != nullptr && cursor.done())
        test.keys = texts(*keys);
}

} // namespace mgw::filter
