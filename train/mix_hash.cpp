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

}  // namespace banter::train
