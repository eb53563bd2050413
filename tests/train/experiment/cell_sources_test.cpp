#include "train/experiment/cell_sources.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/files.h"
#include "models/checkpoint/checkpoint.h"
#include "tests/batch/made_store.h"
#include "tests/support/temporary_folder.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using tests::MadeStore;

class CellSourcesTest : public testing::Test {
 protected:
  CellSourcesTest() { cell_.store = store_.folder(); }

  static std::string hash_of(const Cell& cell) { return CellSources().hash_of(cell); }

  /// A checkpoint as far as files go.
  void write_checkpoint(std::int64_t step) const {
    models::CheckpointWriter writer(folder_ / "run", step);
    for (const auto* name : {"model.safetensors", "config.yaml", "tokenizer.model", "state.json"})
      base::write_durably(writer.folder() / name, std::to_string(step));
    writer.publish();
    models::point_to(folder_ / "run", "CURRENT", step);
  }

  MadeStore store_{{.dialogues = 4}};
  tests::TemporaryFolder folder_;
  Cell cell_{.row = "both", .name = "both/seed-1"};
};

TEST_F(CellSourcesTest, AStoreByItselfIsNamedByItsOwnHash) {
  EXPECT_EQ(hash_of(cell_), store_.store().hash());
  cell_.store = folder_ / "none";
  EXPECT_EQ(hash_of(cell_), "");
}

TEST_F(CellSourcesTest, AMixChangesWithEachOfItsStoresAndWeights) {
  const MadeStore other{{.seed = 2, .dialogues = 4}}, another{{.seed = 3, .dialogues = 4}};
  const auto mixed = folder_ / "mixed";
  fs::copy(other.folder(), mixed, fs::copy_options::recursive);
  cell_.mix = {{.store = mixed, .weight = 0.5}};
  const auto before = hash_of(cell_);
  EXPECT_NE(before, store_.store().hash());
  EXPECT_EQ(hash_of(cell_), before);

  fs::remove_all(mixed);
  EXPECT_EQ(hash_of(cell_), "") << "one that is not there";
  fs::copy(another.folder(), mixed, fs::copy_options::recursive);
  EXPECT_NE(hash_of(cell_), before) << "the same path, prepared anew";

  fs::remove_all(mixed);
  fs::copy(other.folder(), mixed, fs::copy_options::recursive);
  EXPECT_EQ(hash_of(cell_), before);
  cell_.mix[0].weight = 0.25;
  EXPECT_NE(hash_of(cell_), before);
}

TEST_F(CellSourcesTest, AStartFromAnotherRunChangesWithItsCheckpoint) {
  cell_.init_from = (folder_ / "run").string();
  EXPECT_EQ(hash_of(cell_), "") << "there is no such run yet";
  write_checkpoint(10);
  const auto before = hash_of(cell_);
  EXPECT_NE(before, store_.store().hash());
  write_checkpoint(20);
  EXPECT_NE(hash_of(cell_), before);
  cell_.init_from += "@step-10";
  EXPECT_EQ(hash_of(cell_), before);
}

TEST_F(CellSourcesTest, AStartFromAnEncoderChangesWithItsFiles) {
  const auto file = folder_ / "encoder.safetensors";
  cell_.init_encoder = file.string();
  EXPECT_EQ(hash_of(cell_), "") << "there is no such file yet";
  base::write_durably(file, "one");
  const auto before = hash_of(cell_);
  EXPECT_NE(before, store_.store().hash());
  base::write_durably(file, "other");
  EXPECT_NE(hash_of(cell_), before);
}

}  // namespace
}  // namespace banter::train
