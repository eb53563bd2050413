#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/json.h"

namespace banter::train {

/// Whatever JSON value names an object's dialogue, as text; "" where there is none.
inline std::string name_of_group(const base::json::object& object) {
  const auto* value = object.if_contains("dialogue");
  return value == nullptr ? "" : base::json::serialize(*value);
}

/// Numbers groups by name; a reply without a name is a group of its own.
class Groups {
 public:
  std::uint64_t number(const std::string& name) {
    if (name.empty()) return next_++;
    const auto [known, is_new] = known_.try_emplace(name, next_);
    if (is_new) ++next_;
    return known->second;
  }

 private:
  std::unordered_map<std::string, std::uint64_t> known_;
  std::uint64_t next_ = 0;
};

}  // namespace banter::train
