#include "lib/mail/tnef.hpp"

#include "lib/mail/charset.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace mgw::mail
{

using namespace std::string_view_literals;

namespace
{

constexpr auto signature = "\x78\x9f\x3e\x22"sv;
constexpr std::size_t longest_name = 1024;
constexpr std::size_t most_names = 32; ///< of one attachment, long and short ones apart

/// Attributes of [MS-OXTNEF] section 2.1.3.3.
enum Attribute : std::uint32_t {
    oem_codepage = 0x00069007,
    body = 0x0002800C,
    message_properties = 0x00069003,
    attachment_begins = 0x00069002, ///< attAttachRenddata
    attachment_data = 0x0006800F,
    attachment_title = 0x00018010,
    attachment_properties = 0x00069005,
};

/// MAPI properties of [MS-OXPROPS].
enum Property : std::uint16_t {
    body_text = 0x1000,
    body_rtf = 0x1009,
    body_html = 0x1013,
    display_name = 0x3001,
    attach_data = 0x3701,
    attach_file_name = 0x3704,
    attach_long_file_name = 0x3707,
    attach_path_name = 0x3708,
    attach_long_path_name = 0x370D,
    attach_mime_type = 0x370E,
    attach_transport_name = 0x370C,
    attach_content_id = 0x3712,
};

/// Property types of [MS-OXCDATA] section 2.11.1.
enum Type : std::uint16_t { string8 = 0x1E, unicode = 0x1F, object = 0x0D, binary = 0x102 };
constexpr std::uint16_t multi_valued = 0x1000;

/// Little-endian numbers and slices; past the end it only says that it failed.
class Reader {
public:
    explicit Reader(std::string_view octets) : rest_(octets) {}
    bool failed() const { return failed_; }
    bool done() const { return failed_ || rest_.empty(); }
    std::size_t left() const { return rest_.size(); }

    std::string_view take(std::size_t octets)
    {
        if (octets > rest_.size()) {
            failed_ = true;
            rest_ = {};
        }
        const auto out = rest_.substr(0, octets);
        rest_.remove_prefix(std::min(octets, rest_.size()));
        return out;
    }
    std::uint32_t number(std::size_t octets)
    {
        std::uint32_t out = 0;
        const auto text = take(octets);
        for (std::size_t i = 0; i < text.size(); ++i)
            out |= std::uint32_t{static_cast<unsigned char>(text[i])} << (8 * i);
        return out;
    }
    /// As take(), and on to the next multiple of four.
    std::string_view take_padded(std::size_t octets)
    {
        const auto out = take(octets);
        take(std::min<std::size_t>((4 - octets % 4) % 4, rest_.size())); // the last one's padding may be missing
        return out;
    }

private:
    std::string_view rest_;
    bool failed_ = false;
};

/// Octets of a value of a type of fixed size, padded; 0 for a type of variable size, nothing for an unknown one.
std::optional<std::size_t> fixed_octets(std::uint16_t type)
{
    switch (type) {
    case 0x02: // integer of 16 bits, of 32, float, error, boolean
    case 0x03:
    case 0x04:
    case 0x0A:
    case 0x0B:
        return 4;
    case 0x05: // double, currency, application time, integer of 64 bits, system time
    case 0x06:
    case 0x07:
    case 0x14:
    case 0x40:
        return 8;
    case 0x48: // GUID
        return 16;
    case string8:
    case unicode:
    case object:
    case binary:
        return 0;
    default:
        return std::nullopt;
    }
}

std::string charset_of(std::uint32_t codepage)
{
    switch (codepage) {
    case 0:
        return "windows-1252";
    case 65001:
        return "utf-8";
    case 932:
        return "shift_jis";
    case 936:
        return "gbk";
    case 949:
        return "euc-kr";
    case 950:
        return "big5";
    default:
        return "cp" + std::to_string(codepage);
    }
}

std::string_view before_nul(std::string_view text)
{
    return text.substr(0, std::min(text.find('\0'), longest_name));
}

/// A stream that waits to be read.
struct Pending {
    std::string_view octets;
    std::size_t depth;
};

/// The value of a property, not yet decoded.
struct Value {
    std::uint16_t type = string8;
    std::string_view octets;
};

/// The attachment that is being read.
struct Current {
    std::vector<std::string> long_names;
    std::vector<std::string> names;
    Value type;
    Value content_id;
    std::vector<std::string_view> contents;
    std::vector<std::string_view> objects;
};

class TnefReader {
public:
    TnefReader(std::string_view octets, const TnefLimits& limits) : limits_(limits) { pending_.push_back({octets, 0}); }

    Tnef run()
    {
        while (!pending_.empty()) {
            const auto next = pending_.back();
            pending_.pop_back();
            read_stream(next);
        }
        return std::move(out_);
    }

private:
    void read_stream(const Pending& stream)
    {
        constexpr std::size_t key = 2;
        depth_ = stream.depth;
        charset_ = "windows-1252";
        Reader reader(stream.octets);
        if (reader.take(signature.size()) != signature) {
            out_.damaged = true;
            return;
        }
        reader.take(key);
        out_.damaged = out_.damaged || reader.failed();
        while (!reader.done()) {
            if (out_.attachments.size() >= limits_.attachments) {
                out_.cut = true;
                current_.reset();
                return;
            }
            reader.take(1); // level: message or attachment, which the attribute says as well
            const auto attribute = reader.number(4);
            const auto length = reader.number(4);
            if (!reader.failed() && length > reader.left()) { // cut off: what is there may still be opened
                out_.damaged = true;
                read_attribute(attribute, reader.take(reader.left()));
                break;
            }
            const auto octets = reader.take(length);
            std::uint32_t sum = 0;
            for (const char c : octets)
                sum += static_cast<unsigned char>(c);
            const auto stated = reader.number(2);
            out_.damaged = out_.damaged || reader.failed() || (sum & 0xFFFFU) != stated;
            read_attribute(attribute, octets);
        }
        flush();
    }

    void read_attribute(std::uint32_t attribute, std::string_view octets)
    {
        switch (attribute) {
        case oem_codepage:
            charset_ = charset_of(Reader(octets).number(std::min<std::size_t>(4, octets.size())));
            break;
        case body:
            out_.has_text = out_.has_text || depth_ == 0;
            break;
        case attachment_begins:
            flush();
            current_.emplace();
            break;
        case attachment_data:
            current().contents.push_back(octets);
            break;
        case attachment_title:
            add_name(current().names, {string8, octets});
            break;
        case attachment_properties:
            current();
            read_properties(octets, true);
            break;
        case message_properties:
            read_properties(octets, false);
            break;
        default:
            break;
        }
    }

    Current& current()
    {
        if (!current_)
            current_.emplace();
        return *current_;
    }

    /// [MS-OXTNEF] section 2.1.3.4
    void read_properties(std::string_view octets, bool of_attachment)
    {
        Reader reader(octets);
        const auto count = reader.number(4);
        for (std::uint32_t i = 0; i < count && !reader.done(); ++i) {
            const auto type = static_cast<std::uint16_t>(reader.number(2));
            const auto id = static_cast<std::uint16_t>(reader.number(2));
            if (id >= 0x8000) { // a named property: its name stands between
                reader.take(16);
                const bool has_text = reader.number(4) != 0;
                const auto length = reader.number(4); // or the name as a number
                if (has_text)
                    reader.take_padded(length);
            }
            const auto fixed = fixed_octets(type & static_cast<std::uint16_t>(~multi_valued));
            if (!fixed) {
                out_.damaged = true;
                return;
            }
            const std::uint32_t values = *fixed == 0 || (type & multi_valued) != 0 ? reader.number(4) : 1;
            for (std::uint32_t v = 0; v < values && !reader.done(); ++v) {
                const auto value = *fixed != 0 ? reader.take(*fixed) : reader.take_padded(reader.number(4));
                if (*fixed == 0 && !reader.failed())
                    use_property(id, type & static_cast<std::uint16_t>(~multi_valued), value, of_attachment);
            }
        }
        out_.damaged = out_.damaged || reader.failed();
    }

    void use_property(std::uint16_t id, std::uint16_t type, std::string_view value, bool of_attachment)
    {
        if (!of_attachment) {
            out_.has_text = out_.has_text || (depth_ == 0 && id == body_text);
            out_.has_rtf = out_.has_rtf || (depth_ == 0 && id == body_rtf);
            out_.has_html = out_.has_html || (depth_ == 0 && id == body_html);
            return;
        }
        auto& attachment = current();
        switch (id) {
        case attach_long_file_name:
        case attach_long_path_name:
            add_name(attachment.long_names, {type, value});
            break;
        case attach_file_name:
        case attach_path_name:
        case attach_transport_name:
        case display_name:
            add_name(attachment.names, {type, value});
            break;
        case attach_mime_type:
            attachment.type = {type, value};
            break;
        case attach_content_id:
            attachment.content_id = {type, value};
            break;
        case attach_data:
            (type == object ? attachment.objects : attachment.contents).push_back(value);
            break;
        default:
            break;
        }
    }

    void add_name(std::vector<std::string>& names, const Value& value)
    {
        if (names.size() < most_names)
            names.push_back(text(value));
        else
            out_.cut = true;
    }

    std::string text(const Value& value) const
    {
        return value.type == unicode
                   ? std::string(before_nul(to_utf8(value.octets.substr(0, 2 * longest_name), "utf-16le")))
                   : to_utf8(before_nul(value.octets), charset_);
    }

    void flush()
    {
        if (!current_)
            return;
        auto attachment = std::move(*current_);
        current_.reset();
        TnefAttachment entry;
        entry.depth = depth_;
        entry.type = text(attachment.type);
        entry.content_id = text(attachment.content_id);
        for (auto* some : {&attachment.long_names, &attachment.names})
            for (auto& name : *some)
                if (!name.empty() && std::ranges::find(entry.names, name) == entry.names.end())
                    entry.names.push_back(std::move(name));
        if (attachment.contents.empty() && attachment.objects.empty())
            attachment.contents.emplace_back();
        for (const auto octets : attachment.contents)
            add(entry, octets);
        constexpr std::size_t interface_id = 16; // says what kind of object follows
        for (const auto octets : attachment.objects)
            add(entry, octets.substr(std::min(interface_id, octets.size())));
    }

    void add(const TnefAttachment& described, std::string_view octets)
    {
        if (out_.attachments.size() >= limits_.attachments) {
            out_.cut = true;
            return;
        }
        auto entry = described;
        entry.octets = octets;
        entry.is_message = is_tnef(octets);
        if (entry.is_message && depth_ + 1 < limits_.depth)
            pending_.push_back({octets, depth_ + 1});
        else if (entry.is_message)
            out_.cut = true;
        out_.attachments.push_back(std::move(entry));
    }

    TnefLimits limits_;
    Tnef out_;
    std::vector<Pending> pending_;
    std::size_t depth_ = 0;
    std::string charset_;
    std::optional<Current> current_;
};

} // namespace

bool is_tnef(std::string_view octets)
{
    return octets.starts_with(signature);
}

Tnef read_tnef(std::string_view octets, const TnefLimits& limits)
{
    return TnefReader(octets, limits).run();
}

} // namespace mgw::mail
