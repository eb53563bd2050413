#include "train/mix_hash.h"

#include "base/hash.h"
#include "base/json.h"

namespace banter::train {

std::string hash_of_mix(const std::string& store, const std::vector<MixedStore>& mix,
                        std::span<const std::string> mixed, const std::string& pairs) {
  if (mix.empty() && pairs.empty()) return store;
  std::string all = store;
  for (std::size_t i = 0; i < mix.size(); ++i)
    all += " " + mixed[i] + " " + base::json::serialize(base::json::value(mix[i].weight));
  if (!pairs.empty()) all += " pairs " + pairs;
  return base::sha256_hex(all);
}

std::string hash_of_part(const std::string& data, const Recipe& recipe) {
  const auto& [fraction, seed] = recipe.part();
  const bool has_pairs = recipe.train.pairs_per_dialogue_batch > 0;
  const auto of_pairs = has_pairs ? recipe.pairs.fraction : 1;
  const bool drops_pairs = has_pairs && recipe.pairs.exclude != "none";
  if (fraction >= 1 && of_pairs >= 1 && !drops_pairs) return data;
  base::json::object part{{"data", data}, {"fraction", fraction}, {"seed", seed}};
  if (has_pairs) {
    part["pairs"] = of_pairs;
    part["exclude"] = recipe.pairs.exclude;
  }
  return base::sha256_hex(base::json::serialize(part));
}

}  // namespace banter::train
