#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/errors.h"
#include "data/tokenizer/own_symbols.h"
#include "data/tokenizer/pretrained.h"
#include "data/tokenizer/tokenizer.h"

namespace {

using banter::data::Tokenizer;

void must(bool holds) {
  if (!holds) std::abort();
}

/// Our symbols come first, pieces of the model follow, and texts stay as they are. A model that has
/// our symbols already is left to itself.
void check(const std::string& model, const std::string& made) {
  const auto own = banter::data::own_symbols();
  const auto pieces = banter::data::pieces_of(made), before = banter::data::pieces_of(model);
  must(pieces.size() >= own.size() && std::equal(own.begin(), own.end(), pieces.begin()));
  must(banter::data::with_own_symbols(made) == made);
  if (made == model) return;
  must(pieces.size() <= before.size() + own.size() + 256);
  for (auto piece = pieces.begin() + std::ssize(own) + 256; piece != pieces.end(); ++piece)
    must(std::ranges::find(before, *piece) != before.end());
  const Tokenizer tokenizer(made);
  for (const std::string text : {"", "ab b", " \u2581a<s>\t\u4e2d"})
    must(tokenizer.decode(tokenizer.encode(text)) == text);
}

}  // namespace

/// Any bytes are a model that becomes one of ours, or a DataError of one line; nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string model(reinterpret_cast<const char*>(bytes), size);
  std::string made;
  try {
    made = banter::data::with_own_symbols(model);
  } catch (const banter::base::DataError& error) {
    must(std::string(error.what()).find('\n') == std::string::npos);
    return 0;
  }
  check(model, made);
  return 0;
}
