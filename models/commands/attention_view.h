#pragma once

#include <string>
#include <vector>

#include "models/decoding/reply.h"

namespace banter::models {

/// What a reply looked at, for the terminal: a line a source with, for each kind of attention, its
/// weight as a bar and a number, averaged over the tokens of the reply; then the source's text.
///
///     static            dynamic
///     ██████▌      0.81 ███▏         0.39  you: where is it ?
///
/// `sources`: the texts of [facts; turns] in the order of the weights. Says so when the model has
/// no attention.
std::string attention_view(const Reply& reply, const std::vector<std::string>& sources);

/// A bar of at most `width` characters for a share in [0, 1], in eighths, filled up with spaces.
std::string share_bar(double share, int width);

}  // namespace banter::models
