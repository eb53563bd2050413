#include "models/commands/nli_argument.h"

#include "base/errors.h"
#include "models/consistency/consistency_reranker.h"

namespace banter::models {

void NliArgument::add_to(CLI::App& app, const std::string& help) {
  app.add_option("--nli", run, help)->type_name("RUN");
}

std::unique_ptr<ConsistencyJudge> NliArgument::load(const ModelArguments& model) const {
  if (run.empty()) return nullptr;
  return std::make_unique<ConsistencyJudge>(model.load_other_classifier(run));
}

Reranker reranker_of(const DecodingOptions& options, ConsistencyJudge* judge,
                     const data::Tokenizer& tokenizer) {
  if (options.rerank != kConsistency || judge == nullptr) return reranker_named(options.rerank);
  return consistency_reranker(*judge, tokenizer, options.rerank_margin);
}

}  // namespace banter::models
