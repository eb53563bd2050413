#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/dialogue.h"
#include "data/tokenizer.h"

namespace banter::data {

/// One dialogue of a split, as places in it.
struct DialogueView {
  std::uint64_t first_turn = 0;  ///< number of its first turn in the split
  std::uint32_t turns = 0;       ///< how many, in order
  std::uint64_t first_fact = 0;  ///< number of its first persona fact in the split
  std::uint32_t facts = 0;
};

/// One part (train, valid, ...) of a store: every turn's ids once, in flat memory-mapped arrays.
/// A dialogue of N turns costs N turns. Reading is thread-safe; views live as long as the Store.
class Split {
 public:
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] std::uint64_t dialogues() const;
  [[nodiscard]] std::uint64_t turns() const;
  [[nodiscard]] std::uint64_t tokens() const;  ///< of all turns, without special ids

  [[nodiscard]] DialogueView dialogue(std::uint64_t index) const;
  [[nodiscard]] std::uint32_t turn_length(std::uint64_t turn) const;  ///< tokens
  /// Copies the ids of a turn, at most `max` of them from its start, behind `out`.
  void append_turn(std::uint64_t turn, std::vector<TokenId>& out,
                   std::uint32_t max = UINT32_MAX) const;
  [[nodiscard]] std::uint16_t turn_speaker(std::uint64_t turn) const;  ///< 0 = unknown, 1 = A, ...
  [[nodiscard]] std::uint32_t turn_words(
      std::uint64_t turn) const;  ///< white-space words of the text
  [[nodiscard]] std::uint32_t turn_bytes(std::uint64_t turn) const;  ///< UTF-8 bytes of the text

  [[nodiscard]] std::uint32_t fact_length(std::uint64_t fact) const;
  void append_fact(std::uint64_t fact, std::vector<TokenId>& out,
                   std::uint32_t max = UINT32_MAX) const;
  [[nodiscard]] std::uint16_t fact_speaker(std::uint64_t fact) const;

  [[nodiscard]] std::string_view id(std::uint64_t dialogue) const;  ///< as in the corpus
  /// The record as it was read: texts decoded from ids, speakers' names, times, meta, personas.
  [[nodiscard]] Dialogue record(std::uint64_t dialogue) const;

 private:
  friend class Store;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// A folder written by `banter prepare`: tokenizer, splits, and a manifest with sizes and hashes.
/// Opens in milliseconds; pages are shared between processes.
class Store {
 public:
  /// Throws   FileError when the folder or a file is missing; DataError when the manifest is
  ///          damaged, of another version, or a file's size disagrees with it
  static Store open(const std::filesystem::path& folder);

  /// Reads everything and compares SHA-256; `read` is told how many more bytes were read.
  /// Throws   FileError, DataError naming the file; Stopped when a signal has come
  void verify(const std::function<void(std::uint64_t)>& read = [](std::uint64_t) {}) const;

  [[nodiscard]] const Split& split(
      std::string_view name) const;  ///< Throws   DataError, lists them
  [[nodiscard]] bool has_split(std::string_view name) const;
  [[nodiscard]] const std::vector<Split>& splits() const;
  [[nodiscard]] const Tokenizer& tokenizer() const;
  [[nodiscard]] const std::string& corpus_hash() const;  ///< of all records in order, hex
  [[nodiscard]] const std::string& hash() const;  ///< of the manifest: names data + tokenizer
  [[nodiscard]] const std::filesystem::path& folder() const;
  [[nodiscard]] std::string format() const;  ///< "jsonl", "ubuntu_v1", ...: of its first source

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace banter::data
