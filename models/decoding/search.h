#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/options.h"
#include "models/decoding/search_input.h"
#include "models/screened_row.h"

namespace banter::models {

/// What the model gave for one row of a search.
struct ScoredRow {
  std::span<float> logits;  ///< (V); scratch: the search may change them
  SharedAttention attention;
};

/// A row of the next step: it continues row `parent` of this one with `id`.
struct NextRow {
  std::int64_t parent = 0;
  data::TokenId id = 0;
  bool operator==(const NextRow&) const = default;
};

/// Makes the replies of one request from rows of logits: no tensors, no randomness but the seed's,
/// nothing shared with other searches.
class Search {
 public:
  virtual ~Search() = default;

  /// Rows before the first token; each reads bos.
  [[nodiscard]] virtual std::int64_t first_rows() const = 0;
  /// Reads the logits of all its rows and says which rows go on; none: it is finished.
  /// Throws   base::Error when logits are not finite
  virtual std::vector<NextRow> advance(std::span<const ScoredRow> rows) = 0;
  /// Whether `advance_among` may be called in place of `advance`: the search has one row and asks
  /// nothing of a row of logits but its highest.
  [[nodiscard]] virtual bool takes_candidates() const { return false; }
  /// `advance` for what can be the highest of its row. Nothing, and nothing has changed, where that
  /// does not say enough and the row of logits must: all candidates may be forbidden. `row` is
  /// scratch.
  virtual std::optional<std::vector<NextRow>> advance_among(ScreenedRow& row,
                                                            const SharedAttention& attention);
  /// What the best reply begins with, whatever comes: it never changes and never shrinks, so it can
  /// be shown while the search goes on. Nothing where a reranker will choose among several replies.
  /// Without a wording, its last character may be cut.
  [[nodiscard]] virtual CommittedReply committed() const = 0;
  /// The replies, best first; once, when finished.
  virtual std::vector<Reply> take() = 0;
};

/// The search that `options.method` names. A beam of 1 is greedy.
/// Throws   ConfigError when the prefix is too long, or `block` or `stop` come without their
/// wording
std::unique_ptr<Search> make_search(const DecodingOptions& options, const data::SpecialIds& special,
                                    SearchInput input = {});

/// Rows that the search of these options holds at most.
std::int64_t most_rows(const DecodingOptions& options);

}  // namespace banter::models
