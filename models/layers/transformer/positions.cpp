#include "models/layers/transformer/positions.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "models/layers/transformer/learned_positions.h"
#include "models/layers/transformer/rotary_positions.h"
#include "models/layers/transformer/sinusoidal_positions.h"

namespace banter::models {
namespace {

struct Entry {
  std::string_view kind;
  std::shared_ptr<Positions> (*make)(const PositionsOptions& options);
};

template <typename Kind>
std::shared_ptr<Positions> make(const PositionsOptions& options) {
  return std::make_shared<Kind>(options);
}

constexpr std::array kPositions = {
    Entry{"learned", &make<LearnedPositions>},
    Entry{"rope", &make<RotaryPositions>},
    Entry{"sinusoidal", &make<SinusoidalPositions>},
};

}  // namespace

std::shared_ptr<Positions> make_positions(std::string_view kind, const PositionsOptions& options) {
  const auto* found = std::ranges::find(kPositions, kind, &Entry::kind);
  if (found == kPositions.end())
    throw base::ConfigError("positions: \"" + std::string(kind) + "\" is unknown");
  return found->make(options);
}

std::vector<std::string> positions_kinds() {
  std::vector<std::string> kinds;
  for (const auto& entry : kPositions) kinds.emplace_back(entry.kind);
  return kinds;
}

}  // namespace banter::models
