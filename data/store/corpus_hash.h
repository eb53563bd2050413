#pragma once

#include <string_view>

#include "base/hash.h"
#include "data/record.h"

namespace banter::data {

/// The hash of records in order, each with its split: what a store's text is, whatever tokenizer
/// it was made with.
class CorpusHash {
 public:
  void add(std::string_view split, const Dialogue& dialogue);
  void add(std::string_view split, const Pair& pair);
  void add(std::string_view split, const Record& record) {
    std::visit([&](const auto& one) { add(split, one); }, record);
  }
  /// Ends the hash; 64 hexadecimal digits. Once.
  [[nodiscard]] std::string hex() { return hash_.hex(); }

 private:
  void add_text(std::string_view text);
  void add_count(std::uint64_t count);
  void add_one(const Dialogue& dialogue);
  void add_one(const Pair& pair);

  base::Sha256 hash_;
};

}  // namespace banter::data
