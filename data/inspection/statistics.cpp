#include "data/inspection/statistics.h"

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/random.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

namespace json = boost::json;

constexpr std::size_t kExamples = 5;
constexpr std::size_t kExampleTurns = 4;
constexpr std::size_t kExampleBytes = 300;
constexpr std::size_t kPrintedBytes = 100;

std::size_t non_ascii_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
    return static_cast<unsigned char>(c) >= 0xC0;  // lead bytes
  }));
}

std::string content_key(const Dialogue& dialogue) {
  std::string all;
  for (const auto& turn : dialogue.turns) all.append(turn.text).push_back('\0');
  return base::sha256_hex(all);
}

/// The start of a text, cut between code points.
std::string beginning(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

json::array to_json_classes(const Histogram& histogram) {
  json::array classes;
  for (const auto& c : histogram.classes())
    classes.push_back({{"from", c.low}, {"to", c.high}, {"count", c.count}});
  return classes;
}

}  // namespace

CorpusStatistics::CorpusStatistics(const std::filesystem::path& scratch)
    : names_(scratch), contents_(scratch) {}

void CorpusStatistics::Largest::offer(std::uint64_t candidate, const std::string& owner) {
  if (candidate <= value) return;
  value = candidate;
  id = owner;
}

void CorpusStatistics::add_turn(const Turn& turn, const std::string& id) {
  const auto characters = base::count_code_points(turn.text);
  words_.add(base::count_words(turn.text));
  characters_ += characters;
  bytes_ += turn.text.size();
  longest_turn_.offer(characters, id);
  if (const auto others = non_ascii_code_points(turn.text); others > 0) {
    non_ascii_characters_ += others;
    ++non_ascii_turns_;
  }
}

void CorpusStatistics::add_speakers(const Dialogue& dialogue) {
  std::vector<std::string_view> names;
  const Turn* last = nullptr;
  for (const auto& turn : dialogue.turns) {
    if (last == nullptr || last->speaker != turn.speaker) {
      ++joined_;
      if (std::ranges::find(names, turn.speaker) == names.end()) names.push_back(turn.speaker);
    }
    unknown_speakers_ = unknown_speakers_ || turn.speaker == "?";
    last = &turn;
  }
  speakers_.add(names.size());
  for (const auto name : names) names_.add(name);
}

void CorpusStatistics::offer_example(const Dialogue& dialogue) {
  const auto key = base::join_keys(1, turns_.count());
  if (examples_.size() == kExamples && key > examples_.back().key) return;
  Example example{key, dialogue.id, {}, dialogue.turns.size()};
  for (std::size_t i = 0; i < std::min(kExampleTurns, dialogue.turns.size()); ++i)
    example.turns.emplace_back(dialogue.turns[i].speaker,
                               beginning(dialogue.turns[i].text, kExampleBytes));
  examples_.insert(std::ranges::upper_bound(examples_, key, {}, &Example::key), std::move(example));
  if (examples_.size() > kExamples) examples_.pop_back();
}

void CorpusStatistics::add(const Dialogue& dialogue) {
  turns_.add(dialogue.turns.size());
  most_turns_.offer(dialogue.turns.size(), dialogue.id);
  for (const auto& turn : dialogue.turns) add_turn(turn, dialogue.id);
  add_speakers(dialogue);
  if (!dialogue.personas.empty()) ++with_personas_;
  for (const auto& [speaker, facts] : dialogue.personas) facts_ += facts.size();
  if (contents_.add(content_key(dialogue))) ++copies_;
  offer_example(dialogue);
}

json::object CorpusStatistics::to_json() const {
  json::array examples;
  for (const auto& example : examples_) {
    json::array turns;
    for (const auto& [speaker, text] : example.turns)
      turns.push_back({{"speaker", speaker}, {"text", text}});
    examples.push_back(
        {{"id", example.id}, {"turns", std::move(turns)}, {"all_turns", example.all_turns}});
  }
  json::object o{{"dialogues", dialogues()},
                 {"turns", turns()},
                 {"joined_turns", joined_},
                 {"words", words_.sum()},
                 {"characters", characters_},
                 {"bytes", bytes_},
                 {"fewest_turns", turns_.min()},
                 {"most_turns", {{"value", most_turns_.value}, {"id", most_turns_.id}}},
                 {"longest_turn", {{"characters", longest_turn_.value}, {"id", longest_turn_.id}}},
                 {"speakers", names_.size()},
                 {"copies", copies_},
                 {"non_ascii_characters", non_ascii_characters_},
                 {"non_ascii_turns", non_ascii_turns_},
                 {"dialogues_with_personas", with_personas_},
                 {"facts", facts_}};
  if (unknown_speakers_) o["joined_turns"] = nullptr;  // two "?" need not be one person
  o["turns_a_dialogue"] = to_json_classes(turns_);
  o["words_a_turn"] = to_json_classes(words_);
  o["speakers_a_dialogue"] = to_json_classes(speakers_);
  o["examples"] = std::move(examples);
  return o;
}

void CorpusStatistics::print(std::ostream& out) const {
  out << "  dialogues " << grouped(dialogues()) << ", turns " << grouped(turns());
  if (!unknown_speakers_) out << " (" << grouped(joined_) << " after joining a speaker's runs)";
  out << ", words " << grouped(words_.sum()) << ", characters " << grouped(characters_)
      << ", UTF-8 bytes " << grouped(bytes_) << '\n';
  out << "  speakers " << grouped(names_.size())
      << (unknown_speakers_ ? " (\"?\" = unknown among them)" : "") << ", copies of an earlier "
      << "dialogue " << grouped(copies_) << ", turns with other than ASCII letters "
      << grouped(non_ascii_turns_) << '\n';
  if (facts_ > 0)
    out << "  personas in " << grouped(with_personas_) << " dialogues, " << grouped(facts_)
        << " facts\n";
  if (dialogues() == 0) return;
  out << "  most turns " << grouped(most_turns_.value) << " (" << base::printable(most_turns_.id)
      << "), longest turn " << grouped(longest_turn_.value) << " characters ("
      << base::printable(longest_turn_.id) << ")\n";
  turns_.print(out, "turns a dialogue");
  words_.print(out, "words a turn");
  speakers_.print(out, "speakers a dialogue");
  out << "  examples:\n";
  for (const auto& example : examples_) {
    out << "    " << base::printable(example.id) << " (" << grouped(example.all_turns)
        << " turns)\n";
    for (const auto& [speaker, text] : example.turns)
      out << "      " << base::printable(speaker, 20) << ": "
          << base::printable(text, kPrintedBytes) << '\n';
  }
}

TokenStatistics::TokenStatistics(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer), seen_(static_cast<std::size_t>(tokenizer.vocab_size())) {}

void TokenStatistics::add(const Split& split, std::uint64_t dialogue) {
  const auto view = split.dialogue(dialogue);
  std::vector<TokenId> ids;
  for (std::uint32_t i = 0; i < view.turns; ++i) {
    ids.clear();
    split.append_turn(view.first_turn + i, ids);
    tokens_.add(ids.size());
    words_ += split.turn_words(view.first_turn + i);
    const auto before = byte_tokens_;
    for (const TokenId id : ids) {
      seen_[static_cast<std::size_t>(id)] = true;
      if (tokenizer_.is_byte(id)) ++byte_tokens_;
      if (id == tokenizer_.special().unk) ++unknown_;
    }
    if (byte_tokens_ != before) ++byte_turns_;
  }
}

double TokenStatistics::share(std::uint64_t part) const {
  return tokens_.sum() == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(tokens_.sum());
}

double TokenStatistics::per_word() const {
  return words_ == 0 ? 0.0 : static_cast<double>(tokens_.sum()) / static_cast<double>(words_);
}

std::uint64_t TokenStatistics::used() const {
  return static_cast<std::uint64_t>(std::ranges::count(seen_, true));
}

json::object TokenStatistics::to_json() const {
  return {{"tokens", tokens_.sum()},
          {"tokens_a_word", per_word()},
          {"byte_tokens", byte_tokens_},
          {"byte_share", share(byte_tokens_)},
          {"turns_with_bytes", byte_turns_},
          {"unknown", unknown_},
          {"vocab_size", tokenizer_.vocab_size()},
          {"vocab_used", used()},
          {"tokens_a_turn", to_json_classes(tokens_)}};
}

void TokenStatistics::print(std::ostream& out) const {
  constexpr int kPercent = 100;
  out << "  tokens " << grouped(tokens_.sum()) << ", " << fixed(per_word(), 2) << " a word; bytes "
      << grouped(byte_tokens_) << " (" << fixed(kPercent * share(byte_tokens_), 3)
      << " % of tokens, in " << grouped(byte_turns_) << " turns), unknown " << grouped(unknown_)
      << "; " << grouped(used()) << " of "
      << grouped(static_cast<std::uint64_t>(tokenizer_.vocab_size())) << " ids used\n";
  tokens_.print(out, "tokens a turn");
}

}  // namespace banter::data
