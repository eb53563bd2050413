#include "models/layers/transformer/projection.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "models/layers/transformer/dense.h"

namespace banter::models {
namespace {

using Make = std::shared_ptr<Projection> (*)(ProjectionRole role, std::int64_t input_dim,
                                             std::int64_t output_dim);

struct Entry {
  std::string_view kind;
  Make make;
};

std::shared_ptr<Projection> make_dense(ProjectionRole /*role*/, std::int64_t input_dim,
                                       std::int64_t output_dim) {
  return std::make_shared<DenseImpl>(input_dim, output_dim);
}

constexpr std::array kProjections = {
    Entry{"dense", &make_dense},
};

}  // namespace

std::shared_ptr<Projection> make_projection(std::string_view kind, ProjectionRole role,
                                            std::int64_t input_dim, std::int64_t output_dim) {
  const auto* found = std::ranges::find(kProjections, kind, &Entry::kind);
  if (found == kProjections.end())
    throw base::ConfigError("projections: \"" + std::string(kind) + "\" is unknown");
  return found->make(role, input_dim, output_dim);
}

std::vector<std::string> projection_kinds() {
  std::vector<std::string> kinds;
  for (const auto& entry : kProjections) kinds.emplace_back(entry.kind);
  return kinds;
}

}  // namespace banter::models
