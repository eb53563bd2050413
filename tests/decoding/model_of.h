#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/ensemble.h"
#include "tests/models/model_test.h"

namespace banter::models {

/// A model, or the ensemble of several that stand between " + ".
inline ModelPtr model_of(const std::string& yaml, std::string_view mean = "log_probs") {
  std::vector<ModelPtr> members;
  for (std::size_t begin = 0, end = 0; end != yaml.npos; begin = end + 3) {
    end = yaml.find(" + ", begin);
    members.push_back(tiny_model(yaml.substr(begin, end - begin), /*seed=*/5 + members.size()));
  }
  return members.size() == 1 ? members[0] : std::make_shared<Ensemble>(std::move(members), mean);
}

}  // namespace banter::models
