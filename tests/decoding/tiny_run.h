#pragma once

#include <filesystem>
#include <string>

#include "tests/support/temporary_folder.h"

namespace banter::models {

/// A run folder with one small, untrained model: it answers nonsense, but always the same. What
/// `favourite` is, a text of one piece, it says before all else.
class TinyRun {
 public:
  explicit TinyRun(const std::string& model =
                       "{type: hred, embed_dim: 8, hidden_dim: 12, "
                       "attention: both, dropout: 0}",
                   const std::string& decoding = "{max_new_tokens: 12}",
                   const std::string& batch = "{max_context_turns: 4}",
                   const std::string& favourite = "", const std::string& greeting = "hello");

  [[nodiscard]] std::filesystem::path path() const { return folder_ / "run"; }
  [[nodiscard]] std::filesystem::path file(const std::string& content) const;

 private:
  tests::TemporaryFolder folder_;
};

}  // namespace banter::models
