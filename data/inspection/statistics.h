#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "data/dialogue.h"
#include "data/inspection/report.h"
#include "data/preparation/seen_keys.h"
#include "data/store/store.h"

namespace banter::data {

/// What dialogues are like, counted in one pass and in constant memory.
///
/// Units    words between ASCII white space; characters are code points; all of turns, not of facts
class CorpusStatistics {
 public:
  /// `scratch` takes temporary files.
  explicit CorpusStatistics(const std::filesystem::path& scratch);

  void add(const Dialogue& dialogue);

  [[nodiscard]] std::uint64_t dialogues() const { return turns_.count(); }
  [[nodiscard]] std::uint64_t turns() const { return turns_.sum(); }
  [[nodiscard]] boost::json::object to_json() const;
  void print(std::ostream& out) const;

 private:
  /// The largest so far and whose it is; the first where several tie.
  struct Largest {
    std::uint64_t value = 0;
    std::string id;
    void offer(std::uint64_t candidate, const std::string& owner);
  };
  struct Example {
    std::uint64_t key;
    std::string id;
    std::vector<std::pair<std::string, std::string>> turns;  ///< the first few: speaker, text
    std::uint64_t all_turns;
  };
  void add_turn(const Turn& turn, const std::string& id);
  void add_speakers(const Dialogue& dialogue);
  void offer_example(const Dialogue& dialogue);

  Histogram turns_, words_, speakers_;
  std::uint64_t characters_ = 0, bytes_ = 0, joined_ = 0;
  std::uint64_t non_ascii_characters_ = 0, non_ascii_turns_ = 0;
  std::uint64_t with_personas_ = 0, facts_ = 0, copies_ = 0;
  bool unknown_speakers_ = false;
  Largest most_turns_, longest_turn_;
  SeenKeys names_, contents_;
  std::vector<Example> examples_;  ///< a seeded sample, in the order of its keys
};

/// What a tokenizer makes of a store's text.
class TokenStatistics {
 public:
  explicit TokenStatistics(const Tokenizer& tokenizer);

  void add(const Split& split, std::uint64_t dialogue);

  [[nodiscard]] boost::json::object to_json() const;
  void print(std::ostream& out) const;

 private:
  [[nodiscard]] double share(std::uint64_t part) const;
  [[nodiscard]] double per_word() const;
  [[nodiscard]] std::uint64_t used() const;

  Tokenizer tokenizer_;
  Histogram tokens_;
  std::uint64_t words_ = 0, byte_tokens_ = 0, unknown_ = 0, byte_turns_ = 0;
  std::vector<bool> seen_;
};

}  // namespace banter::data
