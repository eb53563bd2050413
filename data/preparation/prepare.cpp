#include "data/preparation/prepare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <ranges>
#include <utility>

#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "data/preparation/corpus.h"
#include "data/preparation/encoding_queue.h"
#include "data/preparation/inputs.h"
#include "data/preparation/temporary_folder.h"
#include "data/reading_progress.h"
#include "data/store_rows.h"
#include "data/store_writer.h"
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
  std::error_code unreadable;  // looking at it for good tells why
  const auto place = fs::weakly_canonical(store, unreadable);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto folder = fs::weakly_canonical(sources[i].path, unreadable);
    if (!fs::is_directory(folder, unreadable)) continue;
    const auto [end, rest] =
        std::mismatch(folder.begin(), folder.end(), place.begin(), place.end());
    if (end == folder.end())
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
  std::map<std::string, std::uint64_t> counts;  ///< split -> dialogues; sorted: train first
  std::vector<std::string> formats;             ///< of each source
  double lowest_draw = 1;                       ///< of dialogues whose split is drawn
  std::uint64_t lowest = 0;                     ///< how many have it: ids repeat between files

  void offer(double draw) {
    if (draw > lowest_draw) return;
    lowest = draw < lowest_draw ? 1 : lowest + 1;
    lowest_draw = draw;
  }
};

/// Reads all sources, with a bar, and gives every dialogue with its split: `valid` where the draw
/// is below `valid_below`.
template <typename Sink>
Reading read_sources(const Work& work, const std::string& label, double valid_below,
                     Problems& problems, const Sink& sink) {
  const auto& data = work.request.data;
  ReadingProgress progress(label, work.inputs.bytes, work.request.quiet);
  CorpusReader reader(data.cleaning, data.limits, work.scratch, problems);
  Reading reading;
  for (std::size_t i = 0; i < data.sources.size(); ++i) {
    const auto& source = data.sources[i];
    const auto take = [&](Record&& record, const Place&) {
      auto split = source.split;
      if (split == "auto") {
        reading.offer(split_draw(split_key(record), data.seed));
        split = split_of(split_key(record), data.seed, valid_below);
      }
      auto* dialogue = std::get_if<Dialogue>(&record);
      if (dialogue == nullptr) return;
      ++reading.counts[split];
      sink(split, std::move(*dialogue));
    };
    reader.read(source, take, std::ref(progress), work.inputs.sources[i].file);
    reading.formats.push_back(reader.summary().format);
  }
  return reading;
}

/// The first reading, which chooses the texts that the tokenizer is trained on.
struct SampleReading {
  Problems problems;
  TextSample sample;
  Reading reading;

  SampleReading(const Work& work, double valid_below)
      : problems(static_cast<std::uint64_t>(work.request.data.max_skipped)),
        sample(static_cast<std::uint64_t>(work.request.data.tokenizer.sample_bytes),
               work.request.data.tokenizer.seed) {
    reading = read_sources(work, "reading", valid_below, problems,
                           [&](const std::string& split, const Dialogue& dialogue) {
                             if (split != "train") return;
                             for (const auto& turn : dialogue.turns) sample.add(turn.text);
                             for (const auto& [speaker, facts] : dialogue.personas)
                               for (const auto& fact : facts) sample.add(fact);
                           });
  }
};

/// Below which draw a dialogue is `valid`. Where a share is wanted and so few dialogues are there
/// that none was drawn, the one with the lowest draw is, unless it is all that there is.
double valid_below(const DataOptions& data, const Reading& reading) {
  const auto train = reading.counts.find("train");
  const bool is_wanted = data.valid_share > 0 && !reading.counts.contains("valid");
  const bool can_be = train != reading.counts.end() && train->second > reading.lowest;
  if (!is_wanted || !can_be || reading.lowest == 0) return data.valid_share;
  return std::nextafter(reading.lowest_draw, 1.0);
}

/// Makes the store in `folder`. Returns  what was wrong in the corpora
Problems make(const Work& work, const fs::path& folder) {
  const auto& data = work.request.data;
  SampleReading first(work, data.valid_share);
  const auto below = valid_below(data, first.reading);
  if (below != data.valid_share)
    first = SampleReading(work, below);  // little: it is soon read again
  const auto& counts = first.reading.counts;
  if (counts.empty())
    throw base::DataError("no dialogue is left of data.sources: nothing to prepare; " +
                          (first.problems.first_loss().empty()
                               ? "see `banter inspect`"
                               : "the first that is left out: " + first.problems.first_loss()));
  if (!counts.contains("train"))
    throw base::DataError(
        "no dialogue of data.sources falls in the split train: give a source with split: train, or "
        "lower data.valid_share");

  if (!work.request.quiet)
    base::Progress({}).say("training the tokenizer on " + std::to_string(first.sample.bytes()) +
                           " bytes of text");
  const Tokenizer tokenizer(Tokenizer::train(data.tokenizer, first.sample));

  const auto names = std::views::keys(counts);
  StoreWriter writer(folder, tokenizer, {names.begin(), names.end()});
  EncodingQueue queue(tokenizer, writer);
  Problems again;
  const auto second = read_sources(work, "encoding", below, again,
                                   [&](const std::string& split, Dialogue&& dialogue) {
                                     if (counts.contains(split))
                                       queue.add(split, std::move(dialogue));
                                   });
  queue.finish();
  if (second.counts != counts)
    throw base::DataError("data.sources changed while they were read: prepare again");
  writer.finish(describe(data, work.inputs, second.formats));
  return std::move(first.problems);
}

}  // namespace

PrepareResult prepare(const PrepareRequest& request) {
  PrepareRequest r = request;
  std::error_code error;
  r.store = fs::absolute(r.store, error).lexically_normal();
  if (error) throw base::FileError("the current folder cannot be found: " + error.message());
  if (r.store.filename().empty()) r.store = r.store.parent_path();
  refuse_inside(r.store, r.data.sources);
  base::make_folders(r.store.parent_path());
  const base::FileLock lock(r.store.parent_path() / ("." + r.store.filename().string() + ".lock"));
  remove_leftovers(r.store);

  const TemporaryFolder beside(r.store.string() + ".tmp-" + std::to_string(::getpid()));
  const auto scratch = beside.path() / "scratch";
  const auto folder = beside.path() / "store";
  base::make_folders(scratch);
  base::make_folders(folder);

  const auto inputs = Inputs::read(r.data, scratch, r.quiet);
  const auto wanted = describe(r.data, inputs, std::vector<std::string>(inputs.sources.size()));
  const auto existing = look_at(r, wanted);
  if (existing == Existing::kSame) return {false, Problems()};
  PrepareResult result{true, make({r, inputs, scratch}, folder)};
  put_in_place(folder, r.store, existing);
  return result;
}

}  // namespace banter::data
