#include "train/metrics/pairs/bag_of_words.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <linear.h>

#include "train/metrics/texts/sample.h"

namespace banter::train {
namespace {

using Nodes = std::vector<feature_node>;

constexpr int kBias = 1;  // LIBLINEAR counts features from 1

/// Words by number; those of the two sentences are different features.
class Features {
 public:
  explicit Features(BagOfWords::Reads reads) : reads_(reads) {}

  /// The features of a pair; `learns`: new words get a number, else they are passed over.
  Nodes of(const data::Pair& pair, bool learns) {
    Nodes nodes = {{.index = kBias, .value = 1}};
    if (reads_ == BagOfWords::Reads::kBoth) add('p', pair.premise, learns, nodes);
    add('h', pair.hypothesis, learns, nodes);
    std::ranges::sort(nodes, {}, &feature_node::index);
    const auto twice = std::unique(
        nodes.begin(), nodes.end(),
        [](const feature_node& a, const feature_node& b) { return a.index == b.index; });
    nodes.erase(twice, nodes.end());
    nodes.push_back({.index = -1, .value = 0});  // the end, for LIBLINEAR
    return nodes;
  }
  [[nodiscard]] int size() const { return kBias + static_cast<int>(numbers_.size()); }

 private:
  void add(char sentence, const std::string& text, bool learns, Nodes& nodes) {
    for (const auto& word : small_words(text)) {
      auto key = sentence + word;
      auto known = numbers_.find(key);
      if (known == numbers_.end() && learns)
        known = numbers_.emplace(std::move(key), size() + 1).first;
      if (known != numbers_.end()) nodes.push_back({.index = known->second, .value = 1});
    }
  }

  BagOfWords::Reads reads_;
  std::unordered_map<std::string, int> numbers_;
};

struct Free {
  void operator()(model* trained) const { free_and_destroy_model(&trained); }
};

}  // namespace

struct BagOfWords::Impl {
  explicit Impl(Reads reads) : features(reads) {}
  Features features;
  std::unique_ptr<model, Free> trained;
};

BagOfWords::BagOfWords(const data::Split& split, Reads reads)
    : impl_(std::make_unique<Impl>(reads)) {
  std::vector<Nodes> rows;
  std::vector<double> labels;
  for (std::uint64_t pair = 0; pair < split.pairs(); ++pair) {
    rows.push_back(impl_->features.of(split.pair_record(pair), /*learns=*/true));
    labels.push_back(static_cast<double>(split.pair_label(pair)));
  }
  std::vector<feature_node*> begins;
  begins.reserve(rows.size());
  for (auto& row : rows) begins.push_back(row.data());
  problem data{};
  data.l = static_cast<int>(rows.size());
  data.n = impl_->features.size();
  data.y = labels.data();
  data.x = begins.data();
  data.bias = -1;  // it is one of the features
  parameter how{};
  how.solver_type = L2R_LR;
  how.C = 1;
  how.eps = 0.01;
  set_print_string_function([](const char*) {});
  impl_->trained.reset(::train(&data, &how));
}

BagOfWords::~BagOfWords() = default;

data::Label BagOfWords::most_probable(const data::Pair& pair) const {
  const auto nodes = impl_->features.of(pair, /*learns=*/false);
  return static_cast<data::Label>(static_cast<int>(predict(impl_->trained.get(), nodes.data())));
}

}  // namespace banter::train
