#include "data/store/encoded.h"

#include <utility>

namespace banter::data {
namespace {

EncodedRecord encode_one(Dialogue&& dialogue, WordEncoder& encoder) {
  EncodedDialogue encoded;
  encoded.turns.reserve(dialogue.turns.size());
  for (const auto& turn : dialogue.turns) {
    encoded.turns.push_back(encoder.encode(turn.text));
    for (const auto& text : turn.distractors) encoded.distractors.push_back(encoder.encode(text));
  }
  for (const auto& [speaker, facts] : dialogue.personas)
    for (const auto& fact : facts) encoded.facts.push_back(encoder.encode(fact));
  encoded.text = std::move(dialogue);
  return encoded;
}

EncodedRecord encode_one(Pair&& pair, WordEncoder& encoder) {
  EncodedPair encoded;
  encoded.premise = encoder.encode(pair.premise);
  encoded.hypothesis = encoder.encode(pair.hypothesis);
  encoded.text = std::move(pair);
  return encoded;
}

}  // namespace

EncodedRecord encode(Record record, WordEncoder& encoder) {
  return std::visit([&](auto& one) { return encode_one(std::move(one), encoder); }, record);
}

}  // namespace banter::data
