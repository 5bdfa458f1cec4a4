#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mgw::mail
{

constexpr auto no_limit = static_cast<std::size_t>(-1);

/// What the streaming decoders share: octets go out up to a limit, and what is wrong is remembered.
///
/// Feed a text in pieces of any size, then finish: the octets appended to `out` are the same however the text was cut.
/// Apart from `out` a decoder holds at most one line. What would pass the limit is not decoded.
class DecoderState {
public:
    /// The text was not what the encoding's standard asks for, or the limit cut it.
    bool damaged() const { return damaged_; }
    /// Octets that still may come out.
    std::size_t room() const { return room_; }

protected:
    explicit DecoderState(std::size_t limit_octets) : room_(limit_octets) {}
    void put(std::string_view octets, std::string& out)
    {
        if (octets.size() > room_) {
            damaged_ = true;
            octets = octets.substr(0, room_);
        }
        out.append(octets);
        room_ -= octets.size();
    }

    std::size_t room_;
    bool damaged_ = false;
};

/// RFC 2045 section 6.8. Octets outside the alphabet are skipped and count as damage; so do a missing padding and data
/// after a padding, which is read on.
class Base64Decoder : public DecoderState {
public:
    explicit Base64Decoder(std::size_t limit_octets = no_limit) : DecoderState(limit_octets) {}
    void feed(std::string_view text, std::string& out);
    void finish(std::string& out);

private:
    void feed_one(char c, std::string& out);
    void put_partial(std::string& out);
    /// Whole groups without anything odd between them but line ends; returns how many characters were read.
    std::size_t feed_groups(std::string_view text, std::string& out);

    std::uint32_t bits_ = 0;
    unsigned have_ = 0; ///< characters in `bits_`
    bool padded_ = false;
};

/// RFC 2045 section 6.7. Line ends stay as they are. A '=' that is neither followed by two hexadecimal digits nor by a
/// line end (up to 998 blanks may stand before it) stays as it is and counts as damage.
class QuotedPrintableDecoder : public DecoderState {
public:
    explicit QuotedPrintableDecoder(std::size_t limit_octets = no_limit) : DecoderState(limit_octets) {}
    void feed(std::string_view text, std::string& out);
    void finish(std::string& out);

private:
    std::size_t feed_pending(std::string_view text, std::string& out);

    std::string pending_; ///< begins with '=': not decided yet
};

} // namespace mgw::mail
