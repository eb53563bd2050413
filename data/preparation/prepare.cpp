#include "data/preparation/prepare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "data/input/sources.h"
#include "data/preparation/corpus.h"
#include "data/preparation/encoding_queue.h"
#include "data/preparation/inputs.h"
#include "data/preparation/partial_store.h"
#include "data/preparation/temporary_folder.h"
#include "data/reading_progress.h"
#include "data/store/rows.h"
#include "data/store/store_writer.h"
#include "data/text_sample.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string shown(const fs::path& path) { return base::printable(path.string(), 1000); }

/// What killed runs left beside a store. The lock must be held.
void remove_leftovers(const fs::path& store) {
  const std::string prefix = store.filename().string() + ".tmp-";
  std::error_code error;
  for (fs::directory_iterator entry(store.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    const bool ours = name.starts_with(prefix) &&
                      std::ranges::all_of(name.substr(prefix.size()),
                                          [](char c) { return c >= '0' && c <= '9'; });
    std::error_code ignored;
    if (ours) fs::remove_all(entry->path(), ignored);
  }
}

/// A store among the files of a source would be read as one of them.
void refuse_inside(const fs::path& store, const std::vector<SourceOptions>& sources) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (lies_in_source(store, sources[i].path))
      throw base::ConfigError("store: " + shown(store) + " lies inside data.sources[" +
                              std::to_string(i) + "], " + shown(sources[i].path) +
                              ", whose files are read: give another `store`");
  }
}

enum class Existing : std::uint8_t { kNone, kSame, kOther };

/// What tells the store that stands there from the one that is wanted; nothing when they are equal.
std::optional<std::string> difference(const fs::path& store, const json::object& wanted,
                                      bool quiet) {
  const auto damaged = [](const base::Error& error) {
    return std::string("is damaged or of another version (") + error.what() + ")";
  };
  try {
    ReadingProgress progress("verifying", 0, quiet);
    Store::open(store).verify(std::ref(progress));
    const auto path = store / kManifestFile;
    const auto manifest = base::parse_json(base::read_file(path), path.string());
    const auto found = first_difference(manifest.as_object(), wanted);
    if (!found) return std::nullopt;
    return "was made from other inputs: " + *found;
  } catch (const base::DataError& error) {
    return damaged(error);
  } catch (const base::FileError& error) {
    return damaged(error);  // a file of it is missing or cannot be read
  }
}

/// What stands where the store is to be. Throws   when it is not ours to replace
Existing look_at(const PrepareRequest& request, const json::object& wanted) {
  const auto& store = request.store;
  std::error_code error;
  const auto status = fs::symlink_status(store, error);
  if (status.type() == fs::file_type::not_found) return Existing::kNone;
  if (!error && status.type() != fs::file_type::directory)
    throw base::FileError(shown(store) + ": is not a folder: give another `store`");
  if (!error && fs::is_empty(store, error)) return Existing::kNone;
  if (!error && !fs::exists(store / kManifestFile, error))
    throw base::FileError(shown(store) +
                          ": holds other files and is no store; nothing was changed: give "
                          "another `store`");
  if (error) throw base::FileError(shown(store) + ": cannot be read: " + error.message());
  const auto found = difference(store, wanted, request.quiet);
  if (!found) return Existing::kSame;
  if (!request.force)
    throw base::DataError(shown(store) + ": there is a store that " + *found +
                          "; nothing was changed: give another `store`, or --force to replace it");
  return Existing::kOther;
}

/// Puts the finished folder where the store is to be; an old one is swapped out in the same step.
void put_in_place(const fs::path& made, const fs::path& store, Existing existing) {
  if (existing == Existing::kNone) return base::rename_durably(made, store);
  base::exchange_durably(made, store);
}

/// What all readings of the sources need.
struct Work {
  const PrepareRequest& request;
  const Inputs& inputs;
  fs::path scratch;
};

/// What one reading of all sources came to.
struct Reading {
  std::map<std::string, std::uint64_t> counts;  ///< split -> records; sorted: train first
  std::vector<std::string> formats;             ///< of each source
  double lowest_draw = 1;                       ///< of records whose split is drawn
  std::uint64_t lowest = 0;                     ///< how many have it: ids repeat between files

  void offer(double draw) {
    if (draw > lowest_draw) return;
    lowest = draw < lowest_draw ? 1 : lowest + 1;
    lowest_draw = draw;
  }
};

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
bool is_sharded_by_files(const Work& work, std::size_t source) {
  return !work.request.shard.is_whole() &&
         work.inputs.sources[source].files >= work.request.shard.count &&
         work.request.data.cleaning.duplicates == "keep" &&
         !is_store(work.inputs.sources[source].file);
}

/// Neighbours mostly stay together, and every shard gets its part of a corpus.
constexpr std::uint64_t kShardBlock = 256;

/// Reads all sources, with a bar, and gives every record of `shard` with its split.
template <typename Sink>
Reading read_sources(const Work& work, const std::string& label, double valid_below,
                     const Shard& shard, Problems& problems, const Sink& sink) {
  const auto& data = work.request.data;
  ReadingProgress progress(label, work.inputs.bytes, work.request.quiet);
  CorpusReader reader(data.cleaning, data.limits, work.scratch, problems);
  Reading reading;
  SplitChooser choose_split(data, valid_below, problems, reading);
  std::uint64_t number = 0;  // of records that are dealt out in blocks
  for (std::size_t i = 0; i < data.sources.size(); ++i) {
    const auto& source = data.sources[i];
    const bool by_files = !shard.is_whole() && is_sharded_by_files(work, i);
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

/// Throws   DataError when there is nothing to train on
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

void sample_texts(const Record& record, TextSample& sample) {
  if (const auto* pair = std::get_if<Pair>(&record)) {
    sample.add(pair->premise);
    sample.add(pair->hypothesis);
    return;
  }
  const auto& dialogue = std::get<Dialogue>(record);
  for (const auto& turn : dialogue.turns) sample.add(turn.text);
  for (const auto& [speaker, facts] : dialogue.personas)
    for (const auto& fact : facts) sample.add(fact);
}

/// Below which draw a record is `valid`, after a reading with `below`. Where a share is wanted and
/// so few records are there that none was drawn, the one with the lowest draw is, unless it is all
/// that there is.
double valid_below(const DataOptions& data, const Reading& reading, double below) {
  const auto train = reading.counts.find("train");
  const bool is_wanted = data.valid_share > 0 && !reading.counts.contains("valid");
  const bool can_be = train != reading.counts.end() && train->second > reading.lowest;
  if (!is_wanted || !can_be || reading.lowest == 0) return below;
  return std::nextafter(reading.lowest_draw, 1.0);
}

/// A first reading, for the tokenizer.
Tokenizer train_tokenizer(const Work& work) {
  const auto& data = work.request.data;
  for (auto below = data.valid_share;;) {
    Problems problems(static_cast<std::uint64_t>(data.max_skipped));
    TextSample sample(static_cast<std::uint64_t>(data.tokenizer.sample_bytes), data.tokenizer.seed);
    const auto reading = read_sources(work, "reading", below, Shard{}, problems,
                                      [&](const auto& split, Record&& record) {
                                        if (split == "train") sample_texts(record, sample);
                                      });
    const auto wanted = valid_below(data, reading, below);
    if (wanted != below) {
      below = wanted;  // the corpus is small: it is soon read again
      continue;
    }
    check_anything_is_left(reading, problems);
    if (!work.request.quiet)
      base::Progress({}).say("training the tokenizer on " + std::to_string(sample.bytes()) +
                             " bytes of text");
    return Tokenizer(Tokenizer::train(data.tokenizer, sample));
  }
}

Tokenizer tokenizer_for(const Work& work, PartialStore& partial) {
  const auto& path = work.request.data.tokenizer.path;
  if (!path.empty()) {
    auto given = Tokenizer::open(path);
    if (given.hash() != work.inputs.tokenizer)
      throw base::DataError(path + ": changed while it was used: prepare again");
    return given;
  }
  if (auto trained = partial.tokenizer()) return *trained;
  auto trained = train_tokenizer(work);
  partial.keep_tokenizer(trained);
  return trained;
}

/// Takes the records of the last reading: those of this shard, behind those that were written
/// before the program was stopped.
class RecordTaker {
 public:
  RecordTaker(const Work& work, const Tokenizer& tokenizer, PartialStore& partial)
      : checkpoint_records_(static_cast<std::uint64_t>(work.request.data.checkpoint_records)),
        partial_(partial),
        writer_(writer_for(tokenizer, partial)),
        queue_(tokenizer, *writer_),
        there_(writer_->records()) {}

  void take(const std::string& split, Record&& record) {
    if (taken_++ < there_) return writer_->skip(split, record);
    queue_.add(split, std::move(record));
    if (taken_ % checkpoint_records_ == 0) save();
  }
  /// Makes all that was taken durable. Throws   FileError
  void save() {
    queue_.finish();
    partial_.keep("checkpoint", writer_->checkpoint());
  }
  void finish(const json::object& about) {
    if (taken_ < there_)
      throw base::DataError("data.sources changed while they were read: prepare again");
    queue_.finish();
    writer_->finish(about);
  }

 private:
  static std::unique_ptr<StoreWriter> writer_for(const Tokenizer& tokenizer,
                                                 PartialStore& partial) {
    if (const auto* checkpoint = partial.find("checkpoint")) try {
        return std::make_unique<StoreWriter>(partial.store(), tokenizer, *checkpoint);
      } catch (const base::FileError&) {
        partial.forget("checkpoint");  // its files are not there: begin anew
      }
    partial.clear_store();
    return std::make_unique<StoreWriter>(partial.store(), tokenizer);
  }

  std::uint64_t checkpoint_records_;
  PartialStore& partial_;
  std::unique_ptr<StoreWriter> writer_;
  EncodingQueue queue_;
  std::uint64_t there_;  ///< records that the store holds from before
  std::uint64_t taken_ = 0;
};

/// The last reading. Throws   Stopped, with all that was read so far kept
Reading encode_sources(const Work& work, double below, Problems& problems, RecordTaker& taker) {
  try {
    return read_sources(
        work, "encoding", below, work.request.shard, problems,
        [&](const auto& split, Record&& record) { taker.take(split, std::move(record)); });
  } catch (const base::Stopped&) {
    taker.save();
    throw;
  }
}

/// Makes the store in the partial's folder. Returns  what was wrong in the corpora
Problems make(const Work& work, PartialStore& partial) {
  const auto& data = work.request.data;
  const auto tokenizer = tokenizer_for(work, partial);
  for (auto below = data.valid_share;;) {
    Problems problems(static_cast<std::uint64_t>(data.max_skipped));
    RecordTaker taker(work, tokenizer, partial);
    const auto reading = encode_sources(work, below, problems, taker);
    const auto wanted = valid_below(data, reading, below);
    if (wanted != below && work.request.shard.is_whole()) {
      below = wanted;  // the corpus is small: it is soon read again
      partial.forget("checkpoint");
      continue;
    }
    if (work.request.shard.is_whole()) check_anything_is_left(reading, problems);
    taker.finish(describe(data, work.inputs, work.request.shard, reading.formats));
    return problems;
  }
}

}  // namespace

PrepareResult prepare(const PrepareRequest& request) {
  PrepareRequest r = request;
  std::error_code error;
  r.store = fs::absolute(r.store, error).lexically_normal();
  if (error) throw base::FileError("the current folder cannot be found: " + error.message());
  if (r.store.filename().empty()) r.store = r.store.parent_path();
  if (!r.shard.is_whole()) {
    if (fs::exists(r.store / kManifestFile, error))
      throw base::DataError(
          shown(r.store) +
          ": holds a whole store, beside which a shard would not be seen; nothing "
          "was changed: give another `store`, or remove it");
    r.store /= r.shard.folder_name();
  }
  refuse_inside(r.store, r.data.sources);
  base::make_folders(r.store.parent_path());
  const base::FileLock lock(r.store.parent_path() / ("." + r.store.filename().string() + ".lock"));
  remove_leftovers(r.store);

  const TemporaryFolder scratch(r.store.string() + ".tmp-" + std::to_string(::getpid()));
  const auto inputs = Inputs::read(r.data, scratch.path(), r.quiet);
  const auto wanted =
      describe(r.data, inputs, r.shard, std::vector<std::string>(inputs.sources.size()));
  const auto existing = look_at(r, wanted);
  const fs::path partial_folder = r.store.string() + ".partial";
  auto plan = wanted;
  plan["store_version"] = kStoreVersion;
  PartialStore partial(partial_folder, plan);
  if (existing == Existing::kSame) {  // made by a run that was killed behind its last step
    partial.remove();
    return {false, Problems()};
  }
  try {
    PrepareResult result{true, make({r, inputs, scratch.path()}, partial)};
    partial.seal();
    put_in_place(partial.store(), r.store, existing);
    partial.remove();
    return result;
  } catch (const base::Stopped&) {
    if (!r.quiet)
      base::Progress({}).say("what is done is kept beside the store: the same command goes on");
    throw;
  } catch (...) {
    partial.remove();
    throw;
  }
}

void prepare_tokenizer(const PrepareRequest& request, const fs::path& file) {
  const TemporaryFolder scratch(unique_temporary_path());
  const auto inputs = Inputs::read(request.data, scratch.path(), request.quiet);
  base::write_durably(file, train_tokenizer({request, inputs, scratch.path()}).model());
}

}  // namespace banter::data
