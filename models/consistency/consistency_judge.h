#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/options.h"
#include "models/checkpoint/load_model.h"
#include "models/consistency/judgement.h"

namespace banter::models {

/// A reply and what is known of who gave it.
struct ReplyOfPersona {
  std::string_view reply;
  std::span<const std::string> persona;  ///< sentences
};

/// Tells whether replies keep to a persona: a classifier of sentence pairs reads the reply as
/// premise and each sentence as hypothesis.
///
/// Texts are valid UTF-8. They are cleaned as the classifier's corpus was, by its checkpoint's
/// config.yaml, are put in small letters, too, where its vocabulary has no capital (then its corpus
/// had hardly any), and spelled by its own tokenizer. What is longer than the pairs of its training
/// is cut as they were. A blank reply says nothing: it is neutral to every sentence. What it judged
/// last is kept, so that a reply that was chosen by it is not judged again to be shown.
///
/// Threads  one at a time
class ConsistencyJudge {
 public:
  /// Throws   DataError, ConfigError when what the checkpoint says of its training is damaged
  explicit ConsistencyJudge(LoadedClassifier nli);

  /// For each reply one judgement a sentence of its persona, in order. The more are asked at once,
  /// the better they fill batches; equal pairs are judged once.
  std::vector<std::vector<Judgement>> judge(std::span<const ReplyOfPersona> replies);
  std::vector<Judgement> judge(std::string_view reply, std::span<const std::string> persona);

  /// Which classifier it is and how good, for signatures: "nli:8c2f...|nli_accuracy:0.7200", its
  /// checkpoint's hash and accuracy on pairs that it was not trained on; `unknown` where its
  /// checkpoint has none.
  [[nodiscard]] const std::string& signature() const { return signature_; }
  /// Whether all of a sentence is read.
  [[nodiscard]] bool reads_all_of(std::string_view sentence) const;

 private:
  using Ids = std::vector<data::TokenId>;
  using Answers = std::map<std::pair<Ids, Ids>, Judgement>;  ///< by premise and hypothesis

  [[nodiscard]] Ids ids_of(std::string_view text) const;
  /// Fills in the judgements.
  void answer(Answers& asked);

  LoadedClassifier nli_;
  torch::Device device_;
  data::CleaningOptions cleaning_;
  std::string signature_;
  Answers answers_;  ///< the last ones
};

}  // namespace banter::models
