#include "models/decoding/wording.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace banter::models {
namespace {

std::vector<std::string> surfaces_of(const data::Tokenizer& tokenizer) {
  std::vector<std::string> surfaces;
  surfaces.reserve(static_cast<std::size_t>(tokenizer.vocab_size()));
  for (data::TokenId id = 0; id < tokenizer.vocab_size(); ++id)
    surfaces.push_back(tokenizer.surface(id));
  return surfaces;
}

std::size_t longest(const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const auto& text : texts) bytes = std::max(bytes, text.size());
  return bytes;
}

constexpr std::size_t kMostCharacterBytes = 4;

/// Where a character begins that the text's end cuts off; the text's size when none does.
std::size_t end_of_whole_characters(std::string_view text) {
  for (std::size_t back = 1; back < kMostCharacterBytes && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return needed > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace

Wording::Wording(const DecodingOptions& options, const data::Tokenizer& tokenizer)
    : Wording(surfaces_of(tokenizer), options.block, options.stop) {}

Wording::Wording(std::vector<std::string> surfaces, std::vector<std::string> block,
                 std::vector<std::string> stop)
    : surfaces_(std::move(surfaces)),
      block_(std::move(block)),
      stop_(std::move(stop)),
      longest_block_(longest(block_)),
      longest_stop_(longest(stop_)) {
  if (block_.empty()) return;
  by_surface_.resize(surfaces_.size());
  std::iota(by_surface_.begin(), by_surface_.end(), data::TokenId{0});
  std::ranges::sort(by_surface_, {}, [&](data::TokenId id) { return surface(id); });
  for (const auto id : by_surface_) {
    const auto holds = [&](const std::string& phrase) {
      return surface(id).find(phrase) != std::string_view::npos;
    };
    if (std::ranges::any_of(block_, holds)) blocked_.push_back(id);
  }
}

std::string_view Wording::surface(data::TokenId id) const {
  const bool is_known = id >= 0 && id < static_cast<data::TokenId>(surfaces_.size());
  return is_known ? std::string_view(surfaces_[static_cast<std::size_t>(id)]) : std::string_view();
}

std::string Wording::end_of_text(std::span<const data::TokenId> ids, std::size_t bytes) const {
  std::size_t first = ids.size(), size = 0;
  while (first > 0 && size <= bytes) size += surface(ids[--first]).size();
  std::string text;
  for (const auto id : ids.subspan(first)) text += surface(id);
  if (first == 0 && text.starts_with(' ')) text.erase(0, 1);  // as decoding does
  return text;
}

Wording::Ids Wording::blocked_after(std::span<const data::TokenId> ids) const {
  Ids found;
  if (block_.empty()) return found;
  auto text = end_of_text(ids, longest_block_);
  if (text.size() <= longest_block_) text.insert(0, 1, ' ');  // it is all of it
  for (const std::string_view phrase : block_) {
    for (std::size_t begun = 1; begun < phrase.size(); ++begun) {
      if (!text.ends_with(phrase.substr(0, begun))) continue;
      const auto rest = phrase.substr(begun);
      const auto ending = std::ranges::equal_range(by_surface_, rest, {}, [&](data::TokenId id) {
        return surface(id).substr(0, rest.size());
      });
      found.insert(found.end(), ending.begin(), ending.end());
    }
  }
  return found;
}

std::size_t Wording::stopped_bytes(std::span<const data::TokenId> ids) const {
  if (stop_.empty() || ids.empty()) return 0;
  const auto last = surface(ids.back()).size();
  const auto text = end_of_text(ids, last + longest_stop_);
  auto begin = text.size();
  for (const auto& stop : stop_) {
    const auto reached = last + stop.size() - 1;  // a match further in front ended before
    const auto found = text.find(stop, text.size() - std::min(text.size(), reached));
    begin = std::min(begin, found);
  }
  return text.size() - begin;
}

std::span<const data::TokenId> Wording::without_last(std::span<const data::TokenId> ids,
                                                     std::size_t bytes) const {
  for (std::size_t gone = 0; gone < bytes && !ids.empty(); ids = ids.first(ids.size() - 1))
    gone += surface(ids.back()).size();
  return ids;
}

std::span<const data::TokenId> Wording::without_begun_stop(
    std::span<const data::TokenId> ids) const {
  const auto text = end_of_text(ids, longest_stop_);
  auto end = text.size();
  for (const auto& stop : stop_) {
    const auto from = text.size() - std::min(text.size(), stop.size() - 1);
    for (auto begin = from; begin < end; ++begin)
      if (stop.starts_with(std::string_view(text).substr(begin))) end = begin;
  }
  return without_last(ids, text.size() - end);
}

std::span<const data::TokenId> Wording::whole_characters(std::span<const data::TokenId> ids) const {
  const auto text = end_of_text(ids, kMostCharacterBytes);
  return without_last(ids, text.size() - end_of_whole_characters(text));
}

}  // namespace banter::models
