#include "train/experiment/report_signatures.h"

#include <algorithm>

#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

/// How a value was made, without the checkpoint, which stands with its run.
std::string shared_signature(std::string signature) {
  const auto begin = signature.find("checkpoint:");
  if (begin != std::string::npos) signature.erase(begin, signature.find('|', begin) + 1 - begin);
  return signature;
}

/// The different signatures of all values, column by column.
std::vector<std::string> signatures_of(const Summary& summary) {
  std::vector<std::string> signatures;
  for (std::size_t c = 0; c < summary.columns.size(); ++c)
    for (const auto& row : summary.values)
      for (const auto& run : row[c].runs)
        if (auto one = shared_signature(run.signature);
            !one.empty() && std::ranges::find(signatures, one) == signatures.end())
          signatures.push_back(std::move(one));
  return signatures;
}

}  // namespace

void add_signatures(Document& document, const Summary& summary) {
  const auto signatures = signatures_of(summary);
  if (signatures.empty()) return;
  document.heading(2, "Signatures");
  std::string lines;
  for (const auto& one : signatures) lines += (lines.empty() ? "" : "\n") + one;
  document.blocks.emplace_back(Code{lines});
  document.paragraph(
      "How each metric was computed, of what and by which version; a metric that stands here twice "
      "was not computed alike in all runs.");
  if (!summary.vectors) return;
  const auto& vectors = *summary.vectors;
  const auto share = [&](const char* of) {
    return fixed(100 * vectors.at("coverage").at(of).to_number<double>(), 1) + " %";
  };
  document.paragraph("Word vectors: `" + std::string(vectors.at("file").as_string()) + "`, hash " +
                     std::string(vectors.at("hash").as_string()).substr(0, 12) + "; " +
                     share("replies") + " of the words of all replies and " + share("references") +
                     " of those of the references have one.");
}

}  // namespace banter::train
