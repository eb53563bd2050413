#pragma once

#include <string_view>

#include "data/store/store.h"

namespace banter::train {

/// Looks whether `batch.reply_by: auto`, which goes by a store's first source, is what its other
/// sources ask for, too. Any other value says itself which turns are replies.
/// Throws   ConfigError naming both formats
void check_reply_by(std::string_view reply_by, const data::Store& store);

}  // namespace banter::train
