#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace banter::train {

/// Vectors of the words of a text file, those that are wanted.
class WordVectors {
 public:
  WordVectors() = default;

  /// Reads `WORD NUMBER NUMBER ...` a line (GloVe), below a line `WORDS DIMENSIONS` or without one
  /// (word2vec). Of a word that stands twice the first vector counts; lines whose word has spaces
  /// in it are passed over.
  ///
  /// Throws   FileError; DataError naming file, line and rule: another number of dimensions than
  ///          the first line's, of a wanted word a number that is none or not finite, fewer or more
  ///          words than the first line says; or what to do where the file is no text (word2vec's
  ///          binary form, a model of fastText, gzip)
  /// Cost     one pass over the mapped file; memory only for what is wanted
  static WordVectors read(const std::filesystem::path& path,
                          const std::unordered_set<std::string>& wanted);
  /// Looks at the first lines alone, so that a file of another form is found out at once.
  /// Throws   as `read` where they are wrong
  static void check(const std::filesystem::path& path);
  /// The same from a file's text; `name` is what errors call it.
  static WordVectors from_text(std::string_view text, const std::string& name,
                               const std::unordered_set<std::string>& wanted);

  /// Nothing where the word has no vector.
  [[nodiscard]] std::span<const float> find(std::string_view word) const;
  [[nodiscard]] std::size_t dimensions() const { return dimensions_; }
  [[nodiscard]] std::size_t words() const { return places_.size(); }  ///< that are kept
  [[nodiscard]] std::uint64_t words_of_file() const { return lines_; }
  [[nodiscard]] const std::string& hash() const { return hash_; }  ///< SHA-256 of the file

 private:
  void keep(std::string_view word, std::string_view numbers, const std::string& where);

  /// So that a view of a word finds it.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::size_t dimensions_ = 0;
  std::uint64_t lines_ = 0;
  std::string hash_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> places_;
  std::vector<float> values_;  ///< (words, dimensions)
};

}  // namespace banter::train
