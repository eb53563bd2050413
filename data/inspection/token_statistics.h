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

  void add_dialogue(const Split& split, std::uint64_t dialogue);
  /// `record` is the pair that stands there.
  void add_pair(const Split& split, std::uint64_t pair, const Pair& record);

  [[nodiscard]] boost::json::object to_json() const;
  void print(std::ostream& out) const;

 private:
  void add(const std::vector<TokenId>& ids, std::uint64_t words, Histogram& lengths);
  [[nodiscard]] std::uint64_t tokens() const { return turns_.sum() + sentences_.sum(); }
  [[nodiscard]] double per_word() const;
  [[nodiscard]] std::uint64_t used() const;
  /// Pieces that no text has, special ids and bytes not counted.
  [[nodiscard]] std::uint64_t unused_pieces() const;

  Tokenizer tokenizer_;
  Histogram turns_, sentences_;  ///< tokens of each; premises and hypotheses are sentences
  std::uint64_t words_ = 0, byte_tokens_ = 0, unknown_ = 0, byte_texts_ = 0;
  std::vector<bool> seen_;
};

}  // namespace banter::data
