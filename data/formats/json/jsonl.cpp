#include "data/formats/json/jsonl.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "data/formats/json/json_record.h"
#include "data/formats/lost_record.h"

namespace banter::data {
namespace {

namespace dom = simdjson::dom;

/// Dialogues from JSON, wherever in a stream they stand.
class JsonRecords {
 public:
  JsonRecords(const ReadLimits& limits, Receiver& receiver)
      : limits_(limits), receiver_(receiver) {}

  [[nodiscard]] Dialogue record(const dom::element& value, const Place& place) const {
    const auto object = as_record_object(value, "the record");
    Dialogue dialogue;
    const auto id = need_key(object, "id");
    const auto turns = need_key(object, "turns");
    dialogue.id = checked_name(as_record_string(id, "id"), "id");
    if (dialogue.id.empty()) throw LostRecord{"a field is missing", "id"};
    const auto array = as_record_array(turns, "turns");
    dialogue.turns.reserve(std::min(array.size(), static_cast<std::size_t>(limits_.max_turns)));
    for (const auto turn : array) {
      if (std::ssize(dialogue.turns) == limits_.max_turns)
        throw LostRecord{"a dialogue has more turns than data.max_turns", ""};
      dialogue.turns.push_back(read_turn(turn, dialogue.turns.size() + 1));
    }
    if (dialogue.turns.empty()) throw LostRecord{"a dialogue has no turns", ""};
    for (std::size_t i = 0; i < dialogue.turns.size(); ++i)
      if (drop_true_distractors(dialogue.turns[i]))
        receiver_.problem(
            {place, Severity::kNote, kTrueDistractor, "turn " + std::to_string(i + 1), 0});
    if (const auto meta = find_key(object, "meta")) read_meta(*meta, place, dialogue);
    if (const auto group = find_key(object, "group"))
      dialogue.group = checked_name(as_record_string(*group, "group"), "group");
    if (const auto personas = find_key(object, "personas"))
      read_personas(*personas, place, dialogue);
    return dialogue;
  }

 private:
  static Turn read_turn(const dom::element& value, std::size_t number) {
    const auto object = as_record_object(value, "a turn");
    const auto speaker = find_key(object, "speaker");
    const auto time = find_key(object, "time");
    auto turn = checked_turn(speaker ? as_record_string(*speaker, "speaker") : "?",
                             as_record_string(need_key(object, "text"), "text"),
                             time ? as_record_string(*time, "time") : "", number);
    if (const auto distractors = find_key(object, "distractors"))
      for (const auto distractor : as_record_array(*distractors, "distractors"))
        turn.distractors.push_back(
            checked_distractor(as_record_string(distractor, "a distractor"), number));
    return turn;
  }

  static std::string checked_distractor(std::string_view text, std::size_t turn) {
    if (const auto fault = text_fault(text, "a distractor is blank"); !fault.empty())
      throw LostRecord{fault, "turn " + std::to_string(turn)};
    return std::string(text);
  }

  void read_meta(const dom::element& value, const Place& place, Dialogue& dialogue) const {
    for (const auto& field : as_record_object(value, "meta")) {
      std::string_view text;
      if (field.value.get(text))
        receiver_.problem({place, Severity::kNote, "a value of meta is no string: it is left out",
                           base::printable(field.key), 0});
      else
        dialogue.meta.emplace_back(checked_name(field.key, "meta"), checked_name(text, "meta"));
    }
  }

  void read_personas(const dom::element& value, const Place& place, Dialogue& dialogue) const {
    for (const auto& field : as_record_object(value, "personas")) {
      std::vector<std::string> facts;
      for (const auto fact : as_record_array(field.value, "a persona")) {
        const auto text = as_record_string(fact, "a fact");
        if (base::is_blank(text)) {
          receiver_.problem(
              {place, Severity::kNote, "a fact of a persona is blank: it is left out", "", 0});
          continue;
        }
        facts.push_back(checked_name(text, "a fact"));
      }
      if (!facts.empty()) add_facts(dialogue, checked_speaker(field.key), std::move(facts));
    }
  }

  /// A speaker may be named twice: "" and "?" are one.
  static void add_facts(Dialogue& dialogue, std::string speaker, std::vector<std::string> facts) {
    const auto known = std::ranges::find(dialogue.personas, speaker,
                                         &decltype(dialogue.personas)::value_type::first);
    if (known == dialogue.personas.end())
      dialogue.personas.emplace_back(std::move(speaker), std::move(facts));
    else
      known->second.insert(known->second.end(), facts.begin(), facts.end());
  }

  const ReadLimits& limits_;
  Receiver& receiver_;
};

}  // namespace

std::string_view recognises_jsonl(std::string_view head) {
  if (json_opening(head) == '\0' || head.find("\"turns\"") == std::string_view::npos) return {};
  return "JSON objects with turns";
}

void read_jsonl(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  const JsonRecords records(limits, receiver);
  read_json_records(stream, limits, receiver, [&](const dom::element& value, const Place& place) {
    receiver.record(records.record(value, place), place);
  });
}

}  // namespace banter::data
