#include "models/decoding/search.h"

#include <utility>

#include "models/decoding/beam_search.h"
#include "models/decoding/single_search.h"

namespace banter::models {
namespace {

bool is_beam(const DecodingOptions& options) {
  return options.method == "beam" && options.beam_size > 1;
}

}  // namespace

std::optional<std::vector<NextRow>> Search::advance_among(ScreenedRow& /*row*/,
                                                          const SharedAttention& /*attention*/) {
  return std::nullopt;
}

std::unique_ptr<Search> make_search(const DecodingOptions& options, const data::SpecialIds& special,
                                    SearchInput input) {
  if (const auto fault = fault_of_prefix(input.prefix, options, special); !fault.empty())
    throw configs::ConfigError(fault);
  if (!input.wording && !(options.block.empty() && options.stop.empty()))
    throw configs::ConfigError("decoding.block, decoding.stop: need the words of a tokenizer");
  input.is_reranked = input.is_reranked || options.rerank != "none";
  if (is_beam(options)) return std::make_unique<BeamSearch>(options, special, std::move(input));
  return std::make_unique<SingleSearch>(options, special, std::move(input));
}

std::int64_t most_rows(const DecodingOptions& options) {
  return is_beam(options) ? options.beam_size : options.replies;
}

}  // namespace banter::models
