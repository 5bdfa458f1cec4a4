#include "lib/smtp/door_wire.hpp"

#include "lib/core/binary.hpp"

#include <algorithm>
#include <concepts>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t longest_text = 2048; // a path has 256 octets (RFC 5321 section 4.5.3.1), a command 2048
constexpr std::size_t most_texts = 24;     // of a list
constexpr std::size_t short_text = 200;    // of a text in a list

/// Puts members one after the other.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}
    template <std::integral T> void operator()(const T& value)
    {
        put<std::uint64_t>(out_, static_cast<std::uint64_t>(value));
    }
    void operator()(const bool& value) { out_ += value ? '\1' : '\0'; }
    template <class T>
    requires std::is_enum_v<T>
    void operator()(const T& value, T /*last*/) { out_ += static_cast<char>(value); }
    void operator()(const std::string& text) { (*this)(text, longest_text); }
    void operator()(std::string_view text, std::size_t most)
    {
        text = text.substr(0, most);
        put<std::uint16_t>(out_, static_cast<std::uint16_t>(text.size()));
        out_ += text;
    }
    void operator()(const std::chrono::milliseconds& time) { (*this)(time.count()); }
    void operator()(const std::vector<std::string>& texts)
    {
        put<std::uint16_t>(out_, static_cast<std::uint16_t>(std::min(texts.size(), most_texts)));
        for (std::size_t i = 0; i < std::min(texts.size(), most_texts); ++i)
            (*this)(texts[i], short_text);
    }
    void operator()(const std::vector<std::pair<std::string, std::string>>& pairs)
    {
        put<std::uint16_t>(out_, static_cast<std::uint16_t>(std::min(pairs.size(), most_texts)));
        for (std::size_t i = 0; i < std::min(pairs.size(), most_texts); ++i) {
            (*this)(pairs[i].first, short_text);
            (*this)(pairs[i].second, short_text);
        }
    }

private:
    std::string& out_;
};

/// Takes them off again; what is not there, or cannot be, makes it failed.
class Reader {
public:
    explicit Reader(std::string_view octets) : octets_(octets) {}
    bool is_at_end() const { return !failed_ && octets_.empty(); }

    template <std::integral T> void operator()(T& value) { value = static_cast<T>(take<std::uint64_t>()); }
    void operator()(bool& value)
    {
        const auto octet = take<std::uint8_t>();
        failed_ = failed_ || octet > 1;
        value = octet == 1;
    }
    template <class T>
    requires std::is_enum_v<T>
    void operator()(T& value, T last)
    {
        const auto octet = take<std::uint8_t>();
        failed_ = failed_ || octet > static_cast<std::uint8_t>(last);
        value = failed_ ? T{} : static_cast<T>(octet);
    }
    void operator()(std::string& text)
    {
        const std::size_t size = take<std::uint16_t>();
        failed_ = failed_ || size > octets_.size();
        if (failed_)
            return;
        text.assign(octets_.substr(0, size));
        octets_.remove_prefix(size);
    }
    void operator()(std::chrono::milliseconds& time)
    {
        time = std::chrono::milliseconds(std::min<std::uint64_t>(take<std::uint64_t>(), 3'600'000));
    }
    void operator()(std::vector<std::string>& texts)
    {
        for (std::size_t left = take<std::uint16_t>(); left > 0 && !failed_; --left)
            (*this)(texts.emplace_back());
    }
    void operator()(std::vector<std::pair<std::string, std::string>>& pairs)
    {
        for (std::size_t left = take<std::uint16_t>(); left > 0 && !failed_; --left) {
            auto& pair = pairs.emplace_back();
            (*this)(pair.first);
            (*this)(pair.second);
        }
    }

private:
    template <class T> T take()
    {
        failed_ = failed_ || octets_.size() < sizeof(T);
        if (failed_)
            return 0;
        const auto value = number_at<T>(octets_, 0);
        octets_.remove_prefix(sizeof(T));
        return value;
    }

    std::string_view octets_;
    bool failed_ = false;
};

constexpr char question_mark = 'Q';
constexpr char answer_mark = 'A';

/// All members in their order, for both directions.
void members(auto& io, auto& q) requires requires
{
    q.early;
}
{
    io(q.at, DoorPoint::recipient);
    for (auto* text : {&q.session, &q.id, &q.ip, &q.name, &q.helo, &q.listener, &q.login, &q.from, &q.to})
        io(*text);
    io(q.size);
    for (auto* flag : {&q.early, &q.tls, &q.submission, &q.failed})
        io(*flag);
}

void members(auto& io, auto& a) requires requires
{
    a.would_have;
}
{
    io(a.action, DoorAction::close);
    io(a.reply.code);
    io(a.reply.enhanced);
    io(a.reply.text);
    io(a.pause);
    io(a.rule);
    io(a.name);
    io(a.would_have);
    io(a.facts);
}

template <class T> std::string packed(char mark, std::uint64_t number, const T& value)
{
    std::string out(1, mark);
    Writer writer(out);
    writer(number);
    members(writer, value);
    return out;
}

template <class T> std::optional<Numbered<T>> unpacked(char mark, std::string_view octets)
{
    if (octets.empty() || octets.front() != mark || octets.size() > door_packet_octets)
        return std::nullopt;
    Reader reader(octets.substr(1));
    Numbered<T> out;
    reader(out.number);
    members(reader, out.value);
    if (!reader.is_at_end())
        return std::nullopt;
    return out;
}

} // namespace

std::string pack(std::uint64_t number, const DoorQuestion& question)
{
    return packed(question_mark, number, question);
}

std::string pack(std::uint64_t number, const DoorAnswer& answer)
{
    return packed(answer_mark, number, answer);
}

std::optional<Numbered<DoorQuestion>> unpack_question(std::string_view octets)
{
    return unpacked<DoorQuestion>(question_mark, octets);
}

std::optional<Numbered<DoorAnswer>> unpack_answer(std::string_view octets)
{
    auto out = unpacked<DoorAnswer>(answer_mark, octets);
    if (out && out->value.action != DoorAction::pass && (out->value.reply.code < 400 || out->value.reply.code > 599))
        return std::nullopt;
    return out;
}

} // namespace mgw::smtp
