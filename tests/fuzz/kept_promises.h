#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "data/formats/formats.h"

namespace banter::tests {

/// Limits that small inputs reach.
constexpr data::ReadLimits kSmallLimits{.max_line_bytes = 512, .max_turns = 8, .max_depth = 16};

/// Traps when a reader breaks what `Dialogue`, `Pair` and `Problem` promise.
class KeptPromises : public data::Receiver {
 public:
  explicit KeptPromises(const data::ReadLimits& limits) : limits_(limits) {}

  void record(data::Record&& record, const data::Place&) override {
    std::visit([&](const auto& one) { check(one); }, record);
  }
  void problem(const data::Problem& problem) override {
    expect(!problem.rule.empty());
    const auto text = problem.text();
    expect(std::ranges::none_of(text, [](char c) { return c >= 0 && c < ' '; }));
  }

 private:
  static void expect(bool kept) {
    if (!kept) __builtin_trap();
  }

  void check(const data::Dialogue& dialogue) const {
    expect(!dialogue.id.empty() && !dialogue.turns.empty());
    expect(std::ssize(dialogue.turns) <= limits_.max_turns);
    std::int64_t bytes = 0;
    for (const auto& turn : dialogue.turns) {
      expect(!turn.speaker.empty() && data::text_fault(turn.text).empty());
      bytes += std::ssize(turn.text);
      for (const auto& distractor : turn.distractors)
        expect(data::text_fault(distractor).empty() && distractor != turn.text);
    }
    expect(bytes <= limits_.max_line_bytes);
    for (const auto& [speaker, facts] : dialogue.personas) {
      expect(!speaker.empty() && !facts.empty());
      for (const auto& fact : facts) expect(data::text_fault(fact).empty());
    }
  }

  static void check(const data::Pair& pair) {
    expect(!pair.id.empty());
    expect(data::text_fault(pair.premise).empty() && data::text_fault(pair.hypothesis).empty());
  }

  data::ReadLimits limits_;
};

/// Gives bytes to a reader, a few at a time. They are records and problems that keep their
/// promises, or DamagedInput; nothing else.
inline void read_bytes(void (*read)(data::InputStream&, const data::ReadLimits&, data::Receiver&),
                       std::string_view bytes, const data::ReadLimits& limits = kSmallLimits) {
  const auto fill = [bytes](char* buffer, std::size_t size) mutable {
    const auto part = bytes.substr(0, std::min<std::size_t>(size, 7));
    std::memcpy(buffer, part.data(), part.size());
    bytes.remove_prefix(part.size());
    return part.size();
  };
  data::InputStream stream({"fuzz", "", 0, 0}, "3/1.tsv", fill);
  KeptPromises promises(limits);
  try {
    read(stream, limits, promises);
  } catch (const data::DamagedInput&) {
  }
}

}  // namespace banter::tests
