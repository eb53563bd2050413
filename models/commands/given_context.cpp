#include "models/commands/given_context.h"

#include <algorithm>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::models {
namespace {

namespace json = base::json;
constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

/// Numbers speakers in the order they come.
class Speakers {
 public:
  std::int64_t number(std::string_view name) {
    if (name.empty() || name == "?") return 0;  // as in a store
    const auto found = std::ranges::find(names_, name);
    const auto number = found - names_.begin() + 1;
    if (found == names_.end()) names_.emplace_back(name);
    return number;
  }
  /// Someone who has not spoken.
  [[nodiscard]] std::int64_t someone_new() const {
    return static_cast<std::int64_t>(names_.size()) + 1;
  }

 private:
  std::vector<std::string> names_;
};

/// Reads one context; every message starts with `where`.
class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  GivenContext read_json(std::string_view line) {
    const auto parsed = base::parse_json(line, where_, /*max_depth=*/16);
    const auto& object = parsed.as_object();  // the line starts with {
    check_keys(object, {"id", "turns", "speaker", "personas", "seed", "prefix", "reply"});
    if (const auto* id = object.if_contains("id")) given_.id = *id;
    if (const auto* turns = object.if_contains("turns")) read_turns(*turns);
    given_.reply_speaker = reply_speaker();
    if (object.contains("speaker")) {
      const std::string name(base::string_field(object, "speaker", where_));
      given_.reply_speaker = speakers_.number(name);
      reply_name_ = name;
    }
    if (const auto* personas = object.if_contains("personas")) read_personas(*personas);
    if (object.contains("seed")) {
      const auto seed = base::integer_field(object, "seed", where_);
      if (seed < 0) fail("field \"seed\" is below 0");
      given_.seed = static_cast<std::uint64_t>(seed);
    }
    if (object.contains("prefix"))
      given_.prefix = checked(base::string_field(object, "prefix", where_), "\"prefix\"");
    if (object.contains("reply"))
      given_.reply = checked(base::string_field(object, "reply", where_), "\"reply\"");
    return finish();
  }

  GivenContext read_plain(std::string_view line) {
    if (const auto bad = base::first_bad_utf8(line))
      fail("byte " + std::to_string(*bad + 1) + " is not UTF-8");
    for (std::size_t begin = 0; begin <= line.size();) {
      const auto end = std::min(line.find('\t', begin), line.size());
      add_turn(speakers_.number(given_.turns.size() % 2 == 0 ? "A" : "B"),
               line.substr(begin, end - begin));
      begin = end + 1;
    }
    given_.reply_speaker = reply_speaker();
    return finish();
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw base::DataError(std::string(where_) + ": " + why);
  }

 private:
  void check_keys(const json::object& object, std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : object) {
      if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
      std::string names;
      for (const auto name : known) names += (names.empty() ? "" : ", ") + std::string(name);
      fail("field \"" + base::printable(key) + "\" is unknown; known are " + names);
    }
  }

  [[nodiscard]] std::string checked(std::string_view text, const std::string& what) const {
    if (base::is_blank(text)) fail(what + " has no text");
    if (text.find('\0') != std::string_view::npos) fail(what + " holds a NUL character");
    return std::string(text);
  }

  void add_turn(std::int64_t speaker, std::string_view text) {
    const auto what = "turn " + std::to_string(given_.turns.size() + 1);
    given_.turns.push_back({speaker, checked(text, what)});
  }

  void read_turns(const json::value& turns) {
    const auto* list = turns.if_array();
    if (list == nullptr) fail("field \"turns\" is not a list");
    for (const auto& turn : *list) {
      const auto what = "turn " + std::to_string(given_.turns.size() + 1);
      if (const auto* text = turn.if_string()) {
        add_turn(next_in_turn(), *text);
      } else if (const auto* object = turn.if_object()) {
        check_keys(*object, {"speaker", "text", "time"});
        const auto where = std::string(where_) + ": " + what;
        const auto speaker = object->contains("speaker")
                                 ? name_number(base::string_field(*object, "speaker", where))
                                 : next_in_turn();
        add_turn(speaker, base::string_field(*object, "text", where));
      } else {
        fail(what + " is neither a text nor an object with \"text\"");
      }
    }
  }

  std::int64_t name_number(std::string_view name) {
    names_.emplace_back(name);
    return speakers_.number(name);
  }

  /// Who speaks when nobody is named: not the one before.
  std::int64_t next_in_turn() {
    if (given_.turns.empty()) return speakers_.number("A");
    const auto number = reply_speaker();
    return number == speakers_.someone_new() ? speakers_.number(std::to_string(number)) : number;
  }

  /// The last who spoke other than the last turn's speaker, else someone new.
  [[nodiscard]] std::int64_t reply_speaker() const {
    if (given_.turns.empty()) return 1;
    const auto last = given_.turns.back().speaker;
    if (last == 0) return 0;
    for (auto turn = given_.turns.rbegin(); turn != given_.turns.rend(); ++turn)
      if (turn->speaker != last && turn->speaker != 0) return turn->speaker;
    return speakers_.someone_new();
  }

  void add_facts(const json::value& facts) {
    const auto* list = facts.if_array();
    if (list == nullptr) fail("field \"personas\" does not hold a list of facts");
    for (const auto& fact : *list) {
      const auto what = "fact " + std::to_string(given_.facts.size() + 1);
      if (!fact.is_string()) fail(what + " is not a string");
      given_.facts.push_back(checked(fact.get_string(), what));
    }
  }

  void read_personas(const json::value& personas) {
    const auto* by_speaker = personas.if_object();
    if (by_speaker == nullptr) return add_facts(personas);
    bool found = by_speaker->empty();
    for (const auto& [name, facts] : *by_speaker) {
      const auto known = std::ranges::find(names_, std::string_view(name)) != names_.end();
      const auto is_reply = reply_name_.empty()
                                ? known && speakers_.number(name) == given_.reply_speaker
                                : std::string_view(name) == reply_name_;
      if (is_reply) add_facts(facts);
      found = found || is_reply || known;
    }
    if (found) return;
    fail(reply_name_.empty()
             ? "\"personas\" names nobody who has spoken; say who replies with \"speaker\""
             : "\"personas\" names neither who has spoken nor \"" + base::printable(reply_name_) +
                   "\", who replies");
  }

  GivenContext finish() {
    if (given_.turns.empty() && given_.facts.empty())
      fail("there is no turn to reply to; give \"turns\"");
    return std::move(given_);
  }

  std::string_view where_;
  GivenContext given_;
  Speakers speakers_;
  std::vector<std::string> names_;  ///< given to speakers in the line
  std::string reply_name_;
};

}  // namespace

GivenContext parse_context(std::string_view line, std::string_view where, bool needs_reply) {
  Reader reader(where);
  const auto first = line.find_first_not_of(kWhiteSpace);
  const bool is_json = first != std::string_view::npos && line[first] == '{';
  auto given = is_json ? reader.read_json(line) : reader.read_plain(line);
  if (needs_reply && !given.reply)
    reader.fail(
        "there is no \"reply\" to score; each line is a JSON object with \"turns\" and "
        "\"reply\"");
  return given;
}

}  // namespace banter::models
