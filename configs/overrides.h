#pragma once

#include <string>
#include <string_view>

#include "configs/node.h"

namespace banter::configs {

/// Lays a copy of `value` over the tree at `a.b.0.c`: mappings on the way are made, places in lists
/// must be there. Messages about the way begin with `where`.
/// Throws   ConfigError
void lay_over(const NodePtr& root, std::string_view key, const Node& value,
              const std::string& where);
/// The same with a value as YAML text, whose place is `where`.
void lay_over(const NodePtr& root, std::string_view key, std::string_view yaml,
              const std::string& where);

/// Lays one `a.b.0.c=value` over the tree. The value is YAML; messages about it begin with
/// `--set a.b.0.c=value`. Throws   ConfigError
void apply_override(const NodePtr& root, const std::string& text);

}  // namespace banter::configs
