#include "data/inspection/inspect.h"

#include <filesystem>
#include <utility>

#include "base/progress.h"
#include "data/preparation/inputs.h"

namespace banter::data {

CorpusInspection inspect_corpus(const SourceOptions& source, const ReadLimits& limits,
                                const std::shared_ptr<KeyFile>& keys, std::size_t examples,
                                bool quiet) {
  std::filesystem::path file = source.path;
  if (source.path == "-") {
    file = keys->folder() / "standard-input";
    copy_standard_input(file);
  }
  CorpusInspection found{
      {}, Problems(), CorpusStatistics(keys, examples), PairStatistics(keys), ""};
  CorpusReader reader(CleaningOptions{}, limits, keys->folder(), found.problems);
  base::Progress progress({.label = "reading", .unit = "dialogues", .quiet = quiet});
  try {
    reader.read(
        source,
        [&](Record&& record, const Place&) {
          if (const auto* dialogue = std::get_if<Dialogue>(&record))
            found.statistics.add(*dialogue);
          else
            found.pairs.add(std::get<Pair>(record));
          progress.advance();
        },
        [](std::uint64_t) {}, file);
  } catch (const DamagedInput& damage) {
    found.damage = damage.what();
  }
  found.summary = reader.summary();
  progress.finish();
  return found;
}

std::uint64_t CorpusInspection::records_with_a_blank_turn() const {
  const auto found = problems.by_rule().find(text_fault(" "));
  return found == problems.by_rule().end() ? 0 : found->second.count;
}

}  // namespace banter::data
