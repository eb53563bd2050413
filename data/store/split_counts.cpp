#include "data/store/split_counts.h"

#include <string>

#include "base/errors.h"
#include "base/json.h"

namespace banter::data {
namespace {

struct Field {
  std::string_view name;
  std::uint64_t SplitCounts::*count;
};

constexpr std::array kFields = {
    Field{"dialogues", &SplitCounts::dialogues},
    Field{"turns", &SplitCounts::turns},
    Field{"tokens", &SplitCounts::tokens},
    Field{"words", &SplitCounts::words},
    Field{"bytes", &SplitCounts::bytes},
    Field{"facts", &SplitCounts::facts},
    Field{"fact_tokens", &SplitCounts::fact_tokens},
    Field{"distractors", &SplitCounts::distractors},
    Field{"distractor_tokens", &SplitCounts::distractor_tokens},
    Field{"text_bytes", &SplitCounts::text_bytes},
    Field{"pairs", &SplitCounts::pairs},
    Field{"pair_tokens", &SplitCounts::pair_tokens},
    Field{"pair_text_bytes", &SplitCounts::pair_text_bytes},
};

}  // namespace

boost::json::object SplitCounts::to_json() const {
  boost::json::object about;
  for (const auto& field : kFields) about[field.name] = this->*field.count;
  return about;
}

SplitCounts SplitCounts::from(const boost::json::object& about, std::string_view where) {
  SplitCounts counts;
  for (const auto& field : kFields) {
    const auto value = base::integer_field(about, field.name, where);
    if (value < 0)
      throw base::DataError(std::string(where) + ": " + std::string(field.name) + " < 0");
    counts.*field.count = static_cast<std::uint64_t>(value);
  }
  return counts;
}

SplitCounts& SplitCounts::operator+=(const SplitCounts& other) {
  for (const auto& field : kFields) this->*field.count += other.*field.count;
  return *this;
}

}  // namespace banter::data
