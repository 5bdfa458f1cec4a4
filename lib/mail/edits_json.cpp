#include "lib/mail/edits_json.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

namespace mgw::mail
{

namespace
{

using nlohmann::json;

constexpr int deepest = 8; // objects and lists in each other: ours has three

bool is_clean(std::string_view octets)
{
    return is_valid_utf8(octets) && std::ranges::none_of(octets, [](unsigned char c) {
               return (c < 32 && c != '\t' && c != '\r' && c != '\n') || c == 127;
           });
}

void put_octets(std::string& out, std::string_view name, std::string_view octets)
{
    if (octets.empty())
        return;
    out.append(",\"").append(name);
    if (is_clean(octets))
        out.append("\":").append(json_text(octets));
    else
        out.append("-base64\":\"").append(base64_encode(octets, 0)).append("\"");
}

void put_side(std::string& out, std::string_view name, std::size_t octets, std::string_view sha256)
{
    out.append(",\"").append(name).append("\":{\"octets\":").append(std::to_string(octets));
    out.append(",\"sha256\":\"").append(hex(sha256)).append("\"}");
}

/// One object each; the cut is found by counting brackets outside strings.
std::vector<std::string_view> objects_in(std::string_view text)
{
    std::vector<std::string_view> out;
    std::size_t depth = 0;
    std::size_t begin = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
            out.push_back(text.substr(begin, i + 1 - begin));
            begin = i + 1;
        }
    }
    if (const auto rest = trim(text.substr(begin)); !rest.empty())
        out.push_back(rest);
    return out;
}

const json* member(const json& object, const char* name)
{
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

std::optional<std::size_t> count_of(const json& object, const char* name)
{
    const json* value = member(object, name);
    if (value == nullptr || !value->is_number_unsigned())
        return std::nullopt;
    return value->get<std::size_t>();
}

std::string text_of(const json& object, const char* name)
{
    const json* value = member(object, name);
    return value != nullptr && value->is_string() ? value->get_ref<const std::string&>() : std::string{};
}

/// Octets in either form; nothing when both are there, or one is not text or not base64.
std::optional<std::string> octets_of(const json& object, const std::string& name)
{
    const json* plain = member(object, name.c_str());
    const json* coded = member(object, (name + "-base64").c_str());
    if (plain == nullptr && coded == nullptr)
        return std::string{};
    if ((plain != nullptr && coded != nullptr) || !(plain != nullptr ? plain : coded)->is_string())
        return std::nullopt;
    if (plain != nullptr)
        return plain->get_ref<const std::string&>();
    bool damaged = false;
    auto octets = base64_decode(coded->get_ref<const std::string&>(), static_cast<std::size_t>(-1), &damaged);
    return damaged ? std::nullopt : std::optional(std::move(octets));
}

bool read_side(const json& object, const char* name, std::size_t& octets, std::string& sha256)
{
    const json* side = member(object, name);
    if (side == nullptr || !side->is_object())
        return false;
    const auto count = count_of(*side, "octets");
    auto hash = from_hex(text_of(*side, "sha256"));
    if (!count || !hash || hash->size() != 32)
        return false;
    octets = *count;
    sha256 = std::move(*hash);
    return true;
}

std::optional<Step> step_of(const json& object)
{
    if (!object.is_object())
        return std::nullopt;
    const auto offset = count_of(object, "offset");
    auto removed = octets_of(object, "removed");
    auto inserted = octets_of(object, "inserted");
    if (!offset || !removed || !inserted)
        return std::nullopt;
    Step step{.offset = *offset, .removed = std::move(*removed), .inserted = std::move(*inserted)};
    step.what = text_of(object, "what");
    step.field = text_of(object, "field");
    step.instance = count_of(object, "instance").value_or(0);
    step.part = text_of(object, "part");
    const json* in_signed = member(object, "in-signed");
    step.is_in_signed = in_signed != nullptr && in_signed->is_boolean() && in_signed->get<bool>();
    return step;
}

Result<Change> change_from(std::string_view text, const std::string& which)
{
    bool is_too_deep = false;
    const auto guard = [&](int depth, json::parse_event_t, json&) {
        is_too_deep = is_too_deep || depth > deepest;
        return depth <= deepest;
    };
    const json object = json::parse(text, guard, false);
    if (object.is_discarded() || !object.is_object() || is_too_deep)
        return fail(Status::data, which + " is no JSON object");
    if (count_of(object, "mgw-edits") != 1U)
        return fail(Status::data, which + " does not say \"mgw-edits\":1",
                    "mgw-filter diff --json writes what undo and redo read");
    Change change;
    if (!read_side(object, "before", change.octets_before, change.sha256_before) ||
        !read_side(object, "after", change.octets_after, change.sha256_after))
        return fail(Status::data, which + " does not name the messages before and after by octets and sha256");
    const json* edits = member(object, "edits");
    if (edits == nullptr || !edits->is_array())
        return fail(Status::data, which + " has no list of edits");
    for (const json& edit : *edits) {
        auto step = step_of(edit);
        if (!step)
            return fail(Status::data, which + ": edit " + std::to_string(change.steps.size() + 1) +
                                          " needs an offset, and removed and inserted octets as text or base64");
        change.steps.push_back(std::move(*step));
    }
    return change;
}

} // namespace

std::string to_json(const Change& change)
{
    std::string out = "{\"mgw-edits\":1";
    put_side(out, "before", change.octets_before, change.sha256_before);
    put_side(out, "after", change.octets_after, change.sha256_after);
    out += ",\"edits\":[";
    for (std::size_t i = 0; i < change.steps.size(); ++i) {
        const Step& step = change.steps[i];
        out.append(i == 0 ? "" : ",").append("{\"offset\":").append(std::to_string(step.offset));
        if (!step.what.empty())
            out.append(",\"what\":").append(json_text(step.what));
        if (!step.field.empty())
            out.append(",\"field\":").append(json_text(step.field));
        if (step.instance > 0)
            out.append(",\"instance\":").append(std::to_string(step.instance));
        if (!step.part.empty())
            out.append(",\"part\":").append(json_text(step.part));
        if (step.is_in_signed)
            out += ",\"in-signed\":true";
        put_octets(out, "removed", step.removed);
        put_octets(out, "inserted", step.inserted);
        out += '}';
    }
    return out += "]}";
}

Result<std::vector<Change>> changes_from_json(std::string_view text)
{
    const auto objects = objects_in(text);
    if (objects.empty())
        return fail(Status::data, "there are no edits");
    std::vector<Change> out;
    for (const auto object : objects) {
        auto change = change_from(object, objects.size() == 1
                                              ? std::string("the file of edits")
                                              : "object " + std::to_string(out.size() + 1) + " of the file of edits");
        if (!change)
            return pass(change);
        out.push_back(std::move(*change));
    }
    return out;
}

} // namespace mgw::mail
