#include "models/consistency/consistency_judge.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/json.h"
#include "base/utf8.h"
#include "data/cleaning/text_cleaning.h"
#include "data/cleaning/unicode_text.h"
#include "models/consistency/classify_pairs.h"

namespace banter::models {
namespace {

namespace json = base::json;

constexpr std::size_t kMostAnswers = 16'384;  // that are kept

/// Whether a capital was frequent enough in the corpus of a tokenizer to get a piece
/// (`data.tokenizer.character_coverage`). This is what a checkpoint keeps of how its texts were
/// written: its config only says what preparation changed, which is nothing where a corpus came in
/// small letters, and its store may be gone.
bool has_capitals(const data::Tokenizer& tokenizer) {
  for (data::TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    auto text = tokenizer.surface(id);
    if (!tokenizer.is_byte(id) && !base::first_bad_utf8(text) && data::make_small(text))
      return true;
  }
  return false;
}

/// How texts must be cleaned to look as those of its training.
data::CleaningOptions cleaning_of(const LoadedClassifier& nli) {
  const auto config = configs::Config::load(nli.checkpoint.folder / "config.yaml");
  auto cleaning = data::CleaningOptions::from(config.root().section("data").section("cleaning"));
  if (!has_capitals(nli.tokenizer)) cleaning.lower_case = true;
  return cleaning;
}

/// The checkpoint's accuracy on the pairs that its training was judged by; nothing where it was
/// judged by something else, or not at this step.
std::optional<double> held_out_accuracy(const Checkpoint& checkpoint) {
  const auto file = checkpoint.folder / "state.json";
  const auto state = base::parse_json(base::read_file(file), file.string());
  const auto* object = state.if_object();
  const auto inner = [&](const char* key) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(key);
    object = value == nullptr ? nullptr : value->if_object();
  };
  inner("best");
  inner("accuracy");
  if (object == nullptr || base::integer_field(*object, "step", file.string()) != checkpoint.step)
    return std::nullopt;
  const auto text = base::string_field(*object, "value", file.string());
  double value = 0;
  const auto end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ptr != end) return std::nullopt;
  return value;
}

std::string signature_of(const Checkpoint& checkpoint) {
  std::string accuracy = "unknown";
  if (const auto known = held_out_accuracy(checkpoint)) {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%.4f", *known);
    accuracy = digits.data();
  }
  return "nli:" + checkpoint.hash.substr(0, 12) + "|nli_accuracy:" + accuracy;
}

Judgement judgement_of(const LabelLogProbs& log_probs) {
  Judgement judgement;
  std::ranges::transform(log_probs, judgement.probs.begin(),
                         [](double log_prob) { return std::exp(log_prob); });
  return judgement;
}

}  // namespace

ConsistencyJudge::ConsistencyJudge(LoadedClassifier nli)
    : nli_(std::move(nli)),
      device_(nli_.model->parameters().front().device()),
      cleaning_(cleaning_of(nli_)),
      signature_(signature_of(nli_.checkpoint)) {}

ConsistencyJudge::Ids ConsistencyJudge::ids_of(std::string_view text) const {
  std::string written(text);
  data::clean_text(cleaning_, written);
  return nli_.tokenizer.encode(written);
}

bool ConsistencyJudge::reads_all_of(std::string_view sentence) const {
  return std::ssize(ids_of(sentence)) <= nli_.batch.max_reply_tokens;
}

std::vector<std::vector<Judgement>> ConsistencyJudge::judge(
    std::span<const ReplyOfPersona> replies) {
  static constexpr Judgement kNeutral{.probs = {0, 1, 0}};
  Answers asked;  // what is not known yet
  std::vector<std::vector<const Judgement*>> found;
  found.reserve(replies.size());
  for (const auto& [reply, persona] : replies) {
    auto& row = found.emplace_back(persona.size(), &kNeutral);
    if (base::is_blank(reply)) continue;
    const auto premise = ids_of(reply);
    for (std::size_t i = 0; i < persona.size(); ++i) {
      auto pair = std::make_pair(premise, ids_of(persona[i]));
      const auto known = answers_.find(pair);
      row[i] = known != answers_.end() ? &known->second
                                       : &asked.try_emplace(std::move(pair)).first->second;
    }
  }
  answer(asked);
  std::vector<std::vector<Judgement>> judged;
  judged.reserve(found.size());
  for (const auto& row : found) {
    auto& judgements = judged.emplace_back();
    for (const auto* judgement : row) judgements.push_back(*judgement);
  }
  if (answers_.size() + asked.size() > kMostAnswers) answers_.clear();
  answers_.merge(asked);
  return judged;
}

void ConsistencyJudge::answer(Answers& asked) {
  std::vector<data::PairIds> pairs;
  pairs.reserve(asked.size());
  for (const auto& [pair, judgement] : asked)
    pairs.push_back({.premise = pair.first, .hypothesis = pair.second});
  const auto rows =
      classify_pairs(*nli_.model, pairs, nli_.batch, nli_.tokenizer.special(), device_);
  auto row = rows.begin();
  for (auto& [pair, judgement] : asked) judgement = judgement_of(*row++);
}

std::vector<Judgement> ConsistencyJudge::judge(std::string_view reply,
                                               std::span<const std::string> persona) {
  const ReplyOfPersona one{.reply = reply, .persona = persona};
  return std::move(judge(std::span(&one, 1)).front());
}

}  // namespace banter::models
