#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "serve/engine/null_model.h"
#include "serve/sessions/served_model.h"

namespace banter::serve {

/// A small vocabulary, with bytes for what it has no piece for.
inline std::shared_ptr<const data::Tokenizer> small_tokenizer() {
  data::TokenizerOptions options;
  options.vocab_size = 400;
  const std::vector<std::string> texts = {"hello , how are you ?", "i am well , thank you .",
                                          "do you like dogs ?", "yes , i have two of them ."};
  std::size_t next = 0;
  return std::make_shared<data::Tokenizer>(
      data::Tokenizer::train(options, [&]() -> std::optional<std::string> {
        if (next == texts.size()) return {};
        return texts[next++];
      }));
}

/// A model that says the last turn again, `tokens` of it, in whole characters.
inline std::shared_ptr<ServedModel> small_model(std::string id, std::int64_t tokens) {
  auto model = std::make_shared<ServedModel>();
  model->name = {.id = std::move(id), .revision = "null", .type = "null"};
  model->tokenizer = small_tokenizer();
  model->limits.max_turn_tokens = 1000;
  model->attention = {AttentionLevel::kNone};
  model->rows = std::make_shared<NullModel>(
      tokens, std::make_shared<models::Wording>(models::DecodingOptions{}, *model->tokenizer));
  return model;
}

}  // namespace banter::serve
