#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "data/export/json_lines.h"
#include "data/formats/pairs/dialogue_nli.h"
#include "data/formats/pairs/mnli.h"
#include "data/formats/pairs/pairs.h"

namespace {

namespace data = banter::data;

void must(bool holds) {
  if (!holds) __builtin_trap();
}

data::InputStream stream_of(std::string_view bytes) {
  return {{"fuzz", "", 0, 0}, "fuzz", [bytes](char* buffer, std::size_t size) mutable {
            const auto count = std::min(size, bytes.size());
            std::memcpy(buffer, bytes.data(), count);
            bytes.remove_prefix(count);
            return count;
          }};
}

bool is_sentence(const std::string& text) { return data::text_fault(text).empty(); }

bool is_name(const std::string& text) {
  return !banter::base::first_bad_utf8(text) && text.find('\0') == std::string::npos;
}

/// Wants one pair, equal to another, and nothing to be told.
class Again : public data::Receiver {
 public:
  explicit Again(const data::Pair& wanted) : wanted_(wanted) {}
  ~Again() override { must(count_ == 1); }
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;
  void record(data::Record&& record, const data::Place&) override {
    must(std::get<data::Pair>(record) == wanted_);
    ++count_;
  }
  void problem(const data::Problem&) override { must(false); }

 private:
  const data::Pair& wanted_;
  int count_ = 0;
};

/// Checks what a reader promises of each pair and each problem.
class Checks : public data::Receiver {
 public:
  explicit Checks(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void record(data::Record&& record, const data::Place& place) override {
    const auto& pair = std::get<data::Pair>(record);
    must(place.line + place.element > 0);
    must(is_sentence(pair.premise) && is_sentence(pair.hypothesis));
    must(is_name(pair.id) && is_name(pair.source) && is_name(pair.group) && !pair.id.empty());
    must(pair.premise.size() + pair.hypothesis.size() <= max_bytes_);
    must(data::label_named(data::to_text(pair.label)) == pair.label);
    Again again(pair);
    const auto line = data::to_json_line(pair);
    auto stream = stream_of(line);
    data::read_pairs(stream, {}, again);
  }
  void problem(const data::Problem& problem) override {
    must(!problem.rule.empty() && problem.records <= 1);
    for (const char c : problem.text()) must(static_cast<unsigned char>(c) >= 0x20);
  }

 private:
  std::size_t max_bytes_;
};

}  // namespace

/// Any bytes are pairs that keep their promises, problems that can be shown, or DamagedInput;
/// pairs are written and read back to equal ones. The first byte picks the reader.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  constexpr data::ReadLimits kLimits{.max_line_bytes = 256, .max_turns = 4, .max_depth = 16};
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  (void)data::recognises_pairs(text);
  (void)data::recognises_dialogue_nli(text);
  (void)data::recognises_mnli(text);
  Checks checks(static_cast<std::size_t>(kLimits.max_line_bytes));
  auto stream = stream_of(text);
  try {
    switch (bytes[0] % 3) {
      case 0:
        data::read_pairs(stream, kLimits, checks);
        break;
      case 1:
        data::read_dialogue_nli(stream, kLimits, checks);
        break;
      default:
        data::read_mnli(stream, kLimits, checks);
    }
  } catch (const data::DamagedInput&) {
  }
  return 0;
}
