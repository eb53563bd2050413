#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "models/decoding/composed.h"
#include "models/decoding/decoder.h"
#include "models/decoding/search.h"

namespace banter::models {

/// A request with rows in the step.
struct Running {
  std::uint64_t number = 0;
  std::unique_ptr<Search> search;
  std::int64_t most_rows = 1;    ///< reserved for it
  std::int64_t memory_row = 0;   ///< in the pool
  std::int64_t rows = 1;         ///< it holds in this step, behind those of the ones before it
  std::int64_t token = 1;        ///< of the reply that this step chooses
  Composed sources;              ///< memory is in the pool
  bool with_tokens = false;      ///< weights of their single tokens are collected
  bool with_log_probs = true;    ///< its replies come with them
  std::optional<Request> asked;  ///< all of it, where a draft is made for it
  std::optional<Reply> draft;    ///< that was made for it
  data::Context context;         ///< when there is a reranker
  Reranker reranker;             ///< or nothing
  std::function<void(const CommittedReply&)> on_committed;  ///< or nothing
  std::size_t told = 0;                                     ///< ids that it got
};

}  // namespace banter::models
