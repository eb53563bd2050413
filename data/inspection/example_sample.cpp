#include "data/inspection/example_sample.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/random.h"

namespace banter::data {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kShownTurns = 4;
constexpr std::size_t kShownBytes = 300;

/// The start of a text, cut between code points.
std::string beginning(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

void ExampleSample::offer(const Dialogue& dialogue) {
  const auto draw = base::join_keys(kSeed, ++offered_);
  if (size_ == 0 || (examples_.size() == size_ && draw > examples_.back().draw)) return;
  ShownDialogue example{draw, dialogue.id, {}, dialogue.turns.size()};
  for (std::size_t i = 0; i < std::min(kShownTurns, dialogue.turns.size()); ++i)
    example.turns.push_back(
        {dialogue.turns[i].speaker, beginning(dialogue.turns[i].text), dialogue.turns[i].time});
  examples_.insert(std::ranges::upper_bound(examples_, draw, {}, &ShownDialogue::draw),
                   std::move(example));
  if (examples_.size() > size_) examples_.pop_back();
}

}  // namespace banter::data
