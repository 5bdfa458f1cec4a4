#include "tests/peers/peer_part.hpp"

#include "lib/core/text.hpp"

#include <gmime/gmime.h>
#include <memory>

namespace mgw::peers
{

namespace
{

struct Unref {
    void operator()(void* object) const { g_object_unref(object); }
};
template <class T> using Owned = std::unique_ptr<T, Unref>;

/// Content of a leaf as GMime decodes it.
std::string decoded(GMimePart* part)
{
    GMimeDataWrapper* content = g_mime_part_get_content(part); // borrowed
    if (content == nullptr)
        return {};
    const Owned<GMimeStream> sink{g_mime_stream_mem_new()};
    g_mime_data_wrapper_write_to_stream(content, sink.get());
    const GByteArray* octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(sink.get()));
    return {reinterpret_cast<const char*>(octets->data), octets->len};
}

void add_name(PeerPart& part, const char* name)
{
    if (name != nullptr)
        peers::add_name(part, name);
}

struct Pending {
    GMimeObject* object;
    std::size_t depth;
};

} // namespace

PeerParts read_gmime(std::string_view octets)
{
    static const bool started = (g_mime_init(), true);
    static_cast<void>(started);
    const Owned<GMimeStream> source{g_mime_stream_mem_new_with_buffer(octets.data(), octets.size())};
    const Owned<GMimeParser> parser{g_mime_parser_new_with_stream(source.get())};
    const Owned<GMimeMessage> message{g_mime_parser_construct_message(parser.get(), nullptr)};
    PeerParts out;
    std::vector<Pending> pending;
    if (message != nullptr && g_mime_message_get_mime_part(message.get()) != nullptr)
        pending.push_back({g_mime_message_get_mime_part(message.get()), 0});
    while (!pending.empty()) {
        const auto [object, depth] = pending.back();
        pending.pop_back();
        PeerPart part{depth, {}, {}, false, {}};
        if (GMimeContentType* type = g_mime_object_get_content_type(object)) {
            char* name = g_mime_content_type_get_mime_type(type);
            part.type = to_lower(name);
            g_free(name);
        }
        if (GMimeContentDisposition* disposition = g_mime_object_get_content_disposition(object))
            add_name(part, g_mime_content_disposition_get_parameter(disposition, "filename"));
        add_name(part, g_mime_object_get_content_type_parameter(object, "name"));
        if (GMIME_IS_MULTIPART(object)) {
            for (int i = g_mime_multipart_get_count(GMIME_MULTIPART(object)); i-- > 0;)
                pending.push_back({g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1});
        } else if (GMIME_IS_MESSAGE_PART(object)) {
            GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
            if (inner != nullptr && g_mime_message_get_mime_part(inner) != nullptr)
                pending.push_back({g_mime_message_get_mime_part(inner), depth + 1});
        } else if (GMIME_IS_PART(object)) {
            part.is_leaf = true;
            part.content = decoded(GMIME_PART(object));
        }
        out.push_back(std::move(part));
    }
    return out;
}

} // namespace mgw::peers
