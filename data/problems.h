#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/input/place.h"

namespace banter::data {

enum class Severity : std::uint8_t {
  kSkip,   ///< a record is lost through a fault; counts to the limit
  kNote,   ///< told, and no reason to stop
  kCount,  ///< left out or changed because it was asked for: a figure of the report
};

/// Something in a corpus that a person should know.
struct Problem {
  Place place;
  Severity severity = Severity::kSkip;
  std::string_view rule;      ///< a literal: problems of one rule are counted together
  std::string detail;         ///< what is special to this one, or ""
  std::uint64_t records = 1;  ///< dialogues lost by it (a note may lose one too)

  [[nodiscard]] std::string text() const;  ///< "a.jsonl:7: a turn is blank (turn 2)"
};

/// Counts problems by rule and keeps the first few of each, so that memory is bounded.
class Problems {
 public:
  struct Count {
    Severity severity = Severity::kSkip;
    std::uint64_t count = 0;
    std::vector<std::string> first;  ///< the first few, as text
  };

  /// `max_skipped` faults are borne.
  explicit Problems(std::uint64_t max_skipped = UINT64_MAX) : max_skipped_(max_skipped) {}

  /// Throws   DataError with the first ten when more faults than the limit were added
  void add(const Problem& problem);

  [[nodiscard]] const std::map<std::string_view, Count>& by_rule() const { return by_rule_; }
  [[nodiscard]] std::uint64_t records_lost() const { return records_lost_; }
  /// The first problem that a record was lost by, as text; "" = none was.
  [[nodiscard]] const std::string& first_loss() const { return first_loss_; }

 private:
  std::uint64_t max_skipped_;
  std::uint64_t records_lost_ = 0, skips_ = 0;
  std::map<std::string_view, Count> by_rule_;
  std::vector<std::string> first_skips_;
  std::string first_loss_;
};

}  // namespace banter::data
