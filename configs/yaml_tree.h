#pragma once

#include <cstddef>
#include <string_view>

#include "configs/node.h"

namespace banter::configs {

constexpr std::size_t kMaxBytes = 1 << 20;  ///< of one YAML text
constexpr std::size_t kMaxDepth = 20;       ///< mappings and lists inside each other

/// The tree of one YAML text, or null when it holds nothing. Built from the parser's events, so
/// that limits act and aliases are refused before anything is expanded.
///
/// `name` stands for the text in messages, with line numbers behind it when `has_lines`.
/// Throws   ConfigError (see `Config::load`)
/// Cost     quadratic in the keys of one mapping, which is why values are limited
NodePtr parse_tree(std::string_view yaml, std::string_view name, bool has_lines);

}  // namespace banter::configs
