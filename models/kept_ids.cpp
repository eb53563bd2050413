#include "models/kept_ids.h"

namespace banter::models {
namespace {

/// Parts of the Kept, one row a turn.
enum KeptPart : std::size_t {
  kIds,      ///< (M,T)
  kKeep,     ///< (M,T)
  kSpeaker,  ///< (M)
};

}  // namespace

Kept keep_ids(const data::Batch& batch) {
  return {{{batch.turn_ids, batch.turn_keep, batch.turn_speaker}}};
}

data::Batch contexts_of(const Kept& kept, const torch::Tensor& context,
                        const torch::Tensor& facts) {
  data::Batch batch;
  batch.turn_ids = kept.parts.at(kIds);
  batch.turn_keep = kept.parts.at(kKeep);
  batch.turn_speaker = kept.parts.at(kSpeaker);
  batch.context = context;
  batch.facts = facts;
  batch.decoder_input = torch::empty({context.size(0), 0}, context.options());
  batch.labels = batch.decoder_input;
  return batch;
}

}  // namespace banter::models
