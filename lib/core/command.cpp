#include "lib/core/command.hpp"

namespace mgw
{

Result<std::vector<Arguments>> split_pipeline(std::string_view text)
{
    std::vector<Arguments> commands(1);
    std::string word;
    bool in_word = false;
    char quote = 0;
    const auto end_word = [&] {
        if (in_word)
            commands.back().push_back(word);
        word.clear();
        in_word = false;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else if (c == '\\' && quote == '"' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
                word += text[++i];
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            in_word = true;
        } else if (c == '\\' && i + 1 < text.size()) {
            word += text[++i];
            in_word = true;
        } else if (c == ' ' || c == '\t' || c == '\n') {
            end_word();
        } else if (c == '|') {
            end_word();
            commands.emplace_back();
        } else if (std::string_view(";&<>`$()").contains(c)) {
            return fail(Status::config,
                        std::string("'") + c + "' in a command has no shell to read it: " + std::string(text),
                        "quote it, or start a shell: sh -c '...'");
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quote != 0)
        return fail(Status::config, "a quote is not closed in: " + std::string(text));
    end_word();
    for (const auto& command : commands)
        if (command.empty())
            return fail(Status::config, "a command is missing in: " + std::string(text));
    return commands;
}

Result<Arguments> split_command(std::string_view text)
{
    auto commands = split_pipeline(text);
    if (!commands)
        return pass(commands);
    if (commands->size() != 1)
        return fail(Status::config, "one command is wanted, not a pipeline: " + std::string(text));
    return std::move(commands->front());
}

} // namespace mgw
