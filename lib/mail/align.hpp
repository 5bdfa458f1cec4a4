#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A run of equal tokens: `count` of them, from `left` on in one sequence and from `right` on in the other.
struct Run {
    std::size_t left = 0;
    std::size_t right = 0;
    std::size_t count = 0;
};

/// What two sequences have in common, in order, crossing nothing. Tokens that occur once on each side are anchors;
/// between them small gaps get a longest common subsequence and large ones none: the time is bounded by about
/// n log n + 16 million steps, whatever the sequences are.
std::vector<Run> align(std::span<const std::uint32_t> left, std::span<const std::uint32_t> right);

/// Numbers equal tokens of both lists alike, from 0. Time n log n in comparisons.
void number_tokens(std::span<const std::string_view> left, std::span<const std::string_view> right,
                   std::vector<std::uint32_t>& left_numbers, std::vector<std::uint32_t>& right_numbers);

} // namespace mgw::mail
