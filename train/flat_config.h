#pragma once

#include <map>
#include <string>
#include <string_view>

namespace banter::train {

/// The values of a YAML mapping by full key, "train.lr"; a list is one value.
/// Throws   YAML::Exception
std::map<std::string, std::string> flat_config(std::string_view yaml);

/// A run's config with the keys that its writer did not know yet, at their defaults; as it is where
/// a key of it is not known any more. `name` stands for the file.
std::string completed_config(const std::string& config, const std::string& name);

}  // namespace banter::train
