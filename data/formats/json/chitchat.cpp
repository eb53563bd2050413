#include "data/formats/json/chitchat.h"

#include <utility>

#include "data/formats/json/json_record.h"
#include "data/formats/lost_record.h"
#include "data/input/json_elements.h"

namespace banter::data {
namespace {

namespace dom = simdjson::dom;

/// Skips white space and one character that must be `expected`.
bool take(std::string_view& head, char expected) {
  const auto at = head.find_first_not_of(" \t\r\n");
  if (at == std::string_view::npos || head[at] != expected) return false;
  head.remove_prefix(at + 1);
  return true;
}

bool take_string(std::string_view& head) {
  if (!take(head, '"')) return false;
  const auto end = head.find('"');  // the ids hold no escapes
  if (end == std::string_view::npos) return false;
  head.remove_prefix(end + 1);
  return true;
}

void add_ratings(const dom::element& value, Dialogue& dialogue) {
  for (const auto& field : as_record_object(value, "ratings")) {
    std::int64_t stars = 0;
    if (!field.value.get(stars))
      dialogue.meta.emplace_back("rating." + checked_name(field.key, "ratings"),
                                 std::to_string(stars));
  }
}

Dialogue read_conversation(const dom::element& value, const ReadLimits& limits) {
  Dialogue dialogue;
  const auto record = as_record_object(value, "the record");
  if (record.size() != 1)
    throw LostRecord{"a field has the wrong type", "the record is no single conversation"};
  const auto entry = record.begin();
  dialogue.id = checked_name(entry->key, "id");
  if (dialogue.id.empty()) throw LostRecord{"a field is missing", "id"};
  const auto object = as_record_object(entry->value, "a conversation");
  for (const auto group : as_record_array(need_key(object, "messages"), "messages")) {
    for (const auto message : as_record_array(group, "a group of messages")) {
      if (std::ssize(dialogue.turns) == limits.max_turns)
        throw LostRecord{"a dialogue has more turns than data.max_turns", ""};
      const auto fields = as_record_object(message, "a message");
      const auto time = find_key(fields, "timestamp");
      dialogue.turns.push_back(checked_turn(as_record_string(need_key(fields, "sender"), "sender"),
                                            as_record_string(need_key(fields, "text"), "text"),
                                            time ? as_record_string(*time, "timestamp") : "",
                                            dialogue.turns.size() + 1));
    }
  }
  if (dialogue.turns.empty()) throw LostRecord{"a dialogue has no turns", ""};
  for (const char* key : {"prompt", "start"})
    if (const auto text = find_key(object, key))
      dialogue.meta.emplace_back(key, checked_name(as_record_string(*text, key), key));
  if (const auto ratings = find_key(object, "ratings")) add_ratings(*ratings, dialogue);
  return dialogue;
}

}  // namespace

std::string_view recognises_chitchat(std::string_view head) {
  auto rest = head;
  if (!take(rest, '{') || !take_string(rest) || !take(rest, ':') || !take(rest, '{')) return {};
  if (rest.find("\"messages\"") == std::string_view::npos ||
      rest.find("\"sender\"") == std::string_view::npos)
    return {};
  return "a JSON object of conversations with messages and senders";
}

void read_chitchat(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  RecordParser parser(limits);
  JsonElements elements(stream, static_cast<std::size_t>(limits.max_line_bytes));
  read_elements(elements, receiver, [&](std::string_view text, const Place& place) {
    try {
      receiver.record(read_conversation(parser.parse(text), limits), place);
    } catch (const LostRecord& lost) {
      receiver.problem({place, Severity::kSkip, lost.rule, lost.detail, 1});
    }
  });
}

}  // namespace banter::data
