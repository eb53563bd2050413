#include "data/store/split_writer.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "base/utf8.h"
#include "data/store/rows.h"

namespace banter::data {
namespace {

namespace json = boost::json;

/// Whether a name is one of A to H, which have a number whoever begins.
bool is_letter_of_speaker(const std::string& name) {
  return name.size() == 1 && name[0] >= 'A' && name[0] < 'A' + SpecialIds::kSpeakers;
}

bool has_no_name(const std::string& speaker) { return speaker.empty() || speaker == "?"; }

/// Numbers the speakers of a dialogue: A is 1, B is 2 and so on where all are called so, others in
/// the order they appear; "?" is 0. Requires fewer than `kMaxSpeakers` of them.
class Speakers {
 public:
  explicit Speakers(const Dialogue& dialogue) {
    char last = 'A' - 1;
    const auto is_lettered = [&](const std::string& name) {
      if (has_no_name(name)) return true;
      if (is_letter_of_speaker(name)) last = std::max(last, name[0]);
      return is_letter_of_speaker(name);
    };
    if (!std::ranges::all_of(dialogue.turns, is_lettered, &Turn::speaker)) return;
    for (const auto& [speaker, facts] : dialogue.personas)
      if (!is_lettered(speaker)) return;
    for (char letter = 'A'; letter <= last; ++letter) number(std::string(1, letter));
  }

  std::uint16_t number(const std::string& name) {
    if (has_no_name(name)) return 0;
    const auto [found, is_new] =
        numbers_.try_emplace(name, static_cast<std::uint16_t>(names_.size() + 1));
    if (is_new) names_.push_back(name);
    return found->second;
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint16_t> numbers_;
};

/// What is neither ids nor numbers in a dialogue.
std::string details(const Dialogue& dialogue, const Speakers& speakers) {
  json::object rest;
  json::array names;
  for (const auto& name : speakers.names()) names.emplace_back(name);
  rest["speakers"] = std::move(names);
  if (!dialogue.group.empty()) rest["group"] = dialogue.group;
  if (!dialogue.meta.empty()) {
    json::array meta;
    for (const auto& [key, value] : dialogue.meta) meta.push_back(json::array{key, value});
    rest["meta"] = std::move(meta);
  }
  const auto has_time = [](const Turn& turn) { return !turn.time.empty(); };
  if (std::ranges::any_of(dialogue.turns, has_time)) {
    json::array times;
    for (const auto& turn : dialogue.turns) times.emplace_back(turn.time);
    rest["times"] = std::move(times);
  }
  return json::serialize(rest);
}

std::string details(const Pair& pair) {
  json::object rest;
  if (!pair.source.empty()) rest["source"] = pair.source;
  if (!pair.group.empty()) rest["group"] = pair.group;
  return json::serialize(rest);
}

/// Puts ids as numbers of type Id in place of what stands in `row`.
template <typename Id>
void put_ids(const std::vector<TokenId>& ids, std::string& row) {
  row.resize(ids.size() * sizeof(Id));
  char* to = row.data();
  for (const TokenId id : ids) {
    const auto value = static_cast<Id>(id);
    std::memcpy(to, &value, sizeof value);
    to += sizeof value;
  }
}

/// Bytes of `count` rows of type Row.
template <typename Row>
std::uint64_t rows(std::uint64_t count) {
  return count * sizeof(Row);
}

}  // namespace

SplitWriter::SplitWriter(const std::filesystem::path& folder, bool is_wide)
    : wide_(is_wide),
      dialogues_(folder, "dialogues.bin"),
      turns_(folder, "turns.bin"),
      tokens_(folder, "tokens.bin"),
      facts_(folder, "facts.bin"),
      fact_tokens_(folder, "fact_tokens.bin"),
      distractors_(folder, "distractors.bin"),
      distractor_tokens_(folder, "distractor_tokens.bin"),
      texts_(folder, "texts.bin"),
      pairs_(folder, "pairs.bin"),
      pair_tokens_(folder, "pair_tokens.bin"),
      pair_texts_(folder, "pair_texts.bin") {}

SplitWriter::SplitWriter(const std::filesystem::path& folder, bool is_wide, const SplitCounts& c)
    : wide_(is_wide),
      counts_(c),
      dialogues_(folder, "dialogues.bin", rows<DialogueRow>(c.dialogues)),
      turns_(folder, "turns.bin", rows<TurnRow>(c.turns)),
      tokens_(folder, "tokens.bin", c.tokens * (is_wide ? 4 : 2)),
      facts_(folder, "facts.bin", rows<FactRow>(c.facts)),
      fact_tokens_(folder, "fact_tokens.bin", c.fact_tokens * (is_wide ? 4 : 2)),
      distractors_(folder, "distractors.bin", rows<DistractorRow>(c.distractors)),
      distractor_tokens_(folder, "distractor_tokens.bin", c.distractor_tokens * (is_wide ? 4 : 2)),
      texts_(folder, "texts.bin", c.text_bytes),
      pairs_(folder, "pairs.bin", rows<PairRow>(c.pairs)),
      pair_tokens_(folder, "pair_tokens.bin", c.pair_tokens * (is_wide ? 4 : 2)),
      pair_texts_(folder, "pair_texts.bin", c.pair_text_bytes) {}

std::array<HashedFile*, 11> SplitWriter::files() {
  return {&dialogues_,         &turns_, &tokens_, &facts_,       &fact_tokens_, &distractors_,
          &distractor_tokens_, &texts_, &pairs_,  &pair_tokens_, &pair_texts_};
}

void SplitWriter::write_ids(HashedFile& file, const std::vector<TokenId>& ids,
                            std::uint64_t& count) {
  if (wide_)
    put_ids<std::uint32_t>(ids, row_);
  else
    put_ids<std::uint16_t>(ids, row_);
  file.write(row_);
  count += ids.size();
}

void SplitWriter::add(const EncodedRecord& record) {
  std::visit([&](const auto& one) { add_one(one); }, record);
}

void SplitWriter::add_one(const EncodedDialogue& dialogue) {
  const auto& text = dialogue.text;
  dialogues_.write_row(DialogueRow{counts_.turns, counts_.facts, counts_.distractors,
                                   counts_.text_bytes, static_cast<std::uint32_t>(text.id.size()),
                                   0});
  Speakers speakers(text);
  auto distractor = dialogue.distractors.begin();
  for (std::size_t i = 0; i < text.turns.size(); ++i) {
    const auto& turn = text.turns[i];
    const auto words = static_cast<std::uint32_t>(base::count_words(turn.text));
    turns_.write_row(TurnRow{counts_.tokens,
                             words,
                             static_cast<std::uint32_t>(turn.text.size()),
                             speakers.number(turn.speaker),
                             {}});
    write_ids(tokens_, dialogue.turns[i], counts_.tokens);
    for (std::size_t k = 0; k < turn.distractors.size(); ++k, ++counts_.distractors) {
      distractors_.write_row(DistractorRow{counts_.distractor_tokens, counts_.turns});
      write_ids(distractor_tokens_, *distractor++, counts_.distractor_tokens);
    }
    ++counts_.turns;
    counts_.words += words;
    counts_.bytes += turn.text.size();
  }
  auto fact = dialogue.facts.begin();
  for (const auto& [speaker, lines] : text.personas) {
    for (std::size_t i = 0; i < lines.size(); ++i, ++counts_.facts) {
      facts_.write_row(FactRow{counts_.fact_tokens, speakers.number(speaker), {}});
      write_ids(fact_tokens_, *fact++, counts_.fact_tokens);
    }
  }
  const std::string rest = details(text, speakers);
  texts_.write(text.id);
  texts_.write(rest);
  counts_.text_bytes += text.id.size() + rest.size();
  ++counts_.dialogues;
}

void SplitWriter::add_one(const EncodedPair& pair) {
  const auto begin = counts_.pair_tokens;
  write_ids(pair_tokens_, pair.premise, counts_.pair_tokens);
  const auto middle = counts_.pair_tokens;
  write_ids(pair_tokens_, pair.hypothesis, counts_.pair_tokens);
  pairs_.write_row(PairRow{begin, middle, counts_.pair_text_bytes,
                           static_cast<std::uint32_t>(pair.text.id.size()),
                           static_cast<std::uint32_t>(pair.text.label)});
  const std::string rest = details(pair.text);
  pair_texts_.write(pair.text.id);
  pair_texts_.write(rest);
  counts_.pair_text_bytes += pair.text.id.size() + rest.size();
  ++counts_.pairs;
}

void SplitWriter::sync() {
  for (auto* file : files()) file->sync();
}

json::object SplitWriter::close() {
  const auto& c = counts_;
  dialogues_.write_row(DialogueRow{c.turns, c.facts, c.distractors, c.text_bytes, 0, 0});
  turns_.write_row(TurnRow{c.tokens, 0, 0, 0, {}});
  facts_.write_row(FactRow{c.fact_tokens, 0, {}});
  distractors_.write_row(DistractorRow{c.distractor_tokens, c.turns});
  pairs_.write_row(PairRow{c.pair_tokens, c.pair_tokens, c.pair_text_bytes, 0, 0});
  json::object about = counts_.to_json();
  json::array all;
  for (auto* file : files()) all.push_back(file->close());
  about["files"] = std::move(all);
  return about;
}

}  // namespace banter::data
