#include "data/inspection/reports/corpus_report.h"

#include "base/utf8.h"
#include "data/inspection/reports/report.h"

namespace banter::data {
namespace {

namespace json = boost::json;

constexpr std::size_t kPrintedNameBytes = 14;
constexpr std::size_t kPrintedTextBytes = 120;
constexpr int kJaccardDigits = 2;
constexpr double kThreshold = static_cast<double>(NearDuplicates::kAlike) / Sketch::kHashes;

/// Of the things added those that came before.
std::uint64_t copies(const DistinctCounter::Counts& counts) {
  return counts.added - counts.distinct;
}

json::object to_json(const Extreme& extreme) {
  json::object o{{"value", extreme.value}, {"id", extreme.id}};
  if (extreme.turn > 0) o["turn"] = extreme.turn;
  return o;
}

json::array to_json(const std::vector<ScriptCounts::Row>& scripts) {
  json::array all;
  for (const auto& row : scripts)
    all.push_back({{"script", row.script}, {"characters", row.characters}, {"turns", row.texts}});
  return all;
}

json::object to_json(const PersonaFigures& personas) {
  return {{"dialogues", personas.dialogues},     {"facts", personas.facts.added},
          {"characters", personas.characters},   {"distinct_facts", personas.facts.distinct},
          {"personas", personas.personas.added}, {"distinct_personas", personas.personas.distinct}};
}

json::array to_json(const std::vector<ShownDialogue>& examples) {
  json::array all;
  for (const auto& example : examples) {
    json::array turns;
    for (const auto& turn : example.turns)
      turns.push_back({{"speaker", turn.speaker}, {"text", turn.text}});
    all.push_back(
        {{"id", example.id}, {"turns", std::move(turns)}, {"all_turns", example.all_turns}});
  }
  return all;
}

std::string of_dialogue(const Extreme& extreme) { return "in " + base::printable(extreme.id); }

void print_sizes(std::ostream& out, const CorpusFigures& f) {
  print_row(out, "dialogues", f.turns.count());
  print_row(out, "turns", f.turns.sum(),
            f.unknown_speakers
                ? "some by \"?\": whose, and what would be joined, is not known"
                : grouped(f.joined_turns) + " after joining neighbours of a speaker");
  print_row(out, "distinct turns", f.texts.distinct,
            grouped(f.texts.repeated) + " of them stand more than once");
  print_row(out, "words", f.words.sum());
  print_row(out, "characters", f.characters, grouped(f.bytes) + " bytes");
  print_row(out, "speakers", f.names.distinct,
            f.unknown_speakers ? "\"?\" = unknown among them" : "");
  if (f.turns.count() == 0) return;
  print_row(out, "fewest turns", f.fewest_turns.value, of_dialogue(f.fewest_turns));
  print_row(out, "most turns", f.most_turns.value, of_dialogue(f.most_turns));
  print_row(out, "longest turn", f.longest_turn.value,
            "characters, turn " + grouped(f.longest_turn.turn) + " " + of_dialogue(f.longest_turn));
}

void print_copies(std::ostream& out, const CorpusFigures& f) {
  print_row(out, "copies", copies(f.dialogues), "dialogues whose turns say what earlier ones say");
  print_row(out, "  without case", copies(f.normal_forms),
            "the same where only letters and digits count");
  const auto& near = f.near_duplicates;
  print_row(out, "  near-duplicates", near.alike,
            "about; " + grouped(near.same) + " of them have the same runs of words");
  print_row(out, "    told by", method_of(near));
}

void print_scripts(std::ostream& out, const CorpusFigures& f) {
  print_row(out, "non-ASCII characters", f.non_ascii_characters,
            percent(f.non_ascii_characters, f.characters, 4) + " of characters, in " +
                grouped(f.non_ascii_turns) + " turns (" +
                percent(f.non_ascii_turns, f.turns.sum(), 3) + ")");
  for (const auto& row : f.scripts)
    print_row(out, "  " + row.script, row.characters,
              "letters, in " + grouped(row.texts) + " turns");
}

void print_personas(std::ostream& out, const CorpusFigures& f) {
  const auto& p = f.personas;
  if (p.dialogues == 0) return;
  print_row(out, "personas", p.personas.added,
            grouped(p.personas.distinct) + " distinct, in " + grouped(p.dialogues) + " dialogues");
  print_row(out, "  facts", p.facts.added,
            grouped(p.facts.distinct) + " distinct, " + grouped(p.characters) + " characters");
}

void print_examples(std::ostream& out, const std::vector<ShownDialogue>& examples) {
  if (examples.empty()) return;
  out << "  examples\n";
  for (const auto& example : examples) {
    out << "    " << base::printable(example.id) << " (" << grouped(example.all_turns)
        << " turns)\n";
    for (const auto& turn : example.turns)
      print_row(out, "    " + base::printable(turn.speaker, kPrintedNameBytes),
                base::printable(turn.text, kPrintedTextBytes));
  }
}

}  // namespace

json::object to_json(const NearDuplicates::Counts& counts) {
  return {{"dialogues", counts.dialogues},
          {"alike", counts.alike},
          {"same_shingles", counts.same},
          {"sample_share", counts.share},
          {"shingle_words", Sketch::kShingleWords},
          {"hashes", Sketch::kHashes},
          {"bands", Sketch::kBands},
          {"alike_from", NearDuplicates::kAlike},
          {"threshold", kThreshold}};
}

std::string method_of(const NearDuplicates::Counts& counts) {
  constexpr double kPercent = 100;
  std::string text = std::to_string(Sketch::kHashes) + " minimal hashes over runs of " +
                     std::to_string(Sketch::kShingleWords) + " words, " +
                     std::to_string(Sketch::kBands) + " bands, alike from " +
                     std::to_string(NearDuplicates::kAlike) + " equal ones (Jaccard " +
                     fixed(kThreshold, kJaccardDigits) + ")";
  if (counts.share < 1)
    text += "; of a sample of " + grouped(counts.dialogues) + " dialogues, drawn with " +
            fixed(kPercent * counts.share, 2) + " %";
  return text;
}

json::object to_json(const CorpusFigures& f) {
  json::object o{{"dialogues", f.turns.count()},
                 {"turns", f.turns.sum()},
                 {"joined_turns", f.joined_turns},
                 {"distinct_turns", f.texts.distinct},
                 {"repeated_turns", f.texts.repeated},
                 {"words", f.words.sum()},
                 {"characters", f.characters},
                 {"bytes", f.bytes},
                 {"fewest_turns", to_json(f.fewest_turns)},
                 {"most_turns", to_json(f.most_turns)},
                 {"longest_turn", to_json(f.longest_turn)},
                 {"speakers", f.names.distinct},
                 {"copies", copies(f.dialogues)},
                 {"normalised_copies", copies(f.normal_forms)},
                 {"near_duplicates", to_json(f.near_duplicates)},
                 {"non_ascii_characters", f.non_ascii_characters},
                 {"non_ascii_turns", f.non_ascii_turns},
                 {"scripts", to_json(f.scripts)},
                 {"personas", to_json(f.personas)},
                 {"distractors", f.distractors},
                 {"turns_with_distractors", f.turns_with_distractors}};
  if (f.unknown_speakers) o["joined_turns"] = nullptr;  // two "?" need not be one person
  o["turns_a_dialogue"] = f.turns.to_json();
  o["words_a_turn"] = f.words.to_json();
  o["speakers_a_dialogue"] = f.speakers.to_json();
  o["examples"] = to_json(f.examples);
  return o;
}

void print(std::ostream& out, const CorpusFigures& f) {
  print_sizes(out, f);
  if (f.turns.count() == 0) return;
  print_copies(out, f);
  print_scripts(out, f);
  print_personas(out, f);
  if (f.distractors > 0)
    print_row(out, "distractors", f.distractors,
              "false replies, beside " + grouped(f.turns_with_distractors) + " turns");
  f.turns.print(out, "turns a dialogue");
  f.words.print(out, "words a turn");
  f.speakers.print(out, "speakers a dialogue");
  print_examples(out, f.examples);
}

}  // namespace banter::data
