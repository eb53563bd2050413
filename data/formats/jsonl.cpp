#include "data/formats/jsonl.h"

#include <utility>

#include "base/utf8.h"
#include "data/formats/json_record.h"

namespace banter::data {
namespace {

namespace dom = simdjson::dom;

/// Records from JSON, wherever in a stream they stand.
class JsonRecords {
 public:
  JsonRecords(const ReadLimits& limits, Receiver& receiver)
      : limits_(limits), parser_(limits), receiver_(receiver) {}

  void read(std::string_view text, const Place& place) {
    try {
      Dialogue dialogue = record(parser_.parse(text), place);
      receiver_.record(std::move(dialogue), place);
    } catch (const LostRecord& lost) {
      receiver_.problem({place, Severity::kSkip, lost.rule, lost.detail, 1});
    }
  }

 private:
  [[nodiscard]] Dialogue record(const dom::element& value, const Place& place) const {
    const auto object = as_record_object(value, "the record");
    Dialogue dialogue;
    const auto id = need_key(object, "id");
    const auto turns = need_key(object, "turns");
    dialogue.id = checked_name(as_record_string(id, "id"), "id");
    if (dialogue.id.empty()) throw LostRecord{"a field is missing", "id"};
    for (const auto turn : as_record_array(turns, "turns")) {
      if (std::ssize(dialogue.turns) == limits_.max_turns)
        throw LostRecord{"a dialogue has more turns than data.max_turns", ""};
      dialogue.turns.push_back(read_turn(turn, dialogue.turns.size() + 1));
    }
    if (dialogue.turns.empty()) throw LostRecord{"a dialogue has no turns", ""};
    if (const auto meta = find_key(object, "meta")) read_meta(*meta, place, dialogue);
    if (const auto personas = find_key(object, "personas"))
      read_personas(*personas, place, dialogue);
    return dialogue;
  }

  static Turn read_turn(const dom::element& value, std::size_t number) {
    const auto object = as_record_object(value, "a turn");
    const auto speaker = find_key(object, "speaker");
    const auto time = find_key(object, "time");
    return checked_turn(speaker ? as_record_string(*speaker, "speaker") : "?",
                        as_record_string(need_key(object, "text"), "text"),
                        time ? as_record_string(*time, "time") : "", number);
  }

  void read_meta(const dom::element& value, const Place& place, Dialogue& dialogue) const {
    for (const auto field : as_record_object(value, "meta")) {
      std::string_view text;
      if (field.value.get(text))
        receiver_.problem({place, Severity::kNote, "a value of meta is no string: it is left out",
                           base::printable(field.key), 0});
      else
        dialogue.meta.emplace_back(checked_name(field.key, "meta"), checked_name(text, "meta"));
    }
  }

  void read_personas(const dom::element& value, const Place& place, Dialogue& dialogue) const {
    for (const auto field : as_record_object(value, "personas")) {
      std::vector<std::string> facts;
      for (const auto fact : as_record_array(field.value, "a persona")) {
        const auto text = as_record_string(fact, "a fact");
        if (base::count_words(text) == 0) {
          receiver_.problem(
              {place, Severity::kNote, "a fact of a persona is blank: it is left out", "", 0});
          continue;
        }
        facts.push_back(checked_name(text, "a fact"));
      }
      if (!facts.empty())
        dialogue.personas.emplace_back(checked_speaker(field.key), std::move(facts));
    }
  }

  const ReadLimits& limits_;
  RecordParser parser_;
  Receiver& receiver_;
};

}  // namespace

std::string_view recognises_jsonl(std::string_view head, std::string_view) {
  const char first = first_json_letter(head);
  if ((first != '{' && first != '[') || head.find("\"turns\"") == std::string_view::npos) return {};
  return "JSON objects with turns";
}

void read_jsonl(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  JsonRecords records(limits, receiver);
  read_json_records(stream, limits, receiver,
                    [&](std::string_view text, const Place& place) { records.read(text, place); });
}

}  // namespace banter::data
