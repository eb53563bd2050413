#include "train/metrics/pairs/bag_of_words.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/store/store.h"
#include "data/store/store_writer.h"
#include "tests/batch/made_store.h"

namespace banter::train {
namespace {

using data::Label;
using data::Pair;

const std::vector<std::string> kSubjects = {"kernel", "update", "sudo", "boot"};

/// A store of pairs about each subject, labelled by what is said of it.
class PairStore {
 public:
  explicit PairStore(const std::vector<Pair>& pairs) {
    const tests::MadeStore tokens;
    data::StoreWriter writer(folder_.path(), tokens.store().tokenizer());
    data::WordEncoder encoder(tokens.store().tokenizer());
    for (const auto& pair : pairs) writer.add("train", data::encode(pair, encoder));
    writer.finish({});
    store_ = data::Store::open(folder_.path());
  }
  [[nodiscard]] const data::Split& split() const { return store_->split("train"); }

 private:
  tests::TemporaryFolder folder_;
  std::optional<data::Store> store_;
};

Pair pair(const std::string& premise, const std::string& hypothesis, Label label) {
  static int number = 0;
  return {.id = std::to_string(++number),
          .premise = premise,
          .hypothesis = hypothesis,
          .label = label,
          .source = "",
          .group = ""};
}

/// "yes" in the premise entails, "not" in the hypothesis contradicts, neither is neutral.
std::vector<Pair> told_by_words() {
  std::vector<Pair> pairs;
  for (const auto& subject : kSubjects)
    for (const auto& other : kSubjects) {
      pairs.push_back(pair("yes the " + subject, "the " + other, Label::kEntailment));
      pairs.push_back(pair("the " + subject, "not the " + other, Label::kContradiction));
      pairs.push_back(pair("the " + subject, "the " + other, Label::kNeutral));
    }
  return pairs;
}

TEST(BagOfWordsTest, LearnsWhatWordsTellWhateverTheirOrderAndCase) {
  const PairStore store(told_by_words());
  const BagOfWords words(store.split(), BagOfWords::Reads::kBoth);
  const auto said = [&](const std::string& premise, const std::string& hypothesis) {
    return words.most_probable(pair(premise, hypothesis, Label::kNeutral));
  };
  EXPECT_EQ(said("the thanks Yes", "the kernel"), Label::kEntailment);
  EXPECT_EQ(said("the kernel", "the kernel NOT"), Label::kContradiction);
  EXPECT_EQ(said("the kernel", "the boot"), Label::kNeutral);
  EXPECT_EQ(said("never seen", "words"), said("", "other ones")) << "unknown words say nothing";
}

TEST(BagOfWordsTest, TheSameWordIsAnotherInTheOtherSentence) {
  const PairStore store(told_by_words());
  const BagOfWords words(store.split(), BagOfWords::Reads::kBoth);
  EXPECT_NE(words.most_probable(pair("the kernel not", "the boot", Label::kNeutral)),
            Label::kContradiction);
}

TEST(BagOfWordsTest, OfTheHypothesisAloneThePremiseIsNotRead) {
  const PairStore store(told_by_words());
  const BagOfWords half(store.split(), BagOfWords::Reads::kHypothesis);
  for (const auto& hypothesis : {"the boot", "not the boot"})
    EXPECT_EQ(half.most_probable(pair("yes the kernel", hypothesis, Label::kNeutral)),
              half.most_probable(pair("the update", hypothesis, Label::kNeutral)));
  EXPECT_EQ(half.most_probable(pair("", "not the boot", Label::kNeutral)), Label::kContradiction);
}

TEST(BagOfWordsTest, OneLabelAloneIsWhatItAlwaysSays) {
  const PairStore store({pair("the boot", "the kernel", Label::kContradiction)});
  const BagOfWords words(store.split(), BagOfWords::Reads::kBoth);
  EXPECT_EQ(words.most_probable(pair("yes", "no", Label::kNeutral)), Label::kContradiction);
}

}  // namespace
}  // namespace banter::train
