#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "models/decoding/wording.h"
#include "serve/engine/row_model.h"

namespace banter::serve {

/// A model that costs nothing: it says the last turn again, from its beginning as often as needed,
/// a token a step, until `tokens` of them. For measuring what a server adds, and for its tests.
/// `wording`: so that what is committed ends in whole characters; null where ids are no texts.
class NullModel : public RowModel {
 public:
  explicit NullModel(std::int64_t tokens, std::shared_ptr<const models::Wording> wording = nullptr)
      : tokens_(tokens), wording_(std::move(wording)) {}

  [[nodiscard]] const std::string& revision() const override { return revision_; }
  [[nodiscard]] std::int64_t rows_of(const Turn& turn) const override;
  TurnTokens add(std::uint64_t number, const Turn& turn) override;
  void drop(std::uint64_t number) override { running_.erase(number); }
  std::vector<EndedRows> step(const Committed& committed) override;
  bool settle() override { return false; }
  void forget(const std::string&) override {}
  [[nodiscard]] CacheState cache() const override { return {}; }

 private:
  struct Row {
    std::vector<data::TokenId> source, said;
    std::size_t committed = 0;  ///< ids that were told
    std::int64_t tokens = 0;    ///< that it will say
    bool is_cut = false;        ///< by max_new_tokens
    std::int64_t turns = 0, facts = 0;
  };
  std::int64_t tokens_;
  std::shared_ptr<const models::Wording> wording_;
  std::string revision_ = "null";
  std::map<std::uint64_t, Row> running_;
};

}  // namespace banter::serve
