#include "train/experiment/cell_sources.h"

#include "base/errors.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/store/store.h"
#include "models/checkpoint/checkpoint.h"
#include "models/hugging_face/encoder_files.h"
#include "train/mix_hash.h"

namespace banter::train {
namespace {

std::string read_hash(const Cell& cell) {
  std::vector<std::string> mixed;
  mixed.reserve(cell.mix.size());
  for (const auto& one : cell.mix) mixed.push_back(data::Store::open(one.store).hash());
  const auto pairs =
      cell.pair_store.empty() ? std::string() : data::Store::open(cell.pair_store).hash();
  auto learned = hash_of_mix(data::Store::open(cell.store).hash(), cell.mix, mixed, pairs);
  if (!cell.init_encoder.empty())
    learned = base::sha256_hex(learned + " " + models::hash_of_encoder(cell.init_encoder));
  if (cell.init_from.empty()) return learned;
  const auto start = models::find_checkpoint(models::RunName::parse(cell.init_from));
  return base::sha256_hex(learned + " " + start.hash);
}

std::vector<std::string> names_of(const Cell& cell) {
  std::vector<std::string> names = {cell.store.string(), cell.pair_store.string(), cell.init_from,
                                    cell.init_encoder};
  for (const auto& one : cell.mix) {
    names.push_back(one.store.string());
    names.push_back(base::json::serialize(base::json::value(one.weight)));
  }
  return names;
}

}  // namespace

const std::string& CellSources::hash_of(const Cell& cell) {
  const auto [known, is_new] = known_.try_emplace(names_of(cell));
  if (is_new) {
    try {
      known->second = read_hash(cell);
    } catch (const base::Error&) {  // its training says what is wrong
      known->second = "";
    }
  }
  return known->second;
}

}  // namespace banter::train
