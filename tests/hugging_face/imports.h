#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/run.h"
#include "tests/hugging_face/fixtures.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {

/// A folder of its own, a copy of a fixture.
class HuggingFaceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { torch::set_num_threads(1); }

  std::filesystem::path copy_of(const std::string& name) {
    std::filesystem::copy(kFixtures / name, folder_ / name);
    return folder_ / name;
  }
  std::filesystem::path imported(const std::filesystem::path& from,
                                 const std::string& run = "run") {
    import_folder(from, folder_ / run, {.max_context_turns = 2});
    return folder_ / run;
  }
  /// The message of a refused import, after which nothing is left beside the folder.
  std::string refusal(const std::filesystem::path& from, const ImportOptions& options = {}) {
    std::string message;
    try {
      import_folder(from, folder_ / "run", options);
    } catch (const base::Error& error) {
      message = error.what();
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      EXPECT_EQ(entry.path().filename().string().find("run"), std::string::npos) << entry.path();
    return message;
  }
  static void change(const std::filesystem::path& file,
                     const std::function<void(base::json::object&)>& by) {
    auto object = read_object(file);
    by(object);
    std::ofstream(file) << base::json::serialize(object);
  }
  static void change_weights(const std::filesystem::path& from,
                             const std::function<void(NamedTensors&)>& by) {
    auto tensors = read_safetensors(from / kWeights);
    by(tensors);
    write_safetensors(from / kWeights, tensors);
  }

  tests::TemporaryFolder folder_;
};

}  // namespace banter::models
