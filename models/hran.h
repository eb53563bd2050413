#pragma once

#include "models/hred.h"

namespace banter::models {

/// The options of HRAN: an Hred whose dynamic attention looks at words, with a context RNN over
/// what it saw.
///
/// Source   Xing et al. 2018, arXiv:1701.07149; differs: see Hred
struct HranOptions {
  static HredOptions from(configs::Section& section);
};

}  // namespace banter::models
