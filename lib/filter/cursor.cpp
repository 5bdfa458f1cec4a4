#include "lib/filter/compile.hpp"

#include "lib/core/text.hpp"

namespace mgw::filter
{

const Argument* Cursor::tag()
{
    if (!more() || node_.arguments[at_].kind != Argument::Kind::tag)
        return nullptr;
    return &node_.arguments[at_++];
}

const Argument* Cursor::value_of(const Argument& tag, Argument::Kind kind)
{
    if (more() && node_.arguments[at_].kind == kind && !node_.arguments[at_].is_list)
        return &node_.arguments[at_++];
    compiler_.problem(tag.at, "\":" + tag.tag + "\" must be followed by " +
                                  (kind == Argument::Kind::number ? "a number" : "a string"));
    return nullptr;
}

const Argument* Cursor::positional(Argument::Kind kind, const char* what)
{
    if (more() && node_.arguments[at_].kind == kind)
        return &node_.arguments[at_++];
    const bool is_tag = more() && node_.arguments[at_].kind == Argument::Kind::tag;
    compiler_.problem(more() ? node_.arguments[at_].at : node_.at,
                      is_tag ? "tags such as \":" + node_.arguments[at_].tag + "\" stand before the other arguments"
                             : "\"" + node_.name + "\" needs " + what);
    return nullptr;
}

const Argument* Cursor::one_string(const char* what)
{
    const Argument* argument = positional(Argument::Kind::strings, what);
    if (argument != nullptr && argument->is_list) {
        compiler_.problem(argument->at, "\"" + node_.name + "\" needs " + what + ", not a list");
        return nullptr;
    }
    return argument;
}

const Argument* Cursor::strings(const char* what)
{
    return positional(Argument::Kind::strings, what);
}

const Argument* Cursor::number(const char* what)
{
    return positional(Argument::Kind::number, what);
}

bool Cursor::done()
{
    if (more())
        return compiler_.problem(node_.arguments[at_].at, "\"" + node_.name + "\" has an argument too many here");
    if (!node_.tests.empty() || node_.test_list)
        return compiler_.problem(node_.at, "\"" + node_.name + "\" takes no tests",
                                 "a missing ';' makes the next word a test");
    if (node_.has_block)
        return compiler_.problem(node_.at, "\"" + node_.name + "\" takes no block", "end it in ';'");
    return true;
}

bool Cursor::unknown_tag(const Argument& tag)
{
    return compiler_.problem(tag.at, "\"" + node_.name + "\" knows no tag \":" + printable(tag.tag, 60) + "\"");
}

} // namespace mgw::filter
