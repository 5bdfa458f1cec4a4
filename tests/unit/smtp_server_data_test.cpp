#include "lib/smtp/server_data.hpp"

#include "lib/core/text.hpp"

#include <gtest/gtest.h>

namespace mgw::smtp
{

namespace
{

using namespace std::string_view_literals;

struct Read {
    std::string message;
    DataFault fault = DataFault::none;
    bool ended = false;
    std::string rest;
    bool operator==(const Read&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Read& read)
{
    return out << '"' << hex(read.message) << "\" fault " << static_cast<int>(read.fault) << " ended " << read.ended
               << " rest \"" << hex(read.rest) << '"';
}

/// Octets after DATA, in two pieces.
Read after_data(std::string_view octets, const DataRules& rules, std::size_t at)
{
    SpoolBudget budget;
    DataReader reader(Spool(budget), rules);
    Read out;
    for (auto piece : {octets.substr(0, at), octets.substr(at)}) {
        if (!out.ended)
            out.ended = reader.feed(piece);
        out.rest += piece;
    }
    out.fault = reader.fault();
    out.message = reader.spool().view();
    return out;
}

/// The same octets as one or two chunks.
Read in_chunks(std::string_view octets, const DataRules& rules, std::size_t at)
{
    SpoolBudget budget;
    DataReader reader(Spool(budget), rules);
    reader.feed_chunk(octets.substr(0, at));
    reader.feed_chunk(octets.substr(at));
    reader.end_chunks();
    return {std::string(reader.spool().view()), reader.fault(), true, ""};
}

constexpr DataRules small{20, 10, false};
constexpr DataRules mending{1000, 1000, true};

} // namespace

struct Case {
    const char* name;
    std::string_view in;
    DataRules rules;
    Read want;
};
class AfterData : public testing::TestWithParam<Case> {};
class InChunks : public testing::TestWithParam<Case> {};

TEST_P(AfterData, IsTheSameAtEverySplit)
{
    for (std::size_t at = 0; at <= GetParam().in.size(); ++at)
        EXPECT_EQ(after_data(GetParam().in, GetParam().rules, at), GetParam().want) << "split at " << at;
}

TEST_P(InChunks, IsTheSameAtEverySplit)
{
    for (std::size_t at = 0; at <= GetParam().in.size(); ++at)
        EXPECT_EQ(in_chunks(GetParam().in, GetParam().rules, at), GetParam().want) << "split at " << at;
}

INSTANTIATE_TEST_SUITE_P(
    Rejecting, AfterData,
    testing::Values(
        Case{"usual", "a\r\n..b\r\n.\r\nQ", {}, {"a\r\n.b\r\n", DataFault::none, true, "Q"}},
        Case{"open", "a\r\n.", {}, {"a\r\n", DataFault::none, false, ""}},
        Case{"nul_before_lf", "a\0\n\r\n.\r\n"sv, {}, {"", DataFault::nul, true, ""}},
        Case{"lf_before_nul", "a\n\0\r\n.\r\n"sv, {}, {"", DataFault::bare_cr_or_lf, true, ""}},
        Case{"cr_before_nul", "a\r\0\r\n.\r\n"sv, {}, {"", DataFault::bare_cr_or_lf, true, ""}},
        Case{"longest_line",
             "0123456789\r\n.0123456789\r\n.\r\n",
             {24, 10, false},
             {"0123456789\r\n0123456789\r\n", DataFault::none, true, ""}},
        Case{"long_line", "01234567890\r\n.\r\n", small, {"", DataFault::long_line, true, ""}},
        Case{"long_line_behind_lf", "0123\n4567890\r\n.\r\n", small, {"", DataFault::bare_cr_or_lf, true, ""}},
        Case{"size_before_fault", "12345678\r\n12345678\r\n1\n\r\n.\r\n", small, {"", DataFault::too_large, true, ""}},
        Case{"fault_before_size",
             "12345678\r\n1\n345678\r\n1\r\n.\r\n",
             small,
             {"", DataFault::bare_cr_or_lf, true, ""}},
        Case{"exactly_as_large",
             "12345678\r\n12345678\r\n.\r\n",
             small,
             {"12345678\r\n12345678\r\n", DataFault::none, true, ""}},
        Case{"dot_cr_cr", "a\r\n.\r\r\n.\r\nQ", {}, {"", DataFault::bare_cr_or_lf, true, "Q"}}),
    [](const auto& info) { return info.param.name; });

/// What would smuggle a second message past a server that takes it for the end, where line ends are mended.
INSTANTIATE_TEST_SUITE_P(
    Mending, AfterData,
    testing::Values(
        Case{"lf", "a\nb\r\n.\r\nQ", mending, {"a\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"cr", "a\rb\r\n.\r\nQ", mending, {"a\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"cr_crlf", "a\r\r\nb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"lf_dot_lf", "a\n.\nb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"lf_dot_crlf", "a\n.\r\nb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"crlf_dot_lf", "a\r\n.\nb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"cr_dot_cr", "a\r.\rb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"cr_dot_crlf", "a\r.\r\nb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"crlf_dot_cr", "a\r\n.\rb\r\n.\r\nQ", mending, {"a\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"crlf_dot_crcrlf", "a\r\n.\r\r\nb\r\n.\r\nQ", mending, {"a\r\n\r\n\r\nb\r\n", DataFault::none, true, "Q"}},
        Case{"dots_behind_lf", "a\n..b\r\n.\r\nQ", mending, {"a\r\n.b\r\n", DataFault::none, true, "Q"}},
        Case{"nul", "a\0\nb\r\n.\r\nQ"sv, mending, {"", DataFault::nul, true, "Q"}},
        Case{"too_large", "aaaaaaaaaa\naaaaaaaaaa\n\r\n.\r\nQ", {20, 10, true}, {"", DataFault::too_large, true, "Q"}}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    All, InChunks,
    testing::Values(
        Case{"dots_mean_nothing", ".\r\n..\r\n.a\r\n.\r\n", {}, {".\r\n..\r\n.a\r\n.\r\n", DataFault::none, true, ""}},
        Case{"no_last_line_end", "a\r\nb", {}, {"a\r\nb", DataFault::none, true, ""}},
        Case{"empty", "", {}, {"", DataFault::none, true, ""}},
        Case{"last_cr", "a\r", {}, {"", DataFault::bare_cr_or_lf, true, ""}},
        Case{"lf", "a\nb", {}, {"", DataFault::bare_cr_or_lf, true, ""}},
        Case{"nul", "a\0b"sv, {}, {"", DataFault::nul, true, ""}},
        Case{"large", "12345678\r\n12345678\r\nx", small, {"", DataFault::too_large, true, ""}},
        Case{"mended", "a\rb\n.\r", mending, {"a\r\nb\r\n.\r\n", DataFault::none, true, ""}}),
    [](const auto& info) { return info.param.name; });

TEST(DataReader, StoresEveryOtherOctetAsItCame)
{
    std::string all;
    for (int c = 1; c < 256; ++c)
        if (c != '\r' && c != '\n')
            all += static_cast<char>(c);
    EXPECT_EQ(in_chunks(all, {}, 100).message, all);
    EXPECT_EQ(after_data(all + "\r\n.\r\n", {}, 100).message, all + "\r\n");
}

TEST(DataReader, NamesTheRule)
{
    for (const auto fault : {DataFault::bare_cr_or_lf, DataFault::nul, DataFault::long_line, DataFault::too_large})
        EXPECT_EQ(data_refusal(fault, {}).code / 100, 5);
    EXPECT_EQ(data_refusal(DataFault::no_memory, {}).code, 452);
    EXPECT_TRUE(data_refusal(DataFault::nul, {}).text.contains("RFC 2045"));
}

} // namespace mgw::smtp
