#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/checkpoint/load_model.h"
#include "models/consistency/consistency_judge.h"
#include "models/decoding/decoder.h"
#include "models/decoding/session.h"
#include "serve/engine/row_model.h"

namespace banter::serve {

/// What bounds the rows of a run.
struct RunRowsLimits {
  std::int64_t max_rows = 32;                          ///< as in EngineLimits
  std::int64_t cache_bytes = std::int64_t{256} << 20;  ///< of conversations that are kept encoded
  double mmi_weight = 0.5;                             ///< of `mmi_reranker`, in [0, 1]
};

/// Who helps to choose and to judge replies; each may be missing.
struct Helpers {
  std::shared_ptr<models::ConsistencyJudge> judge = nullptr;     ///< of replies, by a persona
  std::shared_ptr<const models::LoadedModel> reverse = nullptr;  ///< turned dialogues, for MMI
};

/// The model of a run, as the engine sees it: a Decoder, and of each conversation what is encoded.
///
/// A conversation is kept as a ChatSession, so that a turn encodes only what is new, until more
/// than `cache_bytes` are kept: then those go that were used longest ago, and their next turn
/// encodes everything again, with equal values. When the model fails they all go:
/// memory may have run out. While nothing
/// waits, finished replies are encoded, as the turns of their conversations that they are.
class RunRows : public RowModel {
 public:
  /// Throws   ConfigError for fewer than one row; UsageError when the reverse model has another
  ///          vocabulary
  RunRows(models::LoadedModel loaded, std::string revision, Helpers helpers,
          const RunRowsLimits& limits);

  [[nodiscard]] const std::string& revision() const override { return revision_; }
  [[nodiscard]] std::int64_t rows_of(const Turn& turn) const override;
  TurnTokens add(std::uint64_t number, const Turn& turn) override;
  void drop(std::uint64_t number) override;
  std::vector<EndedRows> step(const Committed& committed) override;
  bool settle() override;
  void forget(const std::string& conversation) override;
  [[nodiscard]] CacheState cache() const override { return cache_; }

  [[nodiscard]] const models::LoadedModel& loaded() const { return loaded_; }

 private:
  /// A conversation that is kept encoded.
  struct Kept {
    std::string conversation;
    std::shared_ptr<models::ChatSession> session;
    std::int64_t bytes = 0;
  };
  using KeptList = std::list<Kept>;  ///< the one used last is first

  struct Running {
    std::string conversation;
    data::Context context;
    std::vector<std::string> facts;
    std::int64_t facts_read = 0;
    std::vector<models::ContextToken> tokens_read;  ///< when its weights are asked for
  };

  [[nodiscard]] std::unique_ptr<models::Decoder> new_decoder() const;
  models::ChatSession& session_of(const std::string& conversation);
  void note_bytes(const std::string& conversation);
  void evict_all();
  TurnTokens encode(std::uint64_t number, const Turn& turn);
  models::Request request_of(std::uint64_t number, const Turn& turn, models::Composed composed);
  std::shared_ptr<const models::Wording> wording_of(const models::DecodingOptions& options);
  void forget_said(const std::string& conversation);
  std::vector<EndedRows> ended(std::vector<models::Replies> done);
  void judge(std::vector<EndedRows>& ended) const;

  models::LoadedModel loaded_;
  std::string revision_;
  Helpers helpers_;
  RunRowsLimits limits_;
  std::unique_ptr<models::Decoder> decoder_;
  models::Reranker by_mmi_;  ///< or nothing

  KeptList kept_;
  std::map<std::string, KeptList::iterator, std::less<>> kept_of_;
  CacheState cache_;
  std::map<std::uint64_t, Running> running_;
  const Committed* committed_ = nullptr;  ///< of the step that runs

  struct Said {
    std::string conversation;
    std::vector<data::Context::Row> turns;  ///< with the reply
  };
  std::list<Said> said_;  ///< the last ones that are not encoded yet, one a conversation

  using Phrases = std::pair<std::vector<std::string>, std::vector<std::string>>;  ///< block, stop
  std::list<std::pair<Phrases, std::shared_ptr<const models::Wording>>> wordings_;
};

}  // namespace banter::serve
