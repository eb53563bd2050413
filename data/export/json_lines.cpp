#include "data/export/json_lines.h"

#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "base/errors.h"
#include "base/random.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

namespace json = boost::json;

json::array to_json(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::object said(const Turn& turn) { return {{"speaker", turn.speaker}, {"text", turn.text}}; }

json::object to_json(const Turn& turn) {
  auto object = said(turn);
  if (!turn.time.empty()) object["time"] = turn.time;
  if (!turn.distractors.empty()) object["distractors"] = to_json(turn.distractors);
  return object;
}

void insert_once(json::object& object, const std::string& key, json::value value,
                 const Dialogue& dialogue, std::string_view what) {
  if (!object.emplace(key, std::move(value)).second)
    throw base::DataError("the dialogue " + base::printable(dialogue.id) + " has " +
                          std::string(what) + " twice: " + base::printable(key));
}

json::object personas_of(const Dialogue& dialogue) {
  json::object personas;
  for (const auto& [speaker, facts] : dialogue.personas)
    insert_once(personas, speaker, to_json(facts), dialogue, "the persona of a speaker");
  return personas;
}

}  // namespace

std::string to_json_line(const Dialogue& dialogue) {
  json::object meta;
  for (const auto& [key, value] : dialogue.meta)
    insert_once(meta, key, json::string(value), dialogue, "a key of meta");
  auto personas = personas_of(dialogue);
  json::array turns;
  for (const auto& turn : dialogue.turns) turns.push_back(to_json(turn));

  json::object object{{"id", dialogue.id}};
  if (!meta.empty()) object["meta"] = std::move(meta);
  if (!dialogue.group.empty()) object["group"] = dialogue.group;
  object["turns"] = std::move(turns);
  if (!personas.empty()) object["personas"] = std::move(personas);
  return json::serialize(object);
}

std::string to_ranking_line(const Dialogue& dialogue, std::size_t turn) {
  const auto& reply = dialogue.turns.at(turn);
  json::array context;
  for (std::size_t i = 0; i < turn; ++i) context.push_back(said(dialogue.turns[i]));
  auto candidates = to_json(reply.distractors);
  const auto key = base::join_keys(base::key_of(dialogue.id), turn);
  const auto answer = key % (candidates.size() + 1);
  candidates.insert(candidates.begin() + answer, json::string(reply.text));
  auto personas = personas_of(dialogue);

  json::object object{{"id", dialogue.id}, {"context", std::move(context)}};
  if (!personas.empty()) object["personas"] = std::move(personas);
  object["reply"] = said(reply);
  object["candidates"] = std::move(candidates);
  object["answer"] = answer;
  return json::serialize(object);
}

std::string to_json_line(const Pair& pair) {
  return json::serialize(json::object{{"id", pair.id},
                                      {"premise", pair.premise},
                                      {"hypothesis", pair.hypothesis},
                                      {"label", to_text(pair.label)},
                                      {"source", pair.source},
                                      {"group", pair.group}});
}

}  // namespace banter::data
