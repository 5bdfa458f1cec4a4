#pragma once

// The inside of the evaluator, shared by its source files only.

#include "lib/filter/evaluator.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

class Machine {
public:
    Machine(const Program& program, View& view, const mail::Recipient* recipient, const RunLimits& limits,
            std::vector<std::string>* trace)
        : program_(program), view_(view), recipient_(recipient), limits_(limits), trace_(trace)
    {}
    Result<Outcome> run();

private:
    /// Collects what a test looks at.
    using Values = std::vector<std::string_view>;

    Result<bool> test(const Test& test);
    Result<Values> values_of(const Test& test);
    void header_values(const Test& test, Values& out);
    void address_values(const Test& test, Values& out);
    void envelope_values(const Test& test, Values& out);
    void environment_values(const Test& test, Values& out);
    Result<void> attachment_values(const Test& test, Values& out);
    void add_address(const Test& test, std::string_view local, std::string_view domain, std::string_view whole,
                     Values& out);
    Result<bool> any_match(const Test& test, const Values& values);
    void trace_test(const Test& test, const Values& values, bool outcome);

    Result<void> action(const Step& step);
    Result<void> check_conflicts(const Step& step) const;
    Result<void> set(const Step& step);

    /// The text with its variables put in. The view lasts as long as the machine.
    std::string_view expand(const Text& text);
    std::string joined(const Text& text) const;
    std::string_view keep_text(std::string text);
    Result<void> spend(std::uint64_t steps);
    std::unexpected<Error> trouble(Position at, const std::string& message) const;

    const Program& program_;
    View& view_;
    const mail::Recipient* recipient_;
    const RunLimits& limits_;
    std::vector<std::string>* trace_;
    Outcome outcome_;
    std::uint64_t next_look_ = 0; ///< steps at which the clock is looked at
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::map<std::string, std::string, std::less<>> variables_;
    std::size_t variables_octets_ = 0;
    std::vector<std::string> captures_;
    std::size_t texts_octets_ = 0;
    std::deque<std::string> texts_; ///< what expand() and values made
};

} // namespace mgw::filter
