#include "data/cleaning/cleaning.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/utf8.h"
#include "data/cleaning/contractions.h"
#include "data/cleaning/subtitle_marks.h"

namespace banter::data {
namespace {

bool is_named(const Turn& turn) { return !turn.speaker.empty() && turn.speaker != "?"; }

bool can_be_joined(const Turn& first, const Turn& second) {
  return base::equal_but_for_case(first.speaker, second.speaker) && is_named(first) &&
         first.distractors.empty() && second.distractors.empty();
}

/// Duplicates are another's matter.
bool asks_for_nothing(CleaningOptions options) {
  options.duplicates = CleaningOptions{}.duplicates;
  return options == CleaningOptions{};
}

constexpr std::string_view kBlocked = "a text matches a pattern of data.cleaning.blocked";

std::string quoted(const std::string& pattern) { return '"' + base::printable(pattern) + '"'; }

/// The parts that stay of a run that was cut: ids of their own, and one group.
void name_parts(std::vector<Dialogue>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].group.empty()) parts[i].group = parts[i].id;
    if (i > 0) parts[i].id += "+" + std::to_string(i + 1);
  }
}

}  // namespace

std::size_t merge_consecutive(Dialogue& dialogue) {
  if (std::ranges::adjacent_find(dialogue.turns, can_be_joined) == dialogue.turns.end()) return 0;
  const auto before = dialogue.turns.size();
  std::vector<Turn> merged;
  for (auto& turn : dialogue.turns) {
    if (!merged.empty() && can_be_joined(merged.back(), turn)) {
      merged.back().text += ' ';
      merged.back().text += turn.text;
    } else {
      merged.push_back(std::move(turn));
    }
  }
  dialogue.turns = std::move(merged);
  return before - dialogue.turns.size();
}

bool is_monologue(const Dialogue& dialogue) {
  return !dialogue.turns.empty() && is_named(dialogue.turns.front()) &&
         std::ranges::all_of(dialogue.turns, [&](const Turn& turn) {
           return turn.speaker == dialogue.turns.front().speaker;
         });
}

bool is_run(const Dialogue& dialogue) {
  return !dialogue.turns.empty() && std::ranges::none_of(dialogue.turns, is_named);
}

Cleaner::Cleaner(const CleaningOptions& options)
    : options_(options), is_idle_(asks_for_nothing(options)), blocked_(options.blocked) {
  const auto add = [&](bool is_wanted, TextStep step) {
    if (is_wanted) steps_.push_back(std::move(step));
  };
  add(options.normalization == "nfkc",
      {"texts are put into NFKC (data.cleaning.normalization)", &make_nfkc, true});
  add(options.drop_captions,
      {"captions in brackets are taken off (data.cleaning.drop_captions)", &drop_captions, false});
  add(options.drop_dashes,
      {"leading dashes are taken off (data.cleaning.drop_dashes)", &drop_dashes, false});
  add(options.drop_names,
      {"a speaker's name before the text is taken off (data.cleaning.drop_names)", &drop_name,
       false});
  add(options.drop_music,
      {"sung lines and notes are taken off (data.cleaning.drop_music)", &drop_music, false});
  add(options.lower_case, {"letters are made small (data.cleaning.lower_case)", &make_small, true});
  add(options.expand_contractions,
      {"contractions are written out (data.cleaning.expand_contractions)", &expand_contractions,
       true});
  for (const auto& name : options.scripts)
    if (const auto script = script_named(name)) scripts_.push_back(*script);
}

std::vector<Dialogue> Cleaner::clean(Dialogue&& dialogue, const Place& place,
                                     const Tell& tell) const {
  const Counter count{place, tell};
  if (const auto* pattern = blocked_fact(dialogue)) {
    count(kBlocked, "a fact matches " + quoted(*pattern), 1);
    return {};
  }
  auto faults = blocked_turns(dialogue);
  change_texts(dialogue, count);
  for (std::size_t i = 0; i < faults.size(); ++i)
    if (faults[i].rule.empty() && base::is_blank(dialogue.turns[i].text))
      faults[i].rule = "a turn is blank after cleaning";
  if (!is_run(dialogue)) return clean_talk(std::move(dialogue), faults, count);
  add_size_faults(dialogue, faults);
  return has_fault(faults) ? cut_run(std::move(dialogue), faults, count)
                           : choose(std::move(dialogue), count);
}

std::vector<Dialogue> Cleaner::clean_talk(Dialogue&& dialogue, const TurnFaults& faults,
                                          const Counter& count) const {
  if (takes_all(faults, count)) return {};
  if (options_.merge_consecutive)
    if (const auto merged = merge_consecutive(dialogue); merged > 0)
      count("turns in a row by one speaker are joined (data.cleaning.merge_consecutive)",
            std::to_string(merged) + " of its turns", 0);
  TurnFaults of_sizes(dialogue.turns.size());
  add_size_faults(dialogue, of_sizes);
  if (takes_all(of_sizes, count)) return {};
  return choose(std::move(dialogue), count);
}

std::vector<Dialogue> Cleaner::choose(Dialogue&& dialogue, const Counter& count) const {
  // Where nobody replies, that is told as what is wrong with it, and not a figure of an option.
  const auto fault = dialogue.turns.size() < 2 ? Fault{} : dialogue_fault(dialogue);
  std::vector<Dialogue> chosen;
  if (fault.rule.empty())
    chosen.push_back(std::move(dialogue));
  else
    count(fault.rule, fault.detail, 1);
  return chosen;
}

std::vector<Dialogue> Cleaner::cut_run(Dialogue&& run, const TurnFaults& faults,
                                       const Counter& count) const {
  auto parts = parts_of(std::move(run), faults, count);
  std::erase_if(parts, [&](const Dialogue& part) {
    const auto fault = dialogue_fault(part);
    if (!fault.rule.empty())
      count("a part of a run that was cut is left out",
            std::string(fault.rule) + ": " + fault.detail, 0);
    return !fault.rule.empty();
  });
  if (parts.empty()) count("nothing is left of a run that was cut", "", 1);
  name_parts(parts);
  return parts;
}

bool Cleaner::clean(Pair& pair, const Place& place, const Tell& tell) const {
  const Counter count{place, tell};
  for (const auto* text : {&pair.premise, &pair.hypothesis})
    if (const auto* pattern = blocked_.match(*text)) {
      count(kBlocked, quoted(*pattern), 1);
      return false;
    }
  for (const auto& step : steps_) {
    if (!step.of_facts) continue;
    const bool premise = step.change(pair.premise), hypothesis = step.change(pair.hypothesis);
    if (premise || hypothesis) count(step.rule, "", 0);
  }
  if (base::is_blank(pair.premise) || base::is_blank(pair.hypothesis)) {
    count("a text of a pair is blank after cleaning", "", 1);
    return false;
  }
  if (scripts_.empty()) return true;
  auto letters = count_scripts(pair.premise, scripts_);
  letters += count_scripts(pair.hypothesis, scripts_);
  const auto fault = script_fault(letters);
  if (!fault.rule.empty()) count(fault.rule, fault.detail, 1);
  return fault.rule.empty();
}

Cleaner::TurnFaults Cleaner::blocked_turns(const Dialogue& dialogue) const {
  TurnFaults faults(dialogue.turns.size());
  if (options_.blocked.empty()) return faults;
  for (std::size_t i = 0; i < faults.size(); ++i)
    if (const auto* pattern = blocked_.match(dialogue.turns[i].text))
      faults[i] = {kBlocked, "matches " + quoted(*pattern)};
  return faults;
}

const std::string* Cleaner::blocked_fact(const Dialogue& dialogue) const {
  for (const auto& [speaker, facts] : dialogue.personas)
    for (const auto& fact : facts)
      if (const auto* pattern = blocked_.match(fact)) return pattern;
  return nullptr;
}

void Cleaner::change_texts(Dialogue& dialogue, const Counter& count) const {
  for (const auto& step : steps_) {
    std::size_t changed = 0;
    const auto change = [&](std::string& text) { changed += step.change(text) ? 1 : 0; };
    for (auto& turn : dialogue.turns) {
      change(turn.text);
      for (auto& distractor : turn.distractors) change(distractor);
    }
    if (step.of_facts)
      for (auto& [speaker, facts] : dialogue.personas) std::ranges::for_each(facts, change);
    if (changed > 0) count(step.rule, std::to_string(changed) + " of its texts", 0);
  }
  if (!steps_.empty()) drop_spoilt_extras(dialogue, count);
}

void Cleaner::drop_spoilt_extras(Dialogue& dialogue, const Counter& count) const {
  for (auto& [speaker, facts] : dialogue.personas)
    if (const auto dropped = std::erase_if(facts, base::is_blank); dropped > 0)
      count("a fact of a persona is blank after cleaning", "", 0);
  for (auto& turn : dialogue.turns) {
    const auto is_spoilt = [&](const std::string& d) {
      return base::is_blank(d) || d == turn.text;
    };
    if (const auto dropped = std::erase_if(turn.distractors, is_spoilt); dropped > 0)
      count("a distractor is blank or the reply itself after cleaning",
            std::to_string(dropped) + " of a turn", 0);
  }
}

Cleaner::Fault Cleaner::size_fault(const Turn& turn) const {
  const auto check = [](std::size_t size, std::int64_t min, std::int64_t max, Fault few,
                        Fault many) {
    const bool is_few = std::cmp_less(size, min);
    if (!is_few && (max == 0 || std::cmp_less_equal(size, max))) return Fault{};
    auto fault = is_few ? std::move(few) : std::move(many);
    fault.detail = "has " + std::to_string(size);
    return fault;
  };
  Fault fault;
  if (has_word_limits())
    fault = check(base::count_words(turn.text), options_.min_turn_words, options_.max_turn_words,
                  {"a turn has fewer words than data.cleaning.min_turn_words"},
                  {"a turn has more words than data.cleaning.max_turn_words"});
  if (fault.rule.empty() && has_character_limits())
    fault = check(base::count_code_points(turn.text), options_.min_turn_characters,
                  options_.max_turn_characters,
                  {"a turn has fewer characters than data.cleaning.min_turn_characters"},
                  {"a turn has more characters than data.cleaning.max_turn_characters"});
  return fault;
}

void Cleaner::add_size_faults(const Dialogue& dialogue, TurnFaults& faults) const {
  if (!has_word_limits() && !has_character_limits()) return;
  for (std::size_t i = 0; i < faults.size(); ++i)
    if (faults[i].rule.empty()) faults[i] = size_fault(dialogue.turns[i]);
}

bool Cleaner::has_word_limits() const {  // a turn without a word is blank, which has been told
  return options_.min_turn_words > 1 || options_.max_turn_words > 0;
}

bool Cleaner::has_character_limits() const {
  return options_.min_turn_characters > 0 || options_.max_turn_characters > 0;
}

bool Cleaner::has_fault(const TurnFaults& faults) {
  return std::ranges::any_of(faults, [](const Fault& fault) { return !fault.rule.empty(); });
}

bool Cleaner::takes_all(const TurnFaults& faults, const Counter& count) const {
  const auto first =
      std::ranges::find_if(faults, [](const Fault& fault) { return !fault.rule.empty(); });
  if (first == faults.end()) return false;
  const auto turn = "turn " + std::to_string(first - faults.begin() + 1);
  count(first->rule, first->detail.empty() ? turn : turn + " " + first->detail, 1);
  return true;
}

std::vector<Dialogue> Cleaner::parts_of(Dialogue&& run, const TurnFaults& faults,
                                        const Counter& count) const {
  auto turns = std::exchange(run.turns, {});
  std::vector<Dialogue> parts;
  bool is_open = false;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const auto& [rule, detail] = faults[i];
    if (!rule.empty()) {
      const auto where = "the run is cut at turn " + std::to_string(i + 1);
      count(rule, detail.empty() ? where : where + ", which " + detail, 0);
    } else {
      if (!is_open) parts.push_back(run);
      parts.back().turns.push_back(std::move(turns[i]));
    }
    is_open = rule.empty();
  }
  return parts;
}

Cleaner::Fault Cleaner::dialogue_fault(const Dialogue& dialogue) const {
  const auto turns = std::ssize(dialogue.turns);
  if (turns < options_.min_turns || (options_.max_turns > 0 && turns > options_.max_turns))
    return {turns < options_.min_turns ? "a dialogue has fewer turns than data.cleaning.min_turns"
                                       : "a dialogue has more turns than data.cleaning.max_turns",
            "it has " + std::to_string(turns)};
  ScriptCount letters;
  if (!scripts_.empty())
    for (const auto& turn : dialogue.turns) letters += count_scripts(turn.text, scripts_);
  return script_fault(letters);
}

Cleaner::Fault Cleaner::script_fault(const ScriptCount& count) const {
  if (count.letters == 0) return {};
  const auto share = static_cast<double>(count.allowed) / static_cast<double>(count.letters);
  if (share >= options_.script_share) return {};
  return {"too few letters are of data.cleaning.scripts",
          std::to_string(count.allowed) + " of " + std::to_string(count.letters)};
}

}  // namespace banter::data
