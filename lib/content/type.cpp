#include "lib/content/type.hpp"

#include "lib/content/zip.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mgw::content
{

using namespace std::string_view_literals;

namespace
{

constexpr std::size_t head_octets = 64U << 10;
constexpr auto pe = "application/vnd.microsoft.portable-executable"sv;
constexpr auto dos = "application/x-msdos-program"sv;
constexpr auto zip = "application/zip"sv;
constexpr auto ole = "application/x-ole-storage"sv;

struct Sign {
    std::size_t offset;
    std::string_view octets;
    std::string_view type;
};

constexpr std::array signs{
    Sign{0, "%PDF-"sv, "application/pdf"sv},
    Sign{0, "\x7f\x45LF"sv, "application/x-executable"sv},
    Sign{0, "\x89PNG\r\n\x1a\n"sv, "image/png"sv},
    Sign{0, "\xff\xd8\xff"sv, "image/jpeg"sv},
    Sign{0, "GIF87a"sv, "image/gif"sv},
    Sign{0, "GIF89a"sv, "image/gif"sv},
    Sign{0, "II*\0"sv, "image/tiff"sv},
    Sign{0, "MM\0*"sv, "image/tiff"sv},
    Sign{8, "WEBP"sv, "image/webp"sv},
    Sign{0, "\x1f\x8b"sv, "application/gzip"sv},
    Sign{0, "BZh"sv, "application/x-bzip2"sv},
    Sign{0, "\xfd\x37zXZ\0"sv, "application/x-xz"sv},
    Sign{0, "\x28\xb5\x2f\xfd"sv, "application/zstd"sv},
    Sign{0, "Rar!\x1a\x07"sv, "application/vnd.rar"sv},
    Sign{0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"sv},
    Sign{0, "MSCF\0\0\0\0"sv, "application/vnd.ms-cab-compressed"sv},
    Sign{7, "**ACE**"sv, "application/x-ace-compressed"sv},
    Sign{0, "\x60\xea"sv, "application/x-arj"sv},
    Sign{257, "ustar"sv, "application/x-tar"sv},
    Sign{0x8001, "CD001"sv, "application/x-iso9660-image"sv},
    Sign{0, "\x4c\0\0\0\x01\x14\x02\0"sv, "application/x-ms-shortcut"sv},
    Sign{0, "ITSF\x03\0\0\0"sv, "application/vnd.ms-htmlhelp"sv},
    Sign{0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d"sv, "application/onenote"sv},
    Sign{0, "\xca\xfe\xba\xbe"sv, "application/java-vm"sv},
    Sign{0, "\xcf\xfa\xed\xfe"sv, "application/x-mach-binary"sv},
    Sign{0, "\xce\xfa\xed\xfe"sv, "application/x-mach-binary"sv},
    Sign{0, "{\\rtf"sv, "text/rtf"sv},
    Sign{0, "#!"sv, "text/x-shellscript"sv},
    Sign{0, "<?php"sv, "application/x-httpd-php"sv},
    Sign{0, "<?xml"sv, "text/xml"sv},
    Sign{0, "ID3"sv, "audio/mpeg"sv},
    Sign{4, "ftyp"sv, "video/mp4"sv},
    Sign{0, "OggS"sv, "audio/ogg"sv},
    Sign{0, "\x78\x9f\x3e\x22"sv, "application/vnd.ms-tnef"sv},
};

bool stands_at(std::string_view octets, std::size_t offset, std::string_view sign)
{
    return octets.size() >= offset + sign.size() && octets.substr(offset, sign.size()) == sign;
}

std::uint32_t le32(std::string_view octets, std::size_t at)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(octets[at + i])) << (8 * i);
    return value;
}

/// A DOS program, or a PE where the header at 0x3c points to one.
std::string_view program_type(std::string_view octets)
{
    if (octets.size() >= 0x40) {
        const auto at = le32(octets, 0x3c);
        if (at <= octets.size() && stands_at(octets, at, "PE\0\0"sv))
            return pe;
    }
    return dos;
}

/// Names in an OLE directory are UTF-16LE, in 64 octets each.
std::string utf16(std::string_view ascii)
{
    std::string wide;
    for (const char c : ascii)
        wide.append(1, c).append(1, '\0');
    return wide;
}

std::string_view ole_type(std::string_view octets)
{
    struct Name {
        std::string_view name, type;
    };
    static constexpr std::array names{
        Name{"WordDocument"sv, "application/msword"sv},
        Name{"Workbook"sv, "application/vnd.ms-excel"sv},
        Name{"PowerPoint Document"sv, "application/vnd.ms-powerpoint"sv},
        Name{"__substg1.0_"sv, "application/vnd.ms-outlook"sv},
        Name{"EncryptedPackage"sv, "application/x-ole-encrypted"sv},
    };
    for (const auto& [name, type] : names)
        if (octets.find(utf16(name)) != std::string_view::npos)
            return type;
    return ole;
}

std::string_view zip_type(std::string_view octets)
{
    const auto listing = list_zip(octets, {.entries = 2000});
    std::string_view office;
    bool macros = false, java = false, content_types = false;
    for (const auto& entry : listing.entries) {
        content_types = content_types || entry.name == "[Content_Types].xml";
        java = java || entry.name == "META-INF/MANIFEST.MF";
        macros = macros || entry.name.ends_with("vbaProject.bin");
        if (entry.name.starts_with("word/"))
            office = macros ? "application/vnd.ms-word.document.macroenabled.12"sv
                            : "application/vnd.openxmlformats-officedocument.wordprocessingml.document"sv;
        else if (entry.name.starts_with("xl/"))
            office = macros ? "application/vnd.ms-excel.sheet.macroenabled.12"sv
                            : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"sv;
        else if (entry.name.starts_with("ppt/"))
            office = macros ? "application/vnd.ms-powerpoint.presentation.macroenabled.12"sv
                            : "application/vnd.openxmlformats-officedocument.presentationml.presentation"sv;
    }
    if (content_types && !office.empty())
        return office;
    // ODF and EPUB: the first member is "mimetype", stored (OpenDocument 1.3 part 2 section 3.3)
    if (stands_at(octets, 30, "mimetypeapplication/vnd.oasis.opendocument."sv))
        return stands_at(octets, 73, "text"sv)          ? "application/vnd.oasis.opendocument.text"sv
               : stands_at(octets, 73, "spreadsheet"sv) ? "application/vnd.oasis.opendocument.spreadsheet"sv
                                                        : "application/vnd.oasis.opendocument"sv;
    if (stands_at(octets, 30, "mimetypeapplication/epub+zip"sv))
        return "application/epub+zip";
    return java ? "application/java-archive"sv : zip;
}

std::string_view text_type(std::string_view head)
{
    if (head.starts_with("\xef\xbb\xbf"))
        head.remove_prefix(3);
    const auto text = trim(head.substr(0, 1024));
    if (istarts_with(text, "<!doctype html") || istarts_with(text, "<html") || istarts_with(text, "<head") ||
        istarts_with(text, "<script") || istarts_with(text, "<body"))
        return "text/html";
    if (istarts_with(text, "@echo off"))
        return "application/x-bat";
    if (istarts_with(text, "-----BEGIN PGP MESSAGE"))
        return "application/pgp-encrypted";
    const bool control = std::any_of(head.begin(), head.end(), [](char c) {
        return static_cast<unsigned char>(c) < 32 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\x1b';
    });
    if (control)
        return "application/octet-stream";
    return "text/plain";
}

} // namespace

std::string_view true_type(std::string_view octets)
{
    if (octets.empty())
        return "inode/x-empty";
    for (const auto& sign : signs)
        if (stands_at(octets, sign.offset, sign.octets))
            return sign.type;
    if ((octets.starts_with("MZ") || octets.starts_with("ZM")) &&
        text_type(octets.substr(0, head_octets)) != "text/plain")
        return program_type(octets);
    if (octets.starts_with("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv))
        return ole_type(octets);
    if (octets.starts_with("PK\x03\x04"sv) || octets.starts_with("PK\x05\x06"sv) ||
        octets.starts_with("PK00PK\x03\x04"sv))
        return zip_type(octets);
    const auto head = octets.substr(0, head_octets);
    if (octets.starts_with("BM") && octets.size() > 26 && le32(octets, 2) == octets.size())
        return "image/bmp";
    // readers look for a PDF's first line anywhere in the first 1,024 octets
    if (head.substr(0, 1024).find("%PDF-") != std::string_view::npos)
        return "application/pdf";
    const auto type = text_type(head);
    // a zip file is found by its end: anything may stand before it
    if (type == "application/octet-stream" && find_zip_end(octets))
        return zip;
    return type;
}

bool is_executable_type(std::string_view type)
{
    static constexpr std::array types{pe,
                                      dos,
                                      "application/x-executable"sv,
                                      "application/x-mach-binary"sv,
                                      "application/x-ms-shortcut"sv,
                                      "application/vnd.ms-htmlhelp"sv,
                                      "application/java-vm"sv,
                                      "application/java-archive"sv,
                                      "application/x-bat"sv,
                                      "application/x-httpd-php"sv,
                                      "text/x-shellscript"sv};
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool is_listed_archive(std::string_view type)
{
    return type == zip || type == "application/java-archive" || type == "application/gzip" ||
           type == "application/vnd.ms-tnef";
}

bool is_opaque_archive(std::string_view type)
{
    static constexpr std::array types{"application/vnd.rar"sv,
                                      "application/x-7z-compressed"sv,
                                      "application/vnd.ms-cab-compressed"sv,
                                      "application/x-ace-compressed"sv,
                                      "application/x-arj"sv,
                                      "application/x-tar"sv,
                                      "application/x-iso9660-image"sv,
                                      "application/x-bzip2"sv,
                                      "application/x-xz"sv,
                                      "application/zstd"sv};
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool has_macros(std::string_view octets, std::string_view type)
{
    if (type.ends_with(".macroenabled.12"))
        return true;
    if (!octets.starts_with("\xd0\xcf\x11\xe0"sv))
        return false;
    return octets.find(utf16("_VBA_PROJECT")) != std::string_view::npos;
}

namespace
{

enum class Family : char { unknown, text, image, document, archive, program };

Family family(std::string_view type)
{
    if (is_executable_type(type) || type == "application/x-msdownload" || type == "application/x-dosexec")
        return Family::program;
    if (type.starts_with("image/"))
        return Family::image;
    if (type == "text/plain" || type == "text/html" || type == "text/csv" || type == "text/xml")
        return Family::text;
    if (type == "application/pdf" || type == "text/rtf" || type.starts_with("application/vnd.openxmlformats") ||
        type.starts_with("application/vnd.oasis") || type.starts_with("application/vnd.ms-") ||
        type == "application/msword")
        return is_listed_archive(type) || is_opaque_archive(type) ? Family::archive : Family::document;
    if (is_listed_archive(type) || is_opaque_archive(type) || type == "application/x-zip-compressed")
        return Family::archive;
    return Family::unknown;
}

} // namespace

bool contradicts(std::string_view declared, std::string_view actual)
{
    const auto said = family(declared), is = family(actual);
    if (said == Family::unknown || is == Family::unknown || said == is || is == Family::text)
        return false;
    return said != Family::program;
}

} // namespace mgw::content
