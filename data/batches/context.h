#pragma once

#include <cstdint>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace banter::data {

/// A context given from outside a store (a file, a chat): already ids, oldest turn first.
struct Context {
  struct Row {
    std::vector<TokenId> ids{};  ///< without special ids
    std::int64_t speaker = 0;
  };
  std::vector<Row> turns{};
  std::vector<Row> facts{};
  std::int64_t reply_speaker = 0;
  std::vector<TokenId> reply{};  ///< to score; empty when there is none (still gets eos)
  bool reply_ends = true;        ///< eos follows it; not where it was cut
};

}  // namespace banter::data
