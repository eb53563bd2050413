#pragma once

#include <span>
#include <string>
#include <string_view>
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
/// had none), and spelled by its own tokenizer. What is longer than the pairs of its training is
/// cut as they were. A blank reply says nothing: it is neutral to every sentence. Threads  one at a
/// time
class ConsistencyJudge {
 public:
  /// Throws   DataError, ConfigError when what the checkpoint says of its training is damaged
  explicit ConsistencyJudge(LoadedClassifier nli);

  /// For each reply one judgement a sentence of its persona, in order. Under InferenceMode.
  std::vector<std::vector<Judgement>> judge(std::span<const ReplyOfPersona> replies);
  std::vector<Judgement> judge(std::string_view reply, std::span<const std::string> persona);

  /// Which classifier it is and how good, for signatures: "nli:8c2f...|nli_accuracy:0.7200", its
  /// checkpoint's hash and accuracy on pairs that it was not trained on; `unknown` where its
  /// checkpoint has none.
  [[nodiscard]] const std::string& signature() const { return signature_; }
  /// Whether all of a sentence is read.
  [[nodiscard]] bool reads_all_of(std::string_view sentence) const;

 private:
  [[nodiscard]] std::vector<data::TokenId> ids_of(std::string_view text) const;

  LoadedClassifier nli_;
  torch::Device device_;
  data::CleaningOptions cleaning_;
  std::string signature_;
};

}  // namespace banter::models
