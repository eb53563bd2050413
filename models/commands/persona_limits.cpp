#include "models/commands/persona_limits.h"

namespace banter::models {

std::vector<std::string> notes_on_persona(const std::vector<std::int64_t>& tokens,
                                          const data::BatchOptions& limits) {
  if (tokens.empty()) return {};
  if (limits.persona == "none")
    return {"this model was trained without personas (batch.persona is none): it reads no line"};
  std::vector<std::string> notes;
  const auto size = [&](std::size_t line) { return data::fact_row_tokens(tokens[line], limits); };
  const auto none = [](std::size_t) { return std::int64_t{0}; };
  const auto read = data::cut_context(tokens.size(), size, 0, none, limits).facts;
  for (std::size_t line = 0; line < read; ++line)
    if (tokens[line] > limits.max_turn_tokens)
      notes.push_back("line " + std::to_string(line + 1) + " of the persona has " +
                      std::to_string(tokens[line]) +
                      " tokens, of which this model reads the first " +
                      std::to_string(limits.max_turn_tokens) + " (batch.max_turn_tokens)");
  if (read < tokens.size())
    notes.push_back("this model reads the first " + std::to_string(read) + " of the persona's " +
                    std::to_string(tokens.size()) + " lines (batch.max_context_tokens is " +
                    std::to_string(limits.max_context_tokens) + ")");
  return notes;
}

}  // namespace banter::models
