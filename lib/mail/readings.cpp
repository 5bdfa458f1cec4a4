#include "lib/mail/readings.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/lenient_codec.hpp"
#include "lib/mail/lenient_header.hpp"
#include "lib/mail/lenient_parts.hpp"

#include <algorithm>
#include <memory>
#include <set>

namespace mgw::mail
{

namespace
{

constexpr std::size_t least_budget = 64U << 10;
constexpr std::size_t least_lenient = 512U << 10;
constexpr std::size_t most_names = 64;
constexpr std::size_t most_blocks = 1000;
constexpr std::size_t most_runs = 1000;
constexpr std::size_t least_run = 64;
constexpr std::size_t most_gaps = 4;

void add_name(std::vector<std::string>& names, std::string name)
{
    if (!name.empty() && names.size() < most_names && std::ranges::find(names, name) == names.end())
        names.push_back(std::move(name));
}

/// Oddities of a text that is said to be base64, as far as decoding it in the common way does not tell.
Oddity base64_oddities(const std::vector<Base64Way>& ways, bool damaged)
{
    Oddity found = damaged ? Oddity::base64_junk : Oddity::none;
    for (const auto& way : ways)
        found |= way.padding != Base64Way::Padding::ends_group ? Oddity::base64_after_padding : Oddity::base64_junk;
    return found;
}

class Giver {
public:
    Giver(const Message& message, const Parts& parts, const Limits& limits,
          const std::function<void(const Content&)>& give)
        : octets_(message.octets()), parts_(parts), limits_(limits), give_(give),
          strict_budget_(std::max(octets_.size(), least_budget) * limits.decoded_factor),
          // several readings of one part are the rule where there is more than one
          budget_(std::max(octets_.size(), least_lenient) * limits.decoded_factor * 4)
    {
        summary_.oddities = message.oddities() | parts.oddities();
    }

    ReadingsSummary run()
    {
        is_ambiguous_ = is_ambiguous(summary_.oddities);
        for (const auto& part : parts_.all())
            if (!part.is_multipart)
                strictly(part);
        if (!is_ambiguous_)
            return summary_;
        leniently();
        raw();
        return summary_;
    }

private:
    struct Source {
        std::string_view octets;
        std::size_t depth = 0;
    };

    void strictly(const Part& part)
    {
        // a message inside the message: its own parts follow in the list
        if (part.is_message && part.encoding == Encoding::identity && part.file_names.empty())
            return;
        Content content;
        content.part = &part;
        content.why = part.oddities;
        content.type = part.type.value;
        content.file_names = part.file_names;
        content.is_inside = !is_here(part.body);
        const auto base =
            content.is_inside ? std::size_t{0} : static_cast<std::size_t>(part.body.data() - octets_.data());
        content.begin = base;
        content.end = base + part.body.size();
        if (is_ambiguous_)
            for (auto& name : lenient_values(part.header.substr(0, limits_.field_octets), "name", most_names))
                add_name(content.file_names, std::move(name));
        // text that is not encoded is given as it stands
        std::string decoded;
        if (part.encoding == Encoding::identity || part.encoding == Encoding::unknown) {
            content.octets = part.body.substr(0, strict_budget_);
            content.is_complete = content.octets.size() == part.body.size();
        } else {
            decoded = decode(part, strict_budget_, &content.is_complete);
            content.octets = decoded;
        }
        content.is_cut = !content.is_complete && content.octets.size() >= strict_budget_;
        strict_budget_ -= std::min(strict_budget_, content.octets.size());
        content.why |= decoding_oddities(part, content.is_complete || content.is_cut, content.octets.size());
        // what stands in text that is itself encoded was not seen before
        const bool embeds = part.type.major() == "text" && !decoded.empty() && has_embedded(decoded);
        if (embeds)
            content.why |= Oddity::embedded_encoding;
        if (part.encoding == Encoding::uuencode)
            name_by_begin(part, content);
        std::vector<Embedded> scripted;
        if (may_hold_scripts(content))
            scripted = script_blocks(content.octets, content.octets.size(), most_blocks, &summary_.is_cut);
        if (!scripted.empty())
            content.why |= Oddity::embedded_encoding;
        summary_.oddities |= content.why;
        is_ambiguous_ = is_ambiguous_ || is_ambiguous(content.why);
        give_out(content);
        if (embeds && spend(decoded.size()) != 0)
            give_embedded(embedded_blocks(decoded, decoded.size() * 2, most_blocks, &summary_.is_cut), "embedded",
                          content);
        if (!scripted.empty()) {
            content.type.clear();
            give_embedded(scripted, "atob", content);
        }
    }

    /// Whether a browser would run what stands in it.
    static bool may_hold_scripts(const Content& content)
    {
        return content.type == "text/html" || content.type.ends_with("+xml") || content.type.ends_with("javascript") ||
               std::ranges::any_of(content.file_names, [](std::string_view name) {
                   const auto ending = trim(name.substr(std::min(name.rfind('.'), name.size())));
                   return istarts_with(ending, ".htm") || istarts_with(ending, ".xht") || iequals(ending, ".shtml") ||
                          iequals(ending, ".svg") || iequals(ending, ".hta") || iequals(ending, ".js");
               });
    }

    /// The names that "begin" lines give; the strict reading decodes the first file only.
    void name_by_begin(const Part& part, Content& content)
    {
        if (spend(part.body.size()) == 0)
            return;
        const auto files = embedded_blocks(part.body, part.body.size(), most_blocks, &summary_.is_cut);
        for (const auto& file : files)
            add_name(content.file_names, file.name);
        if (files.size() > 1)
            content.why |= Oddity::embedded_encoding;
        if (content.file_names.size() > 1)
            content.why |= Oddity::conflicting_names;
    }

    void give_embedded(const std::vector<Embedded>& blocks, std::string_view way, Content content)
    {
        content.reading = Reading::lenient;
        content.part = nullptr;
        content.way = way;
        content.is_complete = true;
        content.is_cut = false;
        for (const auto& block : blocks) {
            content.file_names.clear();
            add_name(content.file_names, block.name);
            content.octets = block.octets;
            give_out(content);
        }
    }

    /// Base64 and quoted-printable that programs read in several ways show only when they are read.
    static Oddity decoding_oddities(const Part& part, bool is_good, std::size_t decoded_octets)
    {
        if (part.encoding == Encoding::base64)
            return is_good && has_even_lines(part.body, decoded_octets)
                       ? Oddity::none
                       : base64_oddities(base64_ways(part.body), !is_good);
        if (part.encoding == Encoding::uuencode && !is_good)
            return Oddity::odd_encoding;
        // a line end that is not encoded is one of text (RFC 2045 section 6.7)
        if (part.encoding == Encoding::quoted_printable &&
            (!qp_ways(part.body).empty() || (part.type.major() != "text" && has_hard_breaks(part.body))))
            return Oddity::odd_quoted_printable;
        return Oddity::none;
    }

    bool is_here(std::string_view view) const
    {
        return !std::less<>{}(view.data(), octets_.data()) &&
               !std::less<>{}(octets_.data() + octets_.size(), view.data());
    }

    void give_out(const Content& content)
    {
        // before there is a second reading nothing can be equal
        if (is_ambiguous_ || !seen_.empty()) {
            auto key = sha256(content.octets);
            const bool is_new = seen_.insert(key).second;
            bool has_new_name = false;
            for (const auto& name : content.file_names)
                has_new_name |= seen_.insert(key + name).second;
            if (content.part == nullptr && (content.octets.empty() || (!is_new && !has_new_name)))
                return;
        }
        ++summary_.contents;
        summary_.more += content.part == nullptr;
        give_(content);
    }

    /// What may be spent on `octets` of input; 0 if nothing is left.
    std::size_t spend(std::size_t octets)
    {
        if (octets > budget_) {
            summary_.is_cut = true;
            return 0;
        }
        budget_ -= octets;
        return octets;
    }

    void leniently()
    {
        sources_.push_back({octets_, 0});
        while (!sources_.empty()) {
            const Source source = sources_.back();
            sources_.pop_back();
            const auto split = split_leniently(source.octets, limits_);
            summary_.is_cut |= split.is_cut;
            for (const auto& part : split.parts)
                look_at(source, part);
        }
    }

    void look_at(const Source& source, const LenientPart& part)
    {
        Content content;
        content.reading = Reading::lenient;
        content.why = summary_.oddities;
        content.type = part.type;
        content.file_names = part.file_names;
        content.is_inside = source.octets.data() != octets_.data();
        for (const auto& body : part.bodies) {
            content.begin = body.begin;
            content.end = body.end;
            decode_all(source, source.octets.substr(body.begin, body.end - body.begin), part.encodings, content);
        }
    }

    /// Every way in which `text` may be decoded.
    void decode_all(const Source& source, std::string_view text, std::string_view encodings, Content content)
    {
        const auto names = content.file_names;
        const bool is_uu = encodings.contains("uu");
        const auto blocks = has_embedded(text) && spend(text.size()) != 0
                                ? embedded_blocks(text, text.size() * 2, most_blocks, &summary_.is_cut)
                                : std::vector<Embedded>();
        for (const auto& block : blocks) {
            content.file_names = names;
            add_name(content.file_names, block.name);
            give_decoded(source, block.octets, "embedded", content);
        }
        content.file_names = names;
        if (is_uu && spend(text.size()) != 0)
            give_decoded(source, uu_decode_lines(text, text.size()), "uuencode", content);
        if (text.contains("BinHex") && spend(text.size()) != 0)
            for (const auto& file : binhex_decode(text, text.size() * 2)) {
                content.file_names = names;
                add_name(content.file_names, file.name);
                give_decoded(source, file.octets, "binhex", content);
            }
        content.file_names = names;
        const bool is_base64 = looks_like_base64(text);
        if (is_base64 || encodings.contains("64"))
            decode_base64(source, text.substr(0, text.find("\n--")), content); // no line of base64 begins with dashes
        if (encodings.contains("q") || (looks_like_qp(text) && (!is_base64 || is_surely_qp(text))))
            decode_qp(source, text, content);
        // as it stands: where nothing is said of an encoding, or something that is none
        if (!is_base64 && spend(text.size()) != 0) {
            content.way = "not encoded";
            content.octets = text;
            give_out(content);
            give_scripted(content);
        }
    }

    void give_scripted(const Content& content)
    {
        if (!may_hold_scripts(content) || !content.octets.contains("atob") || spend(content.octets.size()) == 0)
            return;
        Content page = content;
        page.type.clear();
        give_embedded(script_blocks(content.octets, content.octets.size(), most_blocks, &summary_.is_cut), "atob",
                      page);
    }

    void decode_base64(const Source& source, std::string_view text, Content& content)
    {
        if (spend(text.size()) == 0)
            return;
        give_decoded(source, base64_decode_as({"base64"}, text, text.size()), "base64", content);
        for (const auto& way : base64_ways(text))
            if (spend(text.size()) != 0)
                give_decoded(source, base64_decode_as(way, text, text.size()), way.name, content);
    }

    void decode_qp(const Source& source, std::string_view text, Content& content)
    {
        auto ways = qp_ways(text);
        ways.insert(ways.begin(), QpWay{"quoted-printable"});
        const bool two = text.contains('\r') && has_hard_breaks(text);
        for (auto way : ways) {
            if (spend(text.size()) != 0)
                give_decoded(source, qp_decode_as(way, text, text.size()), way.name, content);
            way.line_ends_lf = true;
            if (two && spend(text.size()) != 0)
                give_decoded(source, qp_decode_as(way, text, text.size()), std::string(way.name) + ", LF", content);
        }
    }

    void give_decoded(const Source& source, std::string decoded, std::string_view way, Content& content)
    {
        content.way = way;
        content.octets = decoded;
        give_out(content);
        give_scripted(content);
        if (source.depth + 1 >= limits_.nesting || kept_.size() >= limits_.parts || !may_hold_parts(decoded))
            return;
        if (!sources_seen_.insert(sha256(decoded)).second || spend(decoded.size()) == 0)
            return;
        kept_.push_back(std::make_unique<std::string>(std::move(decoded)));
        content.octets = {};
        sources_.push_back({*kept_.back(), source.depth + 1});
    }

    void raw()
    {
        Content content;
        content.reading = Reading::raw;
        content.why = summary_.oddities;
        const auto base = [&](std::string_view text) { return static_cast<std::size_t>(text.data() - octets_.data()); };
        const Source none{octets_, limits_.nesting};
        if (spend(octets_.size()) == 0)
            return;
        const auto runs = base64_runs(octets_, least_run, most_runs);
        summary_.is_cut |= runs.size() >= most_runs;
        for (const auto run : runs) {
            content.begin = base(run);
            content.end = content.begin + run.size();
            decode_base64(none, run, content);
            // where an empty line parts it, one program or another begins behind it
            for (std::size_t gap = run.find("\n\r\n"), n = 0; gap != std::string_view::npos && n < most_gaps;
                 gap = run.find("\n\r\n", gap + 3), ++n) {
                content.begin = base(run) + gap + 3;
                decode_base64(none, run.substr(gap + 3), content);
            }
        }
        if (!has_embedded(octets_) || spend(octets_.size()) == 0)
            return;
        for (const auto& block : embedded_blocks(octets_, octets_.size() * 2, most_blocks, &summary_.is_cut)) {
            content.begin = block.begin;
            content.end = block.end;
            content.file_names.clear();
            add_name(content.file_names, block.name);
            content.way = "embedded";
            content.octets = block.octets;
            give_out(content);
        }
    }

    std::string_view octets_;
    const Parts& parts_;
    const Limits& limits_;
    const std::function<void(const Content&)>& give_;
    std::size_t strict_budget_;
    std::size_t budget_;
    bool is_ambiguous_ = false;
    ReadingsSummary summary_;
    std::set<std::string> seen_;
    std::set<std::string> sources_seen_;
    std::vector<Source> sources_;
    std::vector<std::unique_ptr<std::string>> kept_;
};

} // namespace

std::string_view reading_name(Reading reading)
{
    switch (reading) {
    case Reading::strict:
        return "strict";
    case Reading::lenient:
        return "lenient";
    case Reading::raw:
        break;
    }
    return "raw";
}

std::string Content::describe() const
{
    if (part != nullptr)
        return "part " + part->path();
    return std::string(is_inside ? "decoded octets " : "octets ") + std::to_string(begin) + " to " +
           std::to_string(end) + ", " + std::string(reading_name(reading)) + " (" + way + ")";
}

ReadingsSummary for_each_content(const Message& message, const Parts& parts, const Limits& limits,
                                 const std::function<void(const Content&)>& give)
{
    return Giver(message, parts, limits, give).run();
}

} // namespace mgw::mail
