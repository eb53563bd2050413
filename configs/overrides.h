#pragma once

#include <string>

#include "configs/node.h"

namespace banter::configs {

/// Lays one `a.b.0.c=value` over the tree: mappings on the way are made, places in lists must be
/// there. The value is YAML; messages about it begin with `--set a.b.0.c=value`.
/// Throws   ConfigError
void apply_override(const NodePtr& root, const std::string& text);

}  // namespace banter::configs
