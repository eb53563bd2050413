#include "data/formats/runs/runs.h"

#include <utility>

namespace banter::data {

Runs::Runs(std::string prefix, std::uint64_t first_number, std::string group,
           const ReadLimits& limits, Receiver& receiver)
    : prefix_(std::move(prefix)),
      group_(std::move(group)),
      number_(first_number),
      max_turns_(static_cast<std::size_t>(limits.max_turns)),
      max_bytes_(static_cast<std::size_t>(limits.max_line_bytes)),
      receiver_(receiver) {}

void Runs::add(Turn&& turn, const Place& place) {
  const bool is_full =
      dialogue_.turns.size() == max_turns_ || bytes_ + turn.text.size() > max_bytes_;
  if (is_full && !dialogue_.turns.empty()) {
    if (!cut_told_)
      receiver_.problem(
          {place, Severity::kNote,
           "a run is longer than data.max_turns or data.max_line_bytes: it goes on as another "
           "dialogue",
           "", 0});
    cut_told_ = true;
    end();
  }
  if (dialogue_.turns.empty()) place_ = place;
  bytes_ += turn.text.size();
  dialogue_.turns.push_back(std::move(turn));
}

void Runs::end() {
  if (!dialogue_.turns.empty()) give_away();
}

void Runs::break_off(const Problem& problem) {
  receiver_.problem(problem);
  if (dialogue_.turns.size() > 1) give_away();
  dialogue_ = {};
  bytes_ = 0;
}

void Runs::give_away() {
  dialogue_.id = prefix_ + std::to_string(number_++);
  dialogue_.group = group_;
  receiver_.record(std::exchange(dialogue_, {}), place_);
  bytes_ = 0;
}

}  // namespace banter::data
