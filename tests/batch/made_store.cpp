#include "tests/batch/made_store.h"

#include <array>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "data/store/store_writer.h"

namespace banter::tests {
namespace {

constexpr std::array<std::string_view, 16> kWords = {
    "the",  "kernel", "does",  "not", "boot", "after", "that", "update",
    "have", "you",    "tried", "it",  "with", "sudo",  "yes",  "thanks"};

/// Draws that depend on the seed and on how many came before.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : seed_(seed) {}
  std::size_t below(std::size_t size) {
    return static_cast<std::size_t>(base::mix64(base::join_keys(seed_, ++count_)) % size);
  }

 private:
  std::uint64_t seed_, count_ = 0;
};

std::string sentence(Draws& draws, std::size_t words) {
  std::string text;
  for (std::size_t i = 0; i < words; ++i)
    text.append(i == 0 ? "" : " ").append(kWords[draws.below(kWords.size())]);
  return text;
}

std::vector<data::Dialogue> dialogues(const MadeDialogues& made) {
  Draws draws(made.seed);
  constexpr std::array<std::string_view, 4> kSpeakers = {"ann", "bob", "cal", "?"};
  std::vector<data::Dialogue> all(made.dialogues);
  for (std::size_t d = 0; d < all.size(); ++d) {
    auto& dialogue = all[d];
    dialogue.id = "d" + std::to_string(d);
    if (made.views > 1) dialogue.group = "t" + std::to_string(d / made.views);
    const auto turns = d == 0 ? 1 : d == 1 ? made.most_turns : 1 + draws.below(made.most_turns);
    for (std::size_t t = 0; t < turns; ++t) {
      const auto most = draws.below(3) == 0 ? made.most_words : 1 + made.most_words / 6;
      dialogue.turns.push_back({.speaker = std::string(kSpeakers[draws.below(kSpeakers.size())]),
                                .text = sentence(draws, 1 + draws.below(most)),
                                .time = {}});
      for (std::size_t i = 0; t > 0 && i < made.distractors; ++i)
        dialogue.turns.back().distractors.push_back(sentence(draws, 1 + draws.below(most)));
    }
    if (!made.personas || d % 3 == 2) continue;
    for (const auto speaker : {"ann", "bob"}) {
      std::vector<std::string> facts;
      for (std::size_t f = draws.below(4); f > 0; --f)
        facts.push_back(sentence(draws, 1 + draws.below(made.most_words / 2)));
      if (!facts.empty()) dialogue.personas.emplace_back(speaker, std::move(facts));
    }
  }
  return all;
}

std::vector<data::Pair> pairs(const MadeDialogues& made) {
  Draws draws(base::join_keys(made.seed, made.pairs));
  std::vector<data::Pair> all(made.pairs);
  for (std::size_t p = 0; p < all.size(); ++p) {
    const auto premise = sentence(draws, 1 + draws.below(made.most_words / 2));
    const auto hypothesis = sentence(draws, 1 + draws.below(made.most_words / 2));
    all[p] = {.id = "p" + std::to_string(p),
              .premise = premise,
              .hypothesis = hypothesis,
              .label = static_cast<data::Label>(p % 3),
              .source = p % 2 == 0 ? "even" : "odd",
              .group = "g" + std::to_string(p / 4)};
  }
  return all;
}

data::Tokenizer trained_on(const std::vector<data::Dialogue>& all) {
  std::size_t next = 0;
  return data::Tokenizer(
      data::Tokenizer::train({.vocab_size = 320}, [&]() -> std::optional<std::string> {
        if (next == all.size()) return std::nullopt;
        std::string text;
        for (const auto& turn : all[next].turns) text += turn.text + " ";
        ++next;
        return text;
      }));
}

}  // namespace

MadeStore::MadeStore(const MadeDialogues& made) {
  const auto all = dialogues(made);
  const auto tokenizer = made.tokenizer ? *made.tokenizer : trained_on(all);
  data::StoreWriter writer(folder(), tokenizer);
  data::WordEncoder encoder(tokenizer);
  for (std::size_t d = 0; d < all.size(); ++d)
    writer.add(made.splits[d % made.splits.size()], data::encode(all[d], encoder));
  const auto all_pairs = pairs(made);
  for (std::size_t p = 0; p < all_pairs.size(); ++p)  // three at a time: each split has all labels
    writer.add(made.splits[p / 3 % made.splits.size()], data::encode(all_pairs[p], encoder));
  writer.finish({});
  store_ = data::Store::open(folder());
}

}  // namespace banter::tests
