#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "data/dialogue.h"
#include "data/transforms/turn_changes.h"

namespace banter::data {

/// One stage between cleaning and store. Read from an entry of `data.transforms`; a key that the
/// named transform does not use is unknown.
struct TransformOptions {
  std::string name;
  double share = 0.5;      ///< of the turns before the reply, in [0, 1]; of those with `has_share`
  std::uint64_t seed = 1;  ///< of those with `is_random`

  /// Throws   ConfigError, lists the known names
  static TransformOptions from(configs::Section& section);
};

/// A change of a dialogue: one row of a table.
struct Transform {
  std::string_view name;
  std::string_view rule;  ///< what is told of a dialogue that it changes
  /// Of what stands before the reply. A pure function; `key` is `transform_key` where `is_random`.
  Turns (*change)(Turns context, const TransformOptions& options, std::uint64_t key);
  bool is_random = false;
  bool has_share = false;
};

std::span<const Transform> transforms();

/// Throws   DataError, lists the known names
const Transform& transform_named(std::string_view name);

/// What the draws of a transform on the context with this id are functions of: equal wherever and
/// whenever it is done.
std::uint64_t transform_key(const TransformOptions& options, std::string_view id);

/// The context as the transform makes it. Throws   DataError when there is none of that name
Turns transform(Turns context, const TransformOptions& options, std::string_view id);

/// The dialogue with all turns but the last transformed: the last one is the reply and stays, and
/// so do id, group, meta and personas. May leave the reply alone.
Dialogue transform(Dialogue dialogue, const TransformOptions& options);

}  // namespace banter::data
