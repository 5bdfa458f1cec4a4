#include "lib/mail/align.hpp"

#include <algorithm>
#include <functional>
#include <limits>

namespace mgw::mail
{

namespace
{

constexpr std::size_t table_cells = std::size_t{1} << 20; // of one gap
constexpr std::size_t all_cells = std::size_t{1} << 24;   // of all gaps together
constexpr std::size_t visits_a_token = 64;                // how often ranges may be searched for anchors
constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

struct Range {
    std::size_t left, left_end, right, right_end;
};

class Aligner {
public:
    Aligner(std::span<const std::uint32_t> left, std::span<const std::uint32_t> right) : left_(left), right_(right)
    {
        std::uint32_t most = 0;
        for (const auto numbers : {left, right})
            for (const auto number : numbers)
                most = std::max(most, number);
        seen_.resize(left.empty() && right.empty() ? 0 : std::size_t{most} + 1);
        visits_ = (left.size() + right.size()) * visits_a_token;
    }

    std::vector<Run> run()
    {
        std::vector<Range> open{{0, left_.size(), 0, right_.size()}};
        while (!open.empty()) {
            Range range = open.back();
            open.pop_back();
            trim(range);
            if (range.left == range.left_end || range.right == range.right_end)
                continue;
            const auto anchors = find_anchors(range);
            if (anchors.empty()) {
                align_by_table(range);
                continue;
            }
            Range gap = range;
            for (const auto& anchor : anchors) {
                gap.left_end = anchor.left;
                gap.right_end = anchor.right;
                open.push_back(gap);
                runs_.push_back(Run{anchor.left, anchor.right, 1});
                gap.left = anchor.left + 1;
                gap.right = anchor.right + 1;
            }
            gap.left_end = range.left_end;
            gap.right_end = range.right_end;
            open.push_back(gap);
        }
        return in_order();
    }

private:
    struct Seen {
        std::uint32_t left_count = 0;
        std::uint32_t right_count = 0;
        std::uint32_t left_at = 0;
    };

    void trim(Range& r)
    {
        std::size_t count = 0;
        while (r.left + count < r.left_end && r.right + count < r.right_end &&
               left_[r.left + count] == right_[r.right + count])
            ++count;
        if (count > 0)
            runs_.push_back(Run{r.left, r.right, count});
        r.left += count;
        r.right += count;
        count = 0;
        while (r.left < r.left_end - count && r.right < r.right_end - count &&
               left_[r.left_end - count - 1] == right_[r.right_end - count - 1])
            ++count;
        r.left_end -= count;
        r.right_end -= count;
        if (count > 0)
            runs_.push_back(Run{r.left_end, r.right_end, count});
    }

    /// The longest increasing sequence of pairs of tokens that occur once on each side of the range.
    std::vector<Run> find_anchors(const Range& r)
    {
        const std::size_t cost = r.left_end - r.left + r.right_end - r.right;
        if (cost > visits_)
            return {};
        visits_ -= cost;
        for (std::size_t i = r.left; i < r.left_end; ++i) {
            auto& seen = seen_[left_[i]];
            ++seen.left_count;
            seen.left_at = static_cast<std::uint32_t>(i);
        }
        for (std::size_t k = r.right; k < r.right_end; ++k)
            ++seen_[right_[k]].right_count;
        std::vector<Run> pairs; // in the order of the right side
        for (std::size_t k = r.right; k < r.right_end; ++k)
            if (const auto& seen = seen_[right_[k]]; seen.left_count == 1 && seen.right_count == 1)
                pairs.push_back(Run{seen.left_at, k, 1});
        for (std::size_t i = r.left; i < r.left_end; ++i)
            seen_[left_[i]] = {};
        for (std::size_t k = r.right; k < r.right_end; ++k)
            seen_[right_[k]] = {};
        return longest_increasing(pairs);
    }

    static std::vector<Run> longest_increasing(const std::vector<Run>& pairs)
    {
        std::vector<std::uint32_t> tails; // index of the pair that ends the best sequence of each length
        std::vector<std::uint32_t> before(pairs.size(), nowhere);
        for (std::uint32_t i = 0; i < pairs.size(); ++i) {
            const auto at =
                std::ranges::lower_bound(tails, pairs[i].left, {}, [&](std::uint32_t k) { return pairs[k].left; });
            if (at != tails.begin())
                before[i] = *(at - 1);
            if (at == tails.end())
                tails.push_back(i);
            else
                *at = i;
        }
        std::vector<Run> out;
        for (std::uint32_t i = tails.empty() ? nowhere : tails.back(); i != nowhere; i = before[i])
            out.push_back(pairs[i]);
        std::ranges::reverse(out);
        return out;
    }

    void align_by_table(const Range& r)
    {
        const std::size_t rows = r.left_end - r.left;
        const std::size_t columns = r.right_end - r.right;
        if (rows > table_cells / columns || rows * columns > cells_)
            return;
        cells_ -= rows * columns;
        // length[i][k]: the longest common subsequence of what begins at i and k
        const std::size_t width = columns + 1;
        std::vector<std::uint32_t> length((rows + 1) * width, 0);
        for (std::size_t i = rows; i-- > 0;)
            for (std::size_t k = columns; k-- > 0;)
                length[i * width + k] = left_[r.left + i] == right_[r.right + k]
                                            ? length[(i + 1) * width + k + 1] + 1
                                            : std::max(length[(i + 1) * width + k], length[i * width + k + 1]);
        for (std::size_t i = 0, k = 0; i < rows && k < columns;) {
            if (left_[r.left + i] == right_[r.right + k])
                runs_.push_back(Run{r.left + i++, r.right + k++, 1});
            else if (length[(i + 1) * width + k] >= length[i * width + k + 1])
                ++i;
            else
                ++k;
        }
    }

    std::vector<Run> in_order()
    {
        std::ranges::sort(runs_, {}, &Run::left);
        std::vector<Run> out;
        for (const Run& run : runs_) {
            if (!out.empty() && out.back().left + out.back().count == run.left &&
                out.back().right + out.back().count == run.right)
                out.back().count += run.count;
            else
                out.push_back(run);
        }
        return out;
    }

    std::span<const std::uint32_t> left_;
    std::span<const std::uint32_t> right_;
    std::vector<Seen> seen_;
    std::vector<Run> runs_;
    std::size_t visits_ = 0;
    std::size_t cells_ = all_cells;
};

} // namespace

std::vector<Run> align(std::span<const std::uint32_t> left, std::span<const std::uint32_t> right)
{
    return Aligner(left, right).run();
}

void number_tokens(std::span<const std::string_view> left, std::span<const std::string_view> right,
                   std::vector<std::uint32_t>& left_numbers, std::vector<std::uint32_t>& right_numbers)
{
    struct Token {
        std::size_t hash;
        std::string_view text;
        std::uint32_t* number;
    };
    left_numbers.assign(left.size(), 0);
    right_numbers.assign(right.size(), 0);
    std::vector<Token> tokens;
    tokens.reserve(left.size() + right.size());
    const auto add = [&](std::span<const std::string_view> texts, std::vector<std::uint32_t>& numbers) {
        for (std::size_t i = 0; i < texts.size(); ++i)
            tokens.push_back(Token{std::hash<std::string_view>{}(texts[i]), texts[i], &numbers[i]});
    };
    add(left, left_numbers);
    add(right, right_numbers);
    // sorted, not hashed into a table: who chooses texts with equal hashes gains nothing
    std::ranges::sort(
        tokens, [](const Token& a, const Token& b) { return a.hash != b.hash ? a.hash < b.hash : a.text < b.text; });
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (i > 0 && (tokens[i].hash != tokens[i - 1].hash || tokens[i].text != tokens[i - 1].text))
            ++number;
        *tokens[i].number = number;
    }
}

} // namespace mgw::mail
