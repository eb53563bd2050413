#include "data/reading/memory_of.h"

namespace banter::data {
namespace {

std::size_t memory_of(const std::string& text) { return sizeof(std::string) + text.size(); }

std::size_t memory_of(const Dialogue& dialogue) {
  std::size_t bytes = sizeof(Dialogue) + memory_of(dialogue.id) + memory_of(dialogue.group);
  for (const auto& turn : dialogue.turns) {
    bytes += memory_of(turn.speaker) + memory_of(turn.text) + memory_of(turn.time);
    for (const auto& text : turn.distractors) bytes += memory_of(text);
  }
  for (const auto& [speaker, facts] : dialogue.personas) {
    bytes += memory_of(speaker);
    for (const auto& fact : facts) bytes += memory_of(fact);
  }
  for (const auto& [key, value] : dialogue.meta) bytes += memory_of(key) + memory_of(value);
  return bytes;
}

std::size_t memory_of(const Pair& pair) {
  return sizeof(Pair) + memory_of(pair.premise) + memory_of(pair.hypothesis) + memory_of(pair.id) +
         memory_of(pair.source) + memory_of(pair.group);
}

}  // namespace

std::size_t memory_of(const Record& record) {
  return std::visit([](const auto& one) { return memory_of(one); }, record);
}

}  // namespace banter::data
