#include "models/commands/attention_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace banter::models {
namespace {

constexpr int kBarWidth = 12;
constexpr std::size_t kColumnWidth = kBarWidth + 6;  // bar, space, 0.00, space

/// The mean weight of each source.
std::vector<double> mean_over_tokens(const ReplyAttention& attention) {
  std::vector<double> means;
  for (const auto& token : attention.weights) {
    means.resize(token.size());
    for (std::size_t i = 0; i < token.size(); ++i)
      means[i] += static_cast<double>(token[i]) / static_cast<double>(attention.weights.size());
  }
  return means;
}

}  // namespace

std::string share_bar(double share, int width) {
  constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 8 * width));
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[static_cast<std::size_t>(eighths % 8)];
  bar.append(static_cast<std::size_t>(width - (eighths + 7) / 8), ' ');
  return bar;
}

std::string attention_view(const Reply& reply, const std::vector<std::string>& sources) {
  if (reply.attention.empty()) return "this model has no attention over turns\n";
  std::string view;
  std::vector<std::vector<double>> means;
  for (const auto& kind : reply.attention) {
    auto name = kind.name;
    name.resize(kColumnWidth, ' ');
    view += name;
    means.push_back(mean_over_tokens(kind));
  }
  view.erase(view.find_last_not_of(' ') + 1);
  view += '\n';
  for (std::size_t source = 0; source < sources.size(); ++source) {
    for (const auto& shares : means) {
      const double share = source < shares.size() ? shares[source] : 0;
      std::array<char, 16> number;
      std::snprintf(number.data(), number.size(), " %.2f ", share);
      view += share_bar(share, kBarWidth) + number.data();
    }
    view += " " + sources[source] + "\n";
  }
  return view;
}

}  // namespace banter::models
