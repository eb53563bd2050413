#include "train/evaluation/reply_rule.h"

#include <string>

#include "configs/section.h"
#include "data/batches/examples.h"
#include "data/store/source_formats.h"

namespace banter::train {

void check_reply_by(std::string_view reply_by, const data::Store& store) {
  if (reply_by != "auto") return;
  const auto first = store.format();
  const std::string taken(data::usual_replies(first));
  for (const auto& format : data::dialogue_formats_of(store))
    if (const std::string wanted(data::usual_replies(format)); wanted != taken)
      throw configs::ConfigError("batch.reply_by: auto takes " + taken +
                                 " by the first source of " + store.folder().string() + ", " +
                                 first + ", but " + format + " in it asks for " + wanted +
                                 "; set batch.reply_by");
}

}  // namespace banter::train
