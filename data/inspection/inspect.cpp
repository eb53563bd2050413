#include "data/inspection/inspect.h"

#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "data/input/sources.h"
#include "data/input/standard_input.h"
#include "data/inspection/counting_queue.h"
#include "data/reading_progress.h"

namespace banter::data {
namespace {

/// Of all files of a source. Throws   FileError
std::uint64_t bytes_of(const std::filesystem::path& source) {
  std::uint64_t bytes = 0;
  for_each_file(
      source, [](const Problem&) {},  // reading tells them
      [&](const std::filesystem::path& file, const std::string&) {
        std::error_code unreadable;  // reading tells why
        const auto size = std::filesystem::file_size(file, unreadable);
        if (!unreadable) bytes += size;
      });
  return bytes;
}

}  // namespace

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
  ReadingProgress progress("reading", bytes_of(file), quiet);
  CountingQueue counting(found.statistics, found.pairs);
  try {
    reader.read(
        source, [&](Record&& record, const Place&) { counting.add(std::move(record)); },
        std::ref(progress), file);
  } catch (const DamagedInput& damage) {
    found.damage = damage.what();
  }
  counting.finish();
  found.summary = reader.summary();
  return found;
}

std::uint64_t CorpusInspection::records_with_a_blank_turn() const {
  const auto found = problems.by_rule().find(kBlankTurn);
  return found == problems.by_rule().end() ? 0 : found->second.count;
}

}  // namespace banter::data
