#include "models/commands/consistency_view.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "models/commands/reply_json.h"

namespace banter::models {
namespace {

constexpr std::array<std::string_view, 3> kWords = {"entailed", "neutral", "contradicted"};

std::string cells_of(const Judgement& judgement) {
  std::string word(kWords.at(static_cast<std::size_t>(judgement.label())));
  word.resize(kWords.back().size() + 2, ' ');
  std::array<char, 16> prob{};
  std::snprintf(prob.data(), prob.size(), "%.2f  ", judgement.prob());
  return word + prob.data();
}

}  // namespace

std::string persona_view(const std::vector<std::string>& persona,
                         std::span<const Judgement> judgements) {
  const auto width = std::to_string(persona.size()).size();
  std::string view;
  for (std::size_t line = 0; line < persona.size(); ++line) {
    const auto number = std::to_string(line + 1);
    view += std::string(width - number.size(), ' ') + number + "  ";
    if (!judgements.empty()) view += cells_of(judgements[line]);
    view += one_line(persona[line]) + "\n";
  }
  return view;
}

base::json::array consistency_json(const std::vector<std::string>& persona,
                                   std::span<const Judgement> judgements) {
  base::json::array lines;
  for (std::size_t fact = 0; fact < judgements.size(); ++fact) {
    base::json::object line = {{"fact", fact},
                               {"text", persona[fact]},
                               {"label", data::to_text(judgements[fact].label())}};
    for (const auto label :
         {data::Label::kEntailment, data::Label::kNeutral, data::Label::kContradiction})
      line[data::to_text(label)] = short_number(
          static_cast<float>(judgements[fact].probs.at(static_cast<std::size_t>(label))));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace banter::models
