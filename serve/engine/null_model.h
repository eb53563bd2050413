#pragma once

#include <map>

#include "serve/engine/row_model.h"

namespace banter::serve {

/// A model that costs nothing: it says the last turn again, from its beginning as often as needed,
/// a token a step, until `tokens` of them. For measuring what a server adds, and for its tests.
class NullModel : public RowModel {
 public:
  explicit NullModel(std::int64_t tokens) : tokens_(tokens) {}

  [[nodiscard]] std::int64_t rows_of(const Turn& turn) const override;
  TurnTokens add(std::uint64_t number, const Turn& turn) override;
  void drop(std::uint64_t number) override { running_.erase(number); }
  std::vector<models::Replies> step(const Committed& committed) override;
  bool settle() override { return false; }
  void forget(const std::string&) override {}

 private:
  struct Row {
    std::vector<data::TokenId> source, said;
    std::int64_t tokens = 0;  ///< that it will say
    bool is_cut = false;      ///< by max_new_tokens
    std::int64_t turns = 0, facts = 0;
  };
  std::int64_t tokens_;
  std::map<std::uint64_t, Row> running_;
};

}  // namespace banter::serve
