#include "models/checkpoint/safetensors.h"

#include <cmath>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "base/errors.h"
#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

using base::CheckpointError;
using tests::TemporaryFolder;

/// What tests/fixtures/make_safetensors.py writes with the Python package.
NamedTensors python_tensors() {
  return {
      {"embedding.weight", torch::arange(6, torch::kFloat32).view({2, 3}) / 4},
      {"scale", torch::full({}, -1.5, torch::kFloat64)},
      {"ids", torch::tensor({std::int64_t{1}, std::int64_t{-2}, std::int64_t{1} << 40})},
      {"keep", torch::tensor({true, false, true})},
      {"half", torch::tensor({0.5, -2.0}, torch::kFloat16)},
      {"brain", torch::tensor({1.0, 3.0}, torch::kBFloat16)},
      {"none", torch::empty({0, 4}, torch::kFloat32)},
  };
}

void expect_equal(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    const auto found = b.find(name);
    ASSERT_NE(found, b.end()) << name;
    EXPECT_EQ(tensor.scalar_type(), found->second.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(tensor, found->second)) << name;
  }
}

TEST(SafetensorsTest, ReadsWhatThePythonPackageWrote) {
  expect_equal(read_safetensors(BANTER_FIXTURES "/python.safetensors"), python_tensors());
}

TEST(SafetensorsTest, ReadsBackWhatItWrote) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", python_tensors(), {{"note", "\"quoted\""}});
  expect_equal(read_safetensors(folder / "a"), python_tensors());
}

TEST(SafetensorsTest, WritesEqualBytesForEqualTensorsHoweverTheyLie) {
  const TemporaryFolder folder;
  const auto table = torch::randn({5, 7});
  write_safetensors(folder / "a", {{"t", table}, {"u", torch::ones({2})}});
  write_safetensors(folder / "b",
                    {{"u", torch::ones({4}).slice(0, 0, 4, 2)}, {"t", table.t().clone().t()}});
  EXPECT_EQ(base::read_file(folder / "a"), base::read_file(folder / "b"));
}

TEST(SafetensorsTest, HasNoNameForAComplexTensor) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_safetensors(folder / "a", {{"c", torch::ones({2}, torch::kComplexFloat)}}),
               CheckpointError);
}

TEST(SafetensorsTest, RefusesBooleansThatAreNone) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"keep", torch::ones({3}, torch::kBool)}});
  auto bytes = base::read_file(folder / "a");
  bytes.back() = 2;
  base::write_durably(folder / "a", bytes);
  EXPECT_THROW(read_safetensors(folder / "a"), CheckpointError);
}

TEST(SafetensorsTest, AMissingFileAndAFolderAreErrors) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_safetensors(folder / "none"), base::FileError);
  EXPECT_THROW(read_safetensors(folder.path()), base::FileError);
}

TEST(AssignTest, TakesAllTensorsOrNone) {
  torch::nn::Linear linear(3, 2);
  NamedTensors good = {{"weight", torch::ones({2, 3})}, {"bias", torch::ones({2})}};
  const auto problem = [&](const NamedTensors& saved) -> std::string {
    torch::nn::init::zeros_(linear->weight);
    try {
      assign(*linear, saved);
    } catch (const CheckpointError& error) {
      EXPECT_EQ(linear->weight.abs().sum().item<float>(), 0) << "nothing was copied";
      return error.what();
    }
    return {};
  };
  const auto expect_problem = [&](const NamedTensors& saved, const char* says) {
    const auto said = problem(saved);
    EXPECT_NE(said.find(says), std::string::npos) << said;
  };
  expect_problem({{"weight", torch::ones({2, 3})}}, "missing bias");
  auto bad = good;
  bad["bias"] = torch::ones({3});
  expect_problem(bad, "bias: file has [3] Float, model has [2] Float");
  bad["bias"] = torch::ones({2}, torch::kDouble);
  expect_problem(bad, "file has [2] Double");
  bad["bias"] = torch::tensor({1.0F, NAN});
  expect_problem(bad, "bias: NaN or Inf");
  bad = good;
  bad["extra"] = torch::ones({1});
  expect_problem(bad, "unexpected extra");
  EXPECT_EQ(problem(good), "");
  EXPECT_TRUE(torch::equal(linear->bias, torch::ones({2})));
}

}  // namespace
}  // namespace banter::models
