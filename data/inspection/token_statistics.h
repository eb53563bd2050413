#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include <boost/json.hpp>

#include "data/inspection/histogram.h"
#include "data/store/store.h"

namespace banter::data {

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
  /// Pieces that no turn has, special ids and bytes not counted.
  [[nodiscard]] std::uint64_t unused_pieces() const;

  Tokenizer tokenizer_;
  Histogram tokens_;
  std::uint64_t words_ = 0, byte_tokens_ = 0, unknown_ = 0, byte_turns_ = 0;
  std::vector<bool> seen_;
};

}  // namespace banter::data
