#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "data/record.h"
#include "data/store/rows.h"
#include "data/store/split_counts.h"
#include "data/tokenizer/tokenizer.h"

namespace banter::data {

/// A file's rows, mapped.
template <typename Row>
class Rows {
 public:
  Rows() = default;
  /// Throws   FileError, DataError when the file has not `count` rows
  Rows(const std::filesystem::path& path, std::uint64_t count) : file_(path) {
    if (file_.bytes().size() % sizeof(Row) != 0 || file_.bytes().size() / sizeof(Row) != count)
      throw base::DataError(path.string() + ": holds " + std::to_string(file_.bytes().size()) +
                            " bytes where its manifest asks for " + std::to_string(count) +
                            " rows of " + std::to_string(sizeof(Row)) +
                            ": the store is damaged, prepare it again");
  }
  [[nodiscard]] const Row& operator[](std::uint64_t index) const {
    return reinterpret_cast<const Row*>(file_.bytes().data())[index];
  }

 private:
  base::MappedFile file_;
};

/// Where something lies: [begin, end).
struct Range {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

/// IdRows of either width, in place.
class IdRows {
 public:
  IdRows() = default;
  IdRows(const std::filesystem::path& path, std::uint64_t count, bool is_wide);
  /// Appends those of a range. False when one is not below `vocab_size`.
  [[nodiscard]] bool append(Range range, TokenId vocab_size, std::vector<TokenId>& out) const;

 private:
  bool wide_ = false;
  Rows<std::uint16_t> narrow_ids_;
  Rows<std::uint32_t> wide_ids_;
};

/// One split of one store folder, mapped. Every place that a row names is checked before it is
/// read: damage is a DataError, never a read outside.
class SplitFiles {
 public:
  /// Throws   FileError, DataError
  SplitFiles(const std::filesystem::path& folder, Tokenizer tokenizer, const SplitCounts& counts);

  [[nodiscard]] const SplitCounts& counts() const { return counts_; }

  [[nodiscard]] Range turns_of(std::uint64_t dialogue) const;
  [[nodiscard]] Range facts_of(std::uint64_t dialogue) const;
  [[nodiscard]] Range distractors_of(std::uint64_t dialogue) const;
  [[nodiscard]] Range distractors_beside(std::uint64_t turn) const;

  [[nodiscard]] const TurnRow& turn(std::uint64_t turn) const;
  [[nodiscard]] const FactRow& fact(std::uint64_t fact) const;
  [[nodiscard]] Range turn_ids(std::uint64_t turn) const;
  [[nodiscard]] Range fact_ids(std::uint64_t fact) const;
  [[nodiscard]] Range distractor_ids(std::uint64_t distractor) const;
  [[nodiscard]] Label label(std::uint64_t pair) const;
  [[nodiscard]] Range premise_ids(std::uint64_t pair) const;
  [[nodiscard]] Range hypothesis_ids(std::uint64_t pair) const;

  /// Copies ids behind `out`. Throws   DataError when one is outside the vocabulary
  void append_turn_ids(Range ids, std::vector<TokenId>& out) const { append(tokens_, ids, out); }
  void append_fact_ids(Range ids, std::vector<TokenId>& out) const {
    append(fact_tokens_, ids, out);
  }
  void append_distractor_ids(Range ids, std::vector<TokenId>& out) const {
    append(distractor_tokens_, ids, out);
  }
  void append_pair_ids(Range ids, std::vector<TokenId>& out) const {
    append(pair_tokens_, ids, out);
  }

  [[nodiscard]] std::string_view dialogue_id(std::uint64_t dialogue) const;
  [[nodiscard]] std::string dialogue_group(std::uint64_t dialogue) const;
  [[nodiscard]] Dialogue dialogue_record(std::uint64_t number) const;
  [[nodiscard]] Pair pair_record(std::uint64_t number) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void check(std::uint64_t index, std::uint64_t count, const char* what) const;
  [[nodiscard]] Range checked(Range range, std::uint64_t limit, const char* what) const;
  void append(const IdRows& from, Range ids, std::vector<TokenId>& out) const;
  [[nodiscard]] std::string decoded(const IdRows& from, Range range) const;
  [[nodiscard]] std::pair<std::string_view, std::string_view> id_and_details(
      const base::MappedFile& texts, Range range, std::uint64_t id_bytes) const;
  [[nodiscard]] std::pair<std::string_view, std::string_view> dialogue_text(
      std::uint64_t dialogue) const;

  std::filesystem::path folder_;
  Tokenizer tokenizer_;
  SplitCounts counts_;
  Rows<DialogueRow> dialogues_;
  Rows<TurnRow> turns_;
  Rows<FactRow> facts_;
  Rows<DistractorRow> distractors_;
  Rows<PairRow> pairs_;
  IdRows tokens_, fact_tokens_, distractor_tokens_, pair_tokens_;
  base::MappedFile texts_, pair_texts_;
};

}  // namespace banter::data
