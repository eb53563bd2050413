// `banter serve` without LibTorch: the command as it is, serving a model that says the last turn
// again. RUN is any folder; `decoding.max_new_tokens` and the like cannot be set.
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "serve/commands/serve.h"
#include "serve/engine/null_model.h"

namespace banter::serve {
namespace {

constexpr std::int64_t kReplyTokens = 20;

/// A small vocabulary, with bytes for what it has no piece for.
std::shared_ptr<const data::Tokenizer> small_tokenizer() {
  data::TokenizerOptions options;
  options.vocab_size = 400;
  std::vector<std::string> texts = {"hello , how are you ?", "i am well , thank you .",
                                    "do you like dogs ?", "yes , i have two of them ."};
  std::size_t next = 0;
  const auto model = data::Tokenizer::train(options, [&]() -> std::optional<std::string> {
    if (next == texts.size()) return {};
    return texts[next++];
  });
  return std::make_shared<data::Tokenizer>(model);
}

std::shared_ptr<const ServedModel> load_null(const ServedRun& served, const DecodeLimits& limits) {
  auto model = std::make_shared<ServedModel>();
  model->name = {.id = served.run, .revision = "null", .type = "null"};
  model->tokenizer = small_tokenizer();
  model->limits.max_turn_tokens = 1000;
  model->decode.limits = limits;
  model->attention = {AttentionLevel::kNone};
  model->rows = std::make_shared<NullModel>(
      kReplyTokens,
      std::make_shared<models::Wording>(models::DecodingOptions{}, *model->tokenizer));
  return model;
}

}  // namespace
}  // namespace banter::serve

int main(int argc, char** argv) {
  try {
    return banter::serve::serve(std::vector<std::string>(argv + 1, argv + argc),
                                &banter::serve::load_null);
  } catch (const banter::base::Error& error) {
    std::cerr << "banter: " << error.what() << "\n";
    return error.exit_code();
  }
}
