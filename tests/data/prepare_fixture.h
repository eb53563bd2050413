#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"
#include "data/preparation/prepare.h"
#include "tests/data/made_files.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {

namespace fs = std::filesystem;

inline std::string made_text(std::uint64_t key) {
  std::string text;
  for (std::uint64_t i = 0; i < 6 + key % 9; ++i) {
    if (i > 0) text += ' ';
    for (auto draw = base::mix64(key * 100 + i) % 500'000; draw > 0; draw /= 20)
      text += static_cast<char>('a' + draw % 20);
  }
  return text + "x";
}

/// Different dialogues in JSON Lines.
inline std::string made_corpus(std::uint64_t dialogues, std::uint64_t first = 0) {
  std::string lines;
  for (std::uint64_t d = first; d < first + dialogues; ++d) {
    std::vector<std::string> texts(2 + d % 5);
    for (std::uint64_t t = 0; t < texts.size(); ++t) texts[t] = made_text(d * 10 + t);
    lines += json_line("d" + std::to_string(d), texts);
  }
  return lines;
}
inline std::string all_bytes(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  std::string bytes;
  for (const auto& file : files)
    bytes += fs::relative(file, folder).string() + "\n" + read_whole(file);
  return bytes;
}

class PrepareTest : public testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "corpus.jsonl", made_corpus(150));
    request_.store = folder_ / "stores/made";
    request_.data.sources = {{(folder_ / "corpus.jsonl").string(), "auto", "auto"}};
    request_.data.valid_share = 0.2;
    request_.data.tokenizer.vocab_size = 400;
    request_.quiet = true;
  }
  /// The error's sentence, or "".
  std::string complaint() {
    try {
      data::prepare(request_);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "";
  }
  /// What stands in the folder that the store is made in.
  std::vector<std::string> names_beside() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "stores"))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  TemporaryFolder folder_;
  data::PrepareRequest request_;
};

}  // namespace banter::tests
