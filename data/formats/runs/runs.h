#pragma once

#include <cstdint>
#include <string>

#include "data/formats/formats.h"

namespace banter::data {

/// Makes dialogues of runs of turns, for formats in which a dialogue ends where talk pauses. A run
/// that would pass data.max_turns or data.max_line_bytes ends there and another begins, which is
/// told once.
class Runs {
 public:
  /// A dialogue's id is `prefix` and a running number, `first_number` for the first. `group` is its
  /// group. `receiver` must outlive the runs.
  Runs(std::string prefix, std::uint64_t first_number, std::string group, const ReadLimits& limits,
       Receiver& receiver);

  void add(Turn&& turn, const Place& place);
  void end();  ///< what was added since the last end is a dialogue

  /// Ends the run before something faulty, which is told. One turn alone before it, that nobody
  /// answers because of the fault, is lost with it: they are one record.
  void break_off(const Problem& problem);

 private:
  void give_away();

  std::string prefix_, group_;
  std::uint64_t number_;
  std::size_t max_turns_, max_bytes_;
  Receiver& receiver_;
  Dialogue dialogue_;
  Place place_;            ///< of its first turn
  std::size_t bytes_ = 0;  ///< of its texts
  bool cut_told_ = false;
};

}  // namespace banter::data
