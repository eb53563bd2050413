#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/protocol/decode_settings.h"
#include "serve/sessions/served_model.h"

namespace banter::serve {

/// What is served: names of runs, and what bounds them.
struct ServedRun {
  std::string run;                         ///< RUN, RUN@last, ...
  std::string device = "auto";             ///< cpu, cuda, cuda:N or auto
  int threads = 0;                         ///< of computing, 0 = all cores or OMP_NUM_THREADS
  std::vector<std::string> ensemble = {};  ///< runs that answer together with it
  std::string ensemble_mean = "log_probs";
  std::string nli = {};      ///< a classifier that judges replies by personas, "" = none
  std::string reverse = {};  ///< a run of turned dialogues, for rerank mmi, "" = none
  std::vector<std::string> overrides = {};  ///< each "decoding.KEY=VALUE"
  std::int64_t max_rows = 32;
  std::int64_t cache_bytes = std::int64_t{256} << 20;
  double mmi_weight = 0.5;
};

/// Makes a model of a run. Whoever serves need not know how, so that a program without LibTorch can
/// serve one that has no tensors.
/// Throws   base::Error when it cannot
using LoadModel =
    std::function<std::shared_ptr<const ServedModel>(const ServedRun&, const DecodeLimits&)>;

}  // namespace banter::serve
