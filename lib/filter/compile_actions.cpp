#include "lib/filter/compile.hpp"

#include "lib/core/text.hpp"
#include "lib/filter/text.hpp"
#include "lib/mail/address.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

bool is_class(std::string_view text)
{
    return !text.empty() && text.size() <= 32 &&
           std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; });
}

/// RFC 3463 section 2: class.subject.detail
bool is_enhanced(std::string_view text, char cls)
{
    const auto pieces = split(text, '.');
    return pieces.size() == 3 && pieces[0] == std::string_view(&cls, 1) &&
           std::ranges::all_of(pieces, [](std::string_view p) {
               return !p.empty() && p.size() <= 3 && std::ranges::all_of(p, is_digit);
           });
}

} // namespace

bool Compiler::action(const Node& node)
{
    using Handler = void (Compiler::*)(const Node&, Step&);
    struct Entry {
        std::string_view name;
        ActionKind kind;
        Handler handler;
    };
    static constexpr Entry entries[] = {
        {"keep", ActionKind::keep, &Compiler::plain},
        {"discard", ActionKind::discard, &Compiler::verdict},
        {"fileinto", ActionKind::fileinto, &Compiler::fileinto},
        {"redirect", ActionKind::redirect, &Compiler::redirect},
        {"reject", ActionKind::reject, &Compiler::verdict},
        {"ereject", ActionKind::reject, &Compiler::verdict},
        {"quarantine", ActionKind::quarantine, &Compiler::verdict},
        {"defer", ActionKind::defer, &Compiler::verdict},
        {"accept", ActionKind::accept, &Compiler::verdict},
        {"set", ActionKind::set, &Compiler::set},
    };
    const auto* entry = std::ranges::find(entries, std::string_view(node.name), &Entry::name);
    if (entry == std::end(entries))
        return false;
    Step step;
    step.kind = entry->kind;
    step.at = node.at;
    (this->*entry->handler)(node, step);
    program_.actions.push_back(std::move(step));
    emit(Op::action, program_.actions.size() - 1);
    return true;
}

void Compiler::plain(const Node& node, Step&)
{
    Cursor cursor(*this, node);
    while (const Argument* tag = cursor.tag())
        cursor.unknown_tag(*tag);
    cursor.done();
}

void Compiler::fileinto(const Node& node, Step& step)
{
    Cursor cursor(*this, node);
    while (const Argument* tag = cursor.tag()) {
        if (tag->tag != "copy")
            cursor.unknown_tag(*tag);
        else
            step.copy = needs(tag->at, "\":copy\"", "copy");
    }
    const Argument* folder = cursor.one_string("the name of a folder");
    if (folder == nullptr || !cursor.done())
        return;
    step.text = text(folder->strings.front());
    if (step.text.is_literal() && (step.text.literal.empty() || !is_valid_utf8(step.text.literal)))
        problem(folder->at, "this is no name of a folder");
}

void Compiler::redirect(const Node& node, Step& step)
{
    Cursor cursor(*this, node);
    while (const Argument* tag = cursor.tag()) {
        if (tag->tag != "copy")
            cursor.unknown_tag(*tag);
        else
            step.copy = needs(tag->at, "\":copy\"", "copy");
    }
    const Argument* address = cursor.one_string("an address");
    if (address == nullptr || !cursor.done())
        return;
    step.text = text(address->strings.front());
    if (!step.text.is_literal())
        return;
    const auto path = mail::parse_path(step.text.literal);
    if (!path || !path->contains('@'))
        problem(address->at, "\"" + printable(step.text.literal, 60) + "\" is no address",
                "write it as user@example.org");
}

void Compiler::verdict_tag(Cursor& cursor, const Argument& tag, Step& step)
{
    const bool refuses = step.kind == ActionKind::reject || step.kind == ActionKind::defer;
    const bool known = tag.tag == "class" || (refuses && (tag.tag == "code" || tag.tag == "enhanced"));
    if (!known) {
        cursor.unknown_tag(tag);
        return;
    }
    if (!needs(tag.at, "\":" + tag.tag + "\"", "vnd.mgw.verdict"))
        return;
    const bool is_number = tag.tag == "code";
    const Argument* value = cursor.value_of(tag, is_number ? Argument::Kind::number : Argument::Kind::strings);
    if (value == nullptr)
        return;
    const char digit = step.kind == ActionKind::reject ? '5' : '4';
    if (is_number) {
        const std::uint64_t low = digit == '5' ? 500 : 400;
        if (value->number < low || value->number >= low + 60)
            problem(value->at, "\"" + cursor.node().name + "\" answers with a code of " + digit + "xx",
                    std::string("for example :code ") + (digit == '5' ? "550" : "451"));
        step.code = static_cast<int>(std::min<std::uint64_t>(value->number, 999));
        return;
    }
    const auto text = constant(*value, "this value");
    if (!text)
        return;
    if (tag.tag == "enhanced") {
        if (!is_enhanced(*text, digit))
            problem(value->at, "\"" + printable(*text, 60) + "\" is no enhanced status code for this action",
                    std::string("for example :enhanced \"") + digit + ".7.1\"");
        step.enhanced = *text;
        return;
    }
    if (!is_class(*text))
        problem(value->at, "\"" + printable(*text, 60) + "\" is no class",
                "a class is one word in lower case: spam, virus, auth, content, policy");
    if (*text == "error")
        problem(value->at, "the class \"error\" is the tools' own", "use another class");
    if (step.kind == ActionKind::accept && *text == "virus" && !options_.allow_virus_override)
        problem(value->at, "an accept of class \"virus\" would let viruses pass",
                "if that is meant, start mgw-filter with --allow-override=virus");
    step.cls = *text;
}

/// The actions that end in a verdict: reject and ereject (RFC 5429), discard, and those of vnd.mgw.verdict.
void Compiler::verdict(const Node& node, Step& step)
{
    Cursor cursor(*this, node);
    while (const Argument* tag = cursor.tag())
        verdict_tag(cursor, *tag, step);
    if (step.kind == ActionKind::accept && step.cls.empty()) {
        problem(node.at, "\"accept\" needs a class: it lifts the verdicts of that class",
                "for example: accept :class \"spam\"; a plain keep is \"keep\"");
        return;
    }
    if (step.kind != ActionKind::reject && !cursor.more()) {
        cursor.done();
        return;
    }
    if (step.kind == ActionKind::discard) {
        cursor.done();
        return;
    }
    const Argument* reason = cursor.one_string("a reason");
    if (reason != nullptr && cursor.done())
        step.text = text(reason->strings.front());
}

/// RFC 5229 section 4.
void Compiler::set(const Node& node, Step& step)
{
    Cursor cursor(*this, node);
    int last = 0;
    std::vector<std::pair<int, std::string>> modifiers;
    while (const Argument* tag = cursor.tag()) {
        last = modifier_precedence(tag->tag);
        if (last == 0)
            cursor.unknown_tag(*tag);
        else if (std::ranges::find(modifiers, last, &std::pair<int, std::string>::first) != modifiers.end())
            problem(tag->at, "\":" + tag->tag + "\" stands beside a modifier of the same kind");
        modifiers.emplace_back(last, tag->tag);
    }
    // RFC 5229 section 4.1: of higher precedence first
    std::ranges::stable_sort(modifiers, std::greater{}, &std::pair<int, std::string>::first);
    for (auto& [precedence, name] : modifiers)
        step.modifiers.push_back(std::move(name));
    const Argument* name = cursor.one_string("the name of a variable");
    const Argument* value = name != nullptr ? cursor.one_string("a value") : nullptr;
    if (value == nullptr || !cursor.done())
        return;
    if (!is_identifier(name->strings.front().text))
        problem(name->at, "\"" + printable(name->strings.front().text, 60) + "\" is no name of a variable");
    step.name = to_lower(name->strings.front().text);
    step.text = text(value->strings.front());
}

} // namespace mgw::filter
