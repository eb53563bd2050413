#include "data/store/split_files.h"

#include <algorithm>

#include "base/json.h"

namespace banter::data {
namespace {

namespace json = boost::json;

template <typename T>
bool append_ids(const Rows<T>& ids, Range range, TokenId vocab_size, std::vector<TokenId>& out) {
  TokenId largest = 0;
  const auto start = out.size();
  out.resize(start + range.size());
  for (std::uint64_t i = range.begin; i < range.end; ++i) {
    const TokenId id = ids[i];
    largest = std::max(largest, id);
    out[start + (i - range.begin)] = id;
  }
  return largest < vocab_size;
}

}  // namespace

IdRows::IdRows(const std::filesystem::path& path, std::uint64_t count, bool is_wide)
    : wide_(is_wide) {
  if (wide_)
    wide_ids_ = Rows<std::uint32_t>(path, count);
  else
    narrow_ids_ = Rows<std::uint16_t>(path, count);
}

bool IdRows::append(Range range, TokenId vocab_size, std::vector<TokenId>& out) const {
  return wide_ ? append_ids(wide_ids_, range, vocab_size, out)
               : append_ids(narrow_ids_, range, vocab_size, out);
}

SplitFiles::SplitFiles(const std::filesystem::path& folder, Tokenizer tokenizer,
                       const SplitCounts& counts)
    : folder_(folder), tokenizer_(std::move(tokenizer)), counts_(counts) {
  const bool wide = tokenizer_.vocab_size() > UINT16_MAX + 1;
  dialogues_ = {folder / "dialogues.bin", counts.dialogues + 1};
  turns_ = {folder / "turns.bin", counts.turns + 1};
  facts_ = {folder / "facts.bin", counts.facts + 1};
  distractors_ = {folder / "distractors.bin", counts.distractors + 1};
  pairs_ = {folder / "pairs.bin", counts.pairs + 1};
  tokens_ = {folder / "tokens.bin", counts.tokens, wide};
  fact_tokens_ = {folder / "fact_tokens.bin", counts.fact_tokens, wide};
  distractor_tokens_ = {folder / "distractor_tokens.bin", counts.distractor_tokens, wide};
  pair_tokens_ = {folder / "pair_tokens.bin", counts.pair_tokens, wide};
  texts_ = base::MappedFile(folder / "texts.bin");
  pair_texts_ = base::MappedFile(folder / "pair_texts.bin");

  const auto& last = dialogues_[counts.dialogues];
  const auto& last_pair = pairs_[counts.pairs];
  if (last.first_turn != counts.turns || last.first_fact != counts.facts ||
      last.first_distractor != counts.distractors || last.text_begin != texts_.text().size() ||
      turns_[counts.turns].token_begin != counts.tokens ||
      facts_[counts.facts].token_begin != counts.fact_tokens ||
      distractors_[counts.distractors].token_begin != counts.distractor_tokens ||
      last_pair.premise_begin != counts.pair_tokens ||
      last_pair.text_begin != pair_texts_.text().size())
    fail("its last rows disagree with its manifest");
}

void SplitFiles::fail(const std::string& what) const {
  throw base::DataError(folder_.string() + ": " + what +
                        ": the store is damaged, prepare it again");
}

void SplitFiles::check(std::uint64_t index, std::uint64_t count, const char* what) const {
  if (index >= count)
    throw base::DataError(folder_.string() + ": has no " + what + " " + std::to_string(index) +
                          ", only " + std::to_string(count));
}

Range SplitFiles::checked(Range range, std::uint64_t limit, const char* what) const {
  if (range.begin > range.end || range.end > limit) fail(std::string(what) + " point outside");
  return range;
}

Range SplitFiles::turns_of(std::uint64_t d) const {
  check(d, counts_.dialogues, "dialogue");
  return checked({dialogues_[d].first_turn, dialogues_[d + 1].first_turn}, counts_.turns,
                 "dialogues");
}

Range SplitFiles::facts_of(std::uint64_t d) const {
  check(d, counts_.dialogues, "dialogue");
  return checked({dialogues_[d].first_fact, dialogues_[d + 1].first_fact}, counts_.facts,
                 "dialogues");
}

Range SplitFiles::distractors_of(std::uint64_t d) const {
  check(d, counts_.dialogues, "dialogue");
  return checked({dialogues_[d].first_distractor, dialogues_[d + 1].first_distractor},
                 counts_.distractors, "dialogues");
}

/// The first distractor from `turn` on.
Range SplitFiles::distractors_beside(std::uint64_t turn) const {
  check(turn, counts_.turns, "turn");
  const auto first_from = [&](std::uint64_t wanted) {
    std::uint64_t low = 0;
    std::uint64_t high = counts_.distractors;
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      if (distractors_[middle].turn < wanted)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  return {first_from(turn), first_from(turn + 1)};
}

const TurnRow& SplitFiles::turn(std::uint64_t turn) const {
  check(turn, counts_.turns, "turn");
  return turns_[turn];
}

const FactRow& SplitFiles::fact(std::uint64_t fact) const {
  check(fact, counts_.facts, "fact");
  return facts_[fact];
}

Label SplitFiles::label(std::uint64_t pair) const {
  check(pair, counts_.pairs, "pair");
  const auto label = pairs_[pair].label;
  if (label > static_cast<std::uint32_t>(Label::kContradiction)) fail("a label is unknown");
  return static_cast<Label>(label);
}

Range SplitFiles::turn_ids(std::uint64_t turn) const {
  check(turn, counts_.turns, "turn");
  return checked({turns_[turn].token_begin, turns_[turn + 1].token_begin}, counts_.tokens, "turns");
}

Range SplitFiles::fact_ids(std::uint64_t fact) const {
  check(fact, counts_.facts, "fact");
  return checked({facts_[fact].token_begin, facts_[fact + 1].token_begin}, counts_.fact_tokens,
                 "facts");
}

Range SplitFiles::distractor_ids(std::uint64_t distractor) const {
  check(distractor, counts_.distractors, "distractor");
  return checked({distractors_[distractor].token_begin, distractors_[distractor + 1].token_begin},
                 counts_.distractor_tokens, "distractors");
}

Range SplitFiles::premise_ids(std::uint64_t p) const {
  check(p, counts_.pairs, "pair");
  return checked({pairs_[p].premise_begin, pairs_[p].hypothesis_begin}, counts_.pair_tokens,
                 "pairs");
}

Range SplitFiles::hypothesis_ids(std::uint64_t p) const {
  check(p, counts_.pairs, "pair");
  return checked({pairs_[p].hypothesis_begin, pairs_[p + 1].premise_begin}, counts_.pair_tokens,
                 "pairs");
}

void SplitFiles::append(const IdRows& from, Range ids, std::vector<TokenId>& out) const {
  if (!from.append(ids, tokenizer_.vocab_size(), out)) fail("an id is outside the vocabulary");
}

std::string SplitFiles::decoded(const IdRows& from, Range range) const {
  std::vector<TokenId> ids;
  append(from, range, ids);
  return tokenizer_.decode(ids);
}

std::pair<std::string_view, std::string_view> SplitFiles::id_and_details(
    const base::MappedFile& texts, Range range, std::uint64_t id_bytes) const {
  (void)checked(range, texts.text().size(), "texts");
  if (id_bytes > range.size()) fail("ids point outside");
  const auto text = texts.text().substr(range.begin, range.size());
  return {text.substr(0, id_bytes), text.substr(id_bytes)};
}

std::pair<std::string_view, std::string_view> SplitFiles::dialogue_text(std::uint64_t d) const {
  check(d, counts_.dialogues, "dialogue");
  return id_and_details(texts_, {dialogues_[d].text_begin, dialogues_[d + 1].text_begin},
                        dialogues_[d].id_bytes);
}

std::string_view SplitFiles::dialogue_id(std::uint64_t dialogue) const {
  return dialogue_text(dialogue).first;
}

std::string SplitFiles::dialogue_group(std::uint64_t dialogue) const {
  const std::string where = folder_.string() + ": dialogue " + std::to_string(dialogue);
  const auto details = base::parse_json(dialogue_text(dialogue).second, where);
  const auto& rest = base::as_object(details, where);
  return rest.contains("group") ? std::string(base::string_field(rest, "group", where)) : "";
}

Dialogue SplitFiles::dialogue_record(std::uint64_t number) const {
  const auto [id, details] = dialogue_text(number);
  Dialogue record;
  record.id = id;
  const std::string where = folder_.string() + ": dialogue " + std::to_string(number);
  const auto parsed = base::parse_json(details, where);
  const auto& rest = base::as_object(parsed, where);

  const auto& speakers = base::array_field(rest, "speakers", where);
  const auto speaker_name = [&](std::uint16_t speaker) -> std::string {
    if (speaker == 0) return "?";
    if (speaker > speakers.size()) fail("a speaker is unknown");
    return std::string(base::as_string(speakers[speaker - 1], where));
  };
  if (rest.contains("group")) record.group = base::string_field(rest, "group", where);
  if (rest.contains("meta"))
    for (const auto& entry : base::array_field(rest, "meta", where)) {
      const auto* pair = entry.if_array();
      if (pair == nullptr || pair->size() != 2) fail("a meta entry is no pair");
      record.meta.emplace_back(base::as_string((*pair)[0], where),
                               base::as_string((*pair)[1], where));
    }
  const auto turns = turns_of(number);
  const bool has_times = rest.contains("times");
  if (has_times && base::array_field(rest, "times", where).size() != turns.size())
    fail("a dialogue has not a time for each turn");

  for (auto turn = turns.begin; turn < turns.end; ++turn) {
    Turn& here = record.turns.emplace_back();
    here.speaker = speaker_name(turns_[turn].speaker);
    here.text = decoded(tokens_, turn_ids(turn));
    if (has_times)
      here.time =
          base::as_string(base::array_field(rest, "times", where)[turn - turns.begin], where);
  }
  const auto distractors = distractors_of(number);
  for (auto i = distractors.begin; i < distractors.end; ++i) {
    const auto turn = distractors_[i].turn;
    if (turn < turns.begin || turn >= turns.end) fail("a distractor stands beside no turn");
    record.turns[turn - turns.begin].distractors.push_back(
        decoded(distractor_tokens_, distractor_ids(i)));
  }
  const auto facts = facts_of(number);
  for (auto i = facts.begin; i < facts.end; ++i) {
    const auto name = speaker_name(facts_[i].speaker);
    if (record.personas.empty() || record.personas.back().first != name)
      record.personas.emplace_back(name, std::vector<std::string>{});
    record.personas.back().second.push_back(decoded(fact_tokens_, fact_ids(i)));
  }
  return record;
}

Pair SplitFiles::pair_record(std::uint64_t number) const {
  check(number, counts_.pairs, "pair");
  const auto& row = pairs_[number];
  const auto [id, details] =
      id_and_details(pair_texts_, {row.text_begin, pairs_[number + 1].text_begin}, row.id_bytes);
  const std::string where = folder_.string() + ": pair " + std::to_string(number);
  const auto parsed = base::parse_json(details, where);
  const auto& rest = base::as_object(parsed, where);
  Pair pair;
  pair.id = id;
  pair.premise = decoded(pair_tokens_, premise_ids(number));
  pair.hypothesis = decoded(pair_tokens_, hypothesis_ids(number));
  pair.label = label(number);
  if (rest.contains("source")) pair.source = base::string_field(rest, "source", where);
  if (rest.contains("group")) pair.group = base::string_field(rest, "group", where);
  return pair;
}

}  // namespace banter::data
