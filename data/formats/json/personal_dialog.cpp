#include "data/formats/json/personal_dialog.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "data/formats/json/json_record.h"
#include "data/formats/lost_record.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

namespace dom = simdjson::dom;

using Facts = std::vector<std::string>;

/// A string, or the only one of an array.
std::string_view text_of(const dom::element& value, std::string_view what) {
  dom::array array;
  if (value.get(array)) return as_record_string(value, what);
  if (array.size() != 1)
    throw LostRecord{"a text is a list of none or several texts", std::string(what)};
  return as_record_string(array.at(0).value_unsafe(), what);
}

void add_fact(std::string_view key, std::string_view value, Facts& facts) {
  const auto text = trimmed(value);
  if (!base::is_blank(text)) facts.push_back(std::string(key) + ": " + checked_name(text, key));
}

void add_tags(std::string_view tags, Facts& facts) {
  for (const auto tag : split_at(';', tags)) add_fact("tag", tag, facts);
}

/// What a profile says, in its order.
Facts read_profile(const dom::element& value) {
  Facts facts;
  for (const auto& field : as_record_object(value, "a profile")) {
    dom::array tags;
    if (field.key == "loc" || field.key == "gender")
      add_fact(field.key, as_record_string(field.value, field.key), facts);
    else if (field.key == "tag" && !field.value.get(tags))
      for (const auto tag : tags) add_tags(as_record_string(tag, "a tag"), facts);
    else if (field.key == "tag")
      add_tags(as_record_string(field.value, "tag"), facts);
  }
  return facts;
}

std::vector<Facts> read_profiles(const dom::element& value) {
  std::vector<Facts> profiles;
  for (const auto profile : as_record_array(value, "profile"))
    profiles.push_back(read_profile(profile));
  return profiles;
}

/// Who says each text, as places in the profiles.
std::vector<std::uint64_t> read_uids(const dom::element& value, std::size_t profiles) {
  std::vector<std::uint64_t> uids;
  for (const auto element : as_record_array(value, "uid")) {
    std::uint64_t uid = 0;
    if (element.get(uid)) throw LostRecord{"a field has the wrong type", "a uid is no number"};
    if (uid >= profiles) throw LostRecord{"a uid has no profile", std::to_string(uid)};
    uids.push_back(uid);
  }
  return uids;
}

void add_turn(std::string_view speaker, const dom::element& text, const ReadLimits& limits,
              Dialogue& dialogue) {
  if (std::ssize(dialogue.turns) == limits.max_turns)
    throw LostRecord{"a dialogue has more turns than data.max_turns", ""};
  dialogue.turns.push_back(
      checked_turn(speaker, text_of(text, "a turn"), "", dialogue.turns.size() + 1));
}

/// Where in the profiles stands who says the golden response; somebody new is put behind them.
std::size_t responder(Facts facts, std::uint64_t last_uid, std::vector<Facts>& profiles) {
  for (std::size_t i = 0; i < profiles.size(); ++i)
    if (i != last_uid && profiles[i] == facts) return i;
  if (profiles[last_uid] == facts) return last_uid;
  profiles.push_back(std::move(facts));
  return profiles.size() - 1;
}

/// The value of a key that is there and not null.
std::optional<dom::element> find_given(const RecordObject& object, std::string_view key) {
  const auto value = find_key(object, key);
  return value && value->is_null() ? std::nullopt : value;
}

void add_golden_response(const RecordObject& object, std::uint64_t last_uid,
                         std::vector<Facts>& profiles, const ReadLimits& limits,
                         Dialogue& dialogue) {
  const auto response = find_given(object, "golden_response");
  if (!response) return;
  std::string speaker = "?";
  auto profile = find_given(object, "responder_profile");
  if (!profile) profile = find_given(object, "response_profile");
  if (profile) speaker = std::to_string(responder(read_profile(*profile), last_uid, profiles));
  add_turn(speaker, *response, limits, dialogue);
}

Dialogue read_record(const dom::element& value, const ReadLimits& limits) {
  const auto object = as_record_object(value, "the record");
  const auto texts = as_record_array(need_key(object, "dialog"), "dialog");
  auto profiles = read_profiles(need_key(object, "profile"));
  const auto uids = read_uids(need_key(object, "uid"), profiles.size());
  if (texts.size() != uids.size())
    throw LostRecord{"a dialogue has not one uid for each text",
                     std::to_string(uids.size()) + " for " + std::to_string(texts.size())};
  if (uids.empty()) throw LostRecord{"a dialogue has no turns", ""};
  Dialogue dialogue;
  for (const auto text : texts)
    add_turn(std::to_string(uids[dialogue.turns.size()]), text, limits, dialogue);
  add_golden_response(object, uids.back(), profiles, limits, dialogue);
  for (std::size_t i = 0; i < profiles.size(); ++i)
    if (!profiles[i].empty())
      dialogue.personas.emplace_back(std::to_string(i), std::move(profiles[i]));
  return dialogue;
}

}  // namespace

std::string_view recognises_personal_dialog(std::string_view head) {
  if (!shows_records_of(head, {"dialog", "profile", "uid"})) return {};
  return "JSON objects with dialog, profile and uid";
}

void read_personal_dialog(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  read_json_records(stream, limits, receiver, [&](const dom::element& value, const Place& place) {
    auto dialogue = read_record(value, limits);
    dialogue.id = std::to_string(place.number());
    receiver.record(std::move(dialogue), place);
  });
}

}  // namespace banter::data
