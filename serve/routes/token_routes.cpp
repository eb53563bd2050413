#include "serve/routes/token_routes.h"

#include <string>
#include <utility>
#include <vector>

#include "serve/protocol/fields.h"
#include "serve/protocol/json_writer.h"

namespace banter::serve {
namespace {

std::string tokenized(const Fields& fields, const data::Tokenizer& tokenizer,
                      const FrameLimits& limits) {
  const auto text = fields.text("content", {.max_chars = limits.max_text_chars, .blank = true});
  std::vector<std::int64_t> ids;
  std::vector<std::string> pieces;
  for (const auto id : tokenizer.encode(text)) {
    ids.push_back(id);
    pieces.push_back(tokenizer.piece(id));
  }
  JsonWriter writer;
  writer.open('{');
  writer.field("tokens", ids);
  writer.field("pieces", pieces);
  writer.close('}');
  return writer.take();
}

std::string detokenized(const Fields& fields, const data::Tokenizer& tokenizer) {
  const auto most = tokenizer.vocab_size() - 1;
  const auto ids = fields.list("tokens", [&](const json::value& value, const std::string& name) {
    const auto id = whole_number(value);
    if (!id || *id < 0 || *id > most) refuse_field(name, "ids from 0 to " + std::to_string(most));
    return static_cast<data::TokenId>(*id);
  });
  JsonWriter writer;
  writer.open('{');
  writer.field("content", tokenizer.decode(ids));
  writer.close('}');
  return writer.take();
}

template <typename Answer>
Task<Response> answer(const Hub* hub, Request request, Answer make) {
  const auto served = hub->model();
  if (!served) throw HttpError(503, "the model is being loaded", {{"Retry-After", "1"}});
  try {
    const auto value = read_json(request.body);
    co_return json_response(200, make(Fields::of(value, "the body"), *served->tokenizer));
  } catch (const RequestError& error) {
    throw HttpError(400, error.what(), {}, error.field, std::string(name_of(error.code)));
  }
}

}  // namespace

void add_token_routes(Router& router, Hub& hub) {
  router.add(Route{.method = "POST",
                   .path = "/tokenize",
                   .access = Access::kToken,
                   .handler = [&hub](Request request) {
                     return answer(&hub, std::move(request),
                                   [limits = hub.options().frames](const auto& fields,
                                                                   const auto& tokenizer) {
                                     return tokenized(fields, tokenizer, limits);
                                   });
                   }});
  router.add(Route{.method = "POST",
                   .path = "/detokenize",
                   .access = Access::kToken,
                   .handler = [&hub](Request request) {
                     return answer(&hub, std::move(request), &detokenized);
                   }});
}

}  // namespace banter::serve
