#include "lib/mail/parts.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/boundaries.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/lenient_codec.hpp"
#include "lib/mail/line_scan.hpp"
#include "lib/mail/part_header.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace mgw::mail
{

namespace
{

constexpr auto npos = std::string_view::npos;

/// Past the LF that ends the line at `at`, or the end of the octets.
std::size_t next_line(std::string_view octets, std::size_t at)
{
    const void* lf = std::memchr(octets.data() + at, '\n', octets.size() - at);
    return lf == nullptr ? octets.size() : static_cast<std::size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
}

/// Whether one of the next lines is a MIME field.
bool mime_field_follows(std::string_view octets, std::size_t at)
{
    constexpr int lines = 3;
    constexpr std::size_t most = 200; // of a line
    for (int i = 0; i < lines && at < octets.size(); ++i) {
        const auto line = octets.substr(at, most);
        if (istarts_with(trim(line.substr(0, line.find(':'))), "content-"))
            return true;
        const auto lf = line.find('\n');
        if (lf == npos)
            return false;
        at += lf + 1;
    }
    return false;
}

/// Whether one of the boundaries stands, with its dashes, in the midst of a line.
bool has_mid_line(std::string_view octets, const std::map<std::string, std::size_t, std::less<>>& boundaries)
{
    const char* const p = octets.data();
    const auto look = [&](std::size_t at) {
        return p[at - 1] == '-' && p[at] == '-' && at >= 2 && p[at - 2] != '\n' &&
               has_prefix_in(boundaries, octets.substr(at + 1));
    };
    constexpr std::size_t block = 256;
    std::size_t at = 1;
    for (; at + block <= octets.size(); at += block) {
        std::uint8_t any = 0;
        for (std::size_t i = 0; i < block; ++i)
            any |= static_cast<std::uint8_t>((p[at + i - 1] == '-') & (p[at + i] == '-'));
        for (std::size_t i = 0; any != 0 && i < block; ++i)
            if (look(at + i))
                return true;
    }
    for (; at < octets.size(); ++at)
        if (look(at))
            return true;
    return false;
}

/// A multipart or message whose parts are being read.
struct Frame {
    int part;
    bool is_multipart;
    bool is_digest = false;
    bool in_epilogue = false; ///< past its closing delimiter
    std::size_t parts = 0;
};

/// One pass over the octets of a message, or over those of a part that were decoded.
struct Pass {
    std::string_view octets;
    std::size_t at = 0;
    std::vector<Frame> frames;
    Boundaries open;
    int leaf = -1;                ///< part whose body is being read, -1 in a preamble or epilogue
    bool leaf_is_encoded = false; ///< and holds parts, to be read when its end is known
};

} // namespace

/// Reads lines with a stack of what is open. A part's body gets its end when a delimiter of something around it, or the
/// end of the octets, is met.
class Parts::Reader {
public:
    Reader(Parts& tree, const Message& message, const Limits& limits)
        : tree_(tree), octets_(message.octets()), limits_(limits)
    {}

    void run()
    {
        tree_.parts_.reserve(usual_parts);
        passes_.emplace_back();
        passes_.back().octets = octets_;
        begin_part(passes_.back(), -1);
        while (!passes_.empty())
            step(passes_.back());
        if (!boundaries_.empty() && finds_mid_line())
            tree_.oddities_ |= Oddity::mid_line_delimiter;
        for (auto& part : tree_.parts_) {
            part.container = part.parent >= 0 ? &tree_.parts_[static_cast<std::size_t>(part.parent)] : nullptr;
            tree_.oddities_ |= part.oddities;
        }
    }

private:
    /// Base64 has no dashes, and what is no base64 in it is found when it is decoded: it need not be searched.
    bool finds_mid_line() const
    {
        std::string_view rest = octets_;
        for (const auto& part : tree_.parts_) {
            const bool is_here = part.body.data() >= rest.data() && part.body.data() <= rest.data() + rest.size();
            if (part.encoding != Encoding::base64 || !is_here || part.body.empty())
                continue;
            const auto begin = static_cast<std::size_t>(part.body.data() - rest.data());
            if (has_mid_line(rest.substr(0, begin), boundaries_))
                return true;
            rest.remove_prefix(begin + part.body.size());
        }
        return has_mid_line(rest, boundaries_);
    }

    Part& part(int index) { return tree_.parts_[static_cast<std::size_t>(index)]; }

    /// Reads the header at `pass.at`, and those of messages inside messages that follow at once.
    void begin_part(Pass& pass, int parent)
    {
        for (;;) {
            pass.leaf = -1;
            pass.leaf_is_encoded = false;
            if (tree_.parts_.size() >= limits_.parts) {
                tree_.oddities_ |= Oddity::too_many_parts;
                return;
            }
            // a line of an mbox that was wrapped with its message is no field and no text either
            if (parent >= 0 && part(parent).is_message)
                pass.at += from_line_octets(pass.octets.substr(pass.at));
            const Message own(pass.octets.substr(pass.at), limits_, pass.open);
            const int self = static_cast<int>(tree_.parts_.size());
            Part& made = tree_.parts_.emplace_back();
            made.parent = parent;
            made.depth = parent >= 0 ? part(parent).depth + 1 : 0;
            bool in_digest = false;
            if (!pass.frames.empty()) {
                made.number = ++pass.frames.back().parts;
                in_digest = pass.frames.back().is_digest;
            }
            read_part_header(own, in_digest, made);
            pass.at += own.delimiter() != npos ? own.delimiter() : own.body_begin();
            if (!enter(pass, self))
                return;
            parent = self;
        }
    }

    /// Goes on with what was read as a part: true if a message inside it begins here.
    bool enter(Pass& pass, int self)
    {
        Part& made = part(self);
        pass.leaf = self;
        if (!made.is_multipart && !made.is_message)
            return false;
        if (made.depth + 1 >= limits_.nesting) {
            made.oddities |= Oddity::too_deep;
            return false;
        }
        // forbidden (RFC 2045 section 6.4): read as it stands where its delimiters stand in it, else decoded
        pass.leaf_is_encoded = made.encoding != Encoding::identity;
        if (pass.leaf_is_encoded)
            return false;
        return open_frame(pass, self);
    }

    /// The parts of `self` begin at `pass.at`. True if it is a message.
    bool open_frame(Pass& pass, int self)
    {
        Part& made = part(self);
        if (made.is_message) {
            pass.frames.push_back(Frame{self, false});
            pass.leaf = -1;
            return true;
        }
        auto boundary = made.type.parameter("boundary");
        if (!boundary || boundary->empty()) {
            made.oddities |= Oddity::no_boundary;
            return false;
        }
        if (boundaries_.size() < most_boundaries)
            boundaries_.try_emplace(*boundary, 0);
        pass.open.open(std::move(*boundary), pass.frames.size());
        pass.frames.push_back(Frame{self, true, made.type.is("multipart/digest")});
        pass.leaf = -1;
        return false;
    }

    void step(Pass& pass)
    {
        const std::string_view octets = pass.octets;
        // nothing to look for in what is encoded and in no multipart
        if (pass.open.empty() && pass.leaf >= 0 && part(pass.leaf).encoding != Encoding::identity &&
            !pass.leaf_is_encoded)
            pass.at = octets.size();
        while (pass.at < octets.size()) {
            if (pass.leaf >= 0 && part(pass.leaf).encoding == Encoding::base64)
                skip_base64(pass);
            if (pass.at >= octets.size())
                break;
            const char first = octets[pass.at];
            if (first == '-' && octets.substr(pass.at, 2) == "--") {
                if (at_dashes(pass))
                    return;
                continue;
            }
            if ((first == 'b' || first == '=' || first == '(') && is_first_of_embedded(octets.substr(pass.at)))
                note_embedded(pass.leaf);
            pass.at = next_line_of_interest(octets, pass.at);
        }
        if (end_leaf(pass, octets.size()))
            return;
        close_frames(pass, 0, octets.size());
        passes_.pop_back();
    }

    /// What is encoded stands in a body, or before or behind all parts.
    void note_embedded(int leaf)
    {
        if (leaf < 0)
            tree_.oddities_ |= Oddity::embedded_encoding;
        else if (part(leaf).encoding != Encoding::uuencode)
            part(leaf).oddities |= Oddity::embedded_encoding;
    }

    /// Base64 has no dashes: looking for them is quicker than looking at each line. Ends at the start of a line of
    /// dashes.
    static void skip_base64(Pass& pass)
    {
        const std::string_view octets = pass.octets;
        std::size_t at = octets.find('-', pass.at);
        while (at != npos && ((at > 0 && octets[at - 1] != '\n') || octets.substr(at + 1, 1) != "-"))
            at = octets.find('-', at + 1);
        pass.at = std::min(at, octets.size());
    }

    /// A line that begins with dashes. True if another pass has begun.
    bool at_dashes(Pass& pass)
    {
        const std::size_t begin = pass.at;
        const std::size_t next = next_line(pass.octets, begin);
        const auto line = pass.octets.substr(begin, next - begin);
        const auto match = pass.open.match(line);
        if (!match && delimits_encoded(pass, line)) {
            pass.leaf_is_encoded = false;
            open_frame(pass, pass.leaf);
            return false; // the same line again
        }
        if (!match) {
            if (pass.open.is_near(line))
                tree_.oddities_ |= Oddity::prefix_boundary;
            if (mime_field_follows(pass.octets, next))
                tree_.oddities_ |= Oddity::stray_delimiter;
            pass.at = next;
            return false;
        }
        const std::size_t end = line_end_before(pass.octets, begin);
        if (end_leaf(pass, end))
            return true;
        close_frames(pass, match->level + 1, end);
        pass.at = next;
        Frame& frame = pass.frames[match->level];
        if (match->closes) {
            frame.in_epilogue = true;
            pass.open.close_from(match->level);
        } else {
            begin_part(pass, frame.part);
        }
        return false;
    }

    /// Whether the body being read is said to be encoded, and `line` delimits its parts nevertheless.
    bool delimits_encoded(Pass& pass, std::string_view line)
    {
        if (!pass.leaf_is_encoded)
            return false;
        auto boundary = part(pass.leaf).type.parameter("boundary");
        if (!part(pass.leaf).is_multipart || !boundary || boundary->empty())
            return false;
        Boundaries own;
        own.open(std::move(*boundary), 0);
        return own.match(line).has_value();
    }

    void end_body(Pass& pass, int index, std::size_t end)
    {
        Part& ended = part(index);
        const auto begin = static_cast<std::size_t>(ended.body.data() - pass.octets.data());
        ended.body = pass.octets.substr(begin, std::max(end, begin) - begin);
    }

    /// True if the part that ended here is to be read first: `pass` is no longer the last one then, and comes to the
    /// same line again.
    bool end_leaf(Pass& pass, std::size_t end)
    {
        const int leaf = pass.leaf;
        if (leaf < 0)
            return false;
        end_body(pass, leaf, end);
        pass.leaf = -1;
        Part& ended = part(leaf);
        if (ended.encoding == Encoding::identity &&
            (is_surely_base64(ended.body) || (ended.type.major() != "text" && is_surely_qp(ended.body))))
            ended.oddities |= Oddity::embedded_encoding;
        const std::size_t room = limits_.decoded_factor * octets_.size();
        if (!pass.leaf_is_encoded || decoded_octets_ >= room)
            return false;
        pass.leaf_is_encoded = false;
        tree_.decoded_.push_back(std::make_unique<std::string>(decode(part(leaf), room - decoded_octets_)));
        decoded_octets_ += tree_.decoded_.back()->size();
        Pass inner;
        inner.octets = *tree_.decoded_.back();
        if (open_frame(inner, leaf))
            begin_part(inner, leaf);
        passes_.push_back(std::move(inner));
        return true;
    }

    void close_frames(Pass& pass, std::size_t level, std::size_t end)
    {
        for (; pass.frames.size() > level; pass.frames.pop_back()) {
            const Frame& frame = pass.frames.back();
            // the parts of what was decoded have offsets of their own
            const char* const body = part(frame.part).body.data();
            if (body >= pass.octets.data() && body <= pass.octets.data() + pass.octets.size())
                end_body(pass, frame.part, end);
            if (frame.is_multipart && !frame.in_epilogue)
                part(frame.part).oddities |= Oddity::unclosed_multipart;
            if (frame.is_multipart && frame.parts == 0 && !has(tree_.oddities_, Oddity::too_many_parts))
                part(frame.part).oddities |= Oddity::empty_multipart;
        }
        pass.open.close_from(level);
    }

    static constexpr std::size_t usual_parts = 4;        ///< room that is not asked for again and again
    static constexpr std::size_t most_boundaries = 1000; ///< to be looked for in the midst of lines

    Parts& tree_;
    std::string_view octets_;
    const Limits& limits_;
    std::vector<Pass> passes_;
    std::size_t decoded_octets_ = 0;
    std::map<std::string, std::size_t, std::less<>> boundaries_;
};

Parts::Parts(const Message& message, const Limits& limits) : oddities_(message.all_oddities())
{
    Reader(*this, message, limits).run();
}

std::string Part::path() const
{
    std::vector<std::size_t> numbers;
    for (const Part* p = this; p != nullptr; p = p->container)
        numbers.push_back(p->number);
    std::string out;
    for (auto n = numbers.rbegin(); n != numbers.rend(); ++n)
        out.append(out.empty() ? "" : ".").append(std::to_string(*n));
    return out;
}

std::string decode(const Part& part, std::size_t limit_octets, bool* complete)
{
    bool damaged = false;
    std::string out;
    switch (part.encoding) {
    case Encoding::base64:
        out = base64_decode(part.body, limit_octets, &damaged);
        break;
    case Encoding::quoted_printable:
        out = qp_decode(part.body, limit_octets, &damaged);
        break;
    case Encoding::uuencode:
        out = uu_decode(part.body, limit_octets, &damaged);
        break;
    case Encoding::identity:
    case Encoding::unknown:
        out = part.body.substr(0, limit_octets);
        damaged = part.body.size() > limit_octets;
        break;
    }
    if (complete != nullptr)
        *complete = !damaged;
    return out;
}

} // namespace mgw::mail
