#include "train/flat_config.h"

#include <yaml-cpp/yaml.h>

#include "base/errors.h"
#include "train/recipe.h"

namespace banter::train {
namespace {

void flatten(const YAML::Node& node, const std::string& path,
             std::map<std::string, std::string>& values) {
  if (!node.IsMap()) {
    values[path] = node.IsScalar() ? node.Scalar() : YAML::Dump(node);
    return;
  }
  for (const auto& item : node)
    flatten(item.second, (path.empty() ? "" : path + ".") + item.first.Scalar(), values);
}

}  // namespace

std::map<std::string, std::string> flat_config(std::string_view yaml) {
  std::map<std::string, std::string> values;
  flatten(YAML::Load(std::string(yaml)), "", values);
  return values;
}

std::string completed_config(const std::string& config, const std::string& name) {
  try {
    return Recipe::parse(config, name).text;
  } catch (const base::ConfigError&) {
    return config;
  }
}

}  // namespace banter::train
