#include "models/hran.h"

namespace banter::models {

HredOptions HranOptions::from(configs::Section& section) {
  HredOptions o;
  o.read(section);
  o.attention = "dynamic";
  o.context_rnn = true;
  o.word_attention = true;
  return o;
}

}  // namespace banter::models
