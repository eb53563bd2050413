#include "data/preparation/source_readings.h"

#include <cmath>
#include <utility>

#include "base/errors.h"
#include "data/reading/corpus.h"
#include "data/reading_progress.h"
#include "data/store/store.h"

namespace banter::data {
namespace {

/// Transforms a dialogue. Returns   whether there is still something that the reply replies to
bool apply_transforms(const std::vector<TransformOptions>& transforms, Dialogue& dialogue,
                      const Place& place, Problems& problems) {
  for (const auto& options : transforms) {
    auto turns = dialogue.turns;
    dialogue = transform(std::move(dialogue), options);
    if (dialogue.turns != turns)
      problems.add({place, Severity::kCount, transform_named(options.name).rule, "", 0});
  }
  if (dialogue.turns.size() >= 2) return true;
  problems.add({place, Severity::kCount, "data.transforms leave nothing before a reply", "", 1});
  return false;
}

/// Chooses the split of each record: the source's; the one that it has in a store that is read
/// again; or it is drawn, `valid` below `valid_below`.
class SplitChooser {
 public:
  SplitChooser(const DataOptions& data, double valid_below, Problems& problems, Reading& reading)
      : data_(data), valid_below_(valid_below), problems_(problems), reading_(reading) {}

  std::string operator()(const SourceOptions& source, const std::string& had, const Record& record,
                         const Place& place) {
    if (source.split != "auto") return source.split;
    if (!had.empty()) return had;
    const auto key = split_key(record, data_.split_by);
    if (key.is_fallback)
      problems_.add({place, Severity::kNote,
                     "a record lacks what data.split_by names: its group or id is used", "", 0});
    const auto draw = split_draw(key.text, data_.seed);
    reading_.offer(draw);
    return draw < valid_below_ ? "valid" : "train";
  }

 private:
  const DataOptions& data_;
  double valid_below_;
  Problems& problems_;
  Reading& reading_;
};

/// Whether the shards of a source are made of whole files, so that each program opens its own only:
/// where there are enough, and no record must be compared with those of other files.
bool is_sharded_by_files(const Work& work, const Shard& shard, std::size_t source) {
  return !shard.is_whole() && work.inputs.sources[source].files >= shard.count &&
         work.request.data.cleaning.duplicates == "keep" &&
         !is_store(work.inputs.sources[source].file);
}

/// Neighbours mostly stay together, and every shard gets its part of a corpus.
constexpr std::uint64_t kShardBlock = 256;

}  // namespace

void Reading::offer(double draw) {
  if (draw > lowest_draw) return;
  lowest = draw < lowest_draw ? 1 : lowest + 1;
  lowest_draw = draw;
}

Reading read_sources(const Work& work, const std::string& label, double valid_below,
                     const Shard& shard, Problems& problems, const SplitSink& sink) {
  const auto& data = work.request.data;
  ReadingProgress progress(label, work.inputs.bytes, work.request.quiet);
  CorpusReader reader(data.cleaning, data.limits, work.scratch, problems);
  Reading reading;
  SplitChooser choose_split(data, valid_below, problems, reading);
  std::uint64_t number = 0;  // of records that are dealt out in blocks
  for (std::size_t i = 0; i < data.sources.size(); ++i) {
    const auto& source = data.sources[i];
    const bool by_files = is_sharded_by_files(work, shard, i);
    const auto take = [&](Record&& record, const Place& place) {
      auto* dialogue = std::get_if<Dialogue>(&record);
      if (dialogue != nullptr && !apply_transforms(data.transforms, *dialogue, place, problems))
        return;
      const auto split = choose_split(source, reader.summary().split, record, place);
      ++reading.counts[split];
      if (by_files || shard.has(number++ / kShardBlock)) sink(split, std::move(record));
    };
    reader.read(source, take, std::ref(progress), work.inputs.sources[i].file,
                by_files ? shard : Shard{});
    reading.formats.push_back(reader.summary().format);
  }
  return reading;
}

double valid_below(const DataOptions& data, const Reading& reading, double below) {
  const auto train = reading.counts.find("train");
  const bool is_wanted = data.valid_share > 0 && !reading.counts.contains("valid");
  const bool can_be = train != reading.counts.end() && train->second > reading.lowest;
  if (!is_wanted || !can_be || reading.lowest == 0) return below;
  return std::nextafter(reading.lowest_draw, 1.0);
}

void check_anything_is_left(const Reading& reading, const Problems& problems) {
  if (reading.counts.empty())
    throw base::DataError("no dialogue is left of data.sources: nothing to prepare; " +
                          (problems.first_loss().empty()
                               ? "see `banter inspect`"
                               : "the first that is left out: " + problems.first_loss()));
  if (!reading.counts.contains("train"))
    throw base::DataError(
        "no dialogue of data.sources falls in the split train: give a source with split: train, or "
        "lower data.valid_share");
}

}  // namespace banter::data
