#include "data/preparation/prepare.h"

#include <algorithm>
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

/// One reading of all sources, with a bar.
class Pass {
 public:
  Pass(const PrepareRequest& request, const Inputs& inputs, const fs::path& scratch)
      : request_(request), inputs_(inputs), scratch_(scratch) {}

  /// Gives every dialogue with its split. Returns  the format of each source
  template <typename Sink>
  std::vector<std::string> run(const std::string& label, Problems& problems, const Sink& sink) {
    ReadingProgress progress(label, inputs_.bytes, request_.quiet);
    CorpusReader reader(request_.data.cleaning, request_.data.limits, scratch_, problems);
    std::vector<std::string> formats;
    for (std::size_t i = 0; i < inputs_.sources.size(); ++i) {
      const auto& source = request_.data.sources[i];
      reader.read(
          source,
          [&](Dialogue&& dialogue, const Place&) {
            const std::string split(
                source.split != "auto"
                    ? source.split
                    : split_of(dialogue.id, request_.data.seed, request_.data.valid_share));
            sink(split, std::move(dialogue));
          },
          std::ref(progress), inputs_.sources[i].file);
      formats.push_back(reader.summary().format);
    }
    return formats;
  }

 private:
  const PrepareRequest& request_;
  const Inputs& inputs_;
  fs::path scratch_;
};

using SplitCounts =
    std::map<std::string, std::uint64_t>;  // split -> dialogues; sorted: train first

/// Makes the store in `folder`.
void make(const PrepareRequest& request, const Inputs& inputs, const fs::path& folder,
          const fs::path& scratch, Problems& problems) {
  const auto& data = request.data;
  Pass pass(request, inputs, scratch);
  TextSample sample(static_cast<std::uint64_t>(data.tokenizer.sample_bytes), data.tokenizer.seed);
  SplitCounts counts;
  const auto formats =
      pass.run("reading", problems, [&](const std::string& split, Dialogue&& dialogue) {
        ++counts[split];
        if (split != "train") return;
        for (const auto& turn : dialogue.turns) sample.add(turn.text);
        for (const auto& [speaker, facts] : dialogue.personas)
          for (const auto& fact : facts) sample.add(fact);
      });
  if (counts.empty())
    throw base::DataError(
        "no dialogue is left of data.sources: nothing to prepare; see `banter "
        "inspect`");
  if (!counts.contains("train"))
    throw base::DataError(
        "no dialogue of data.sources falls in the split train: give a source "
        "with split: train or auto");

  if (!request.quiet)
    base::Progress({}).say("training the tokenizer on " + std::to_string(sample.bytes()) +
                           " bytes of text");
  const Tokenizer tokenizer(Tokenizer::train(data.tokenizer, sample));

  std::vector<std::string> splits;
  for (const auto& [split, count] : counts) splits.push_back(split);
  StoreWriter writer(folder, tokenizer, splits);
  EncodingQueue queue(tokenizer, writer);
  SplitCounts written;
  Problems again;
  pass.run("encoding", again, [&](const std::string& split, Dialogue&& dialogue) {
    if (++written[split] <= counts[split]) queue.add(split, std::move(dialogue));
  });
  queue.finish();
  if (written != counts)
    throw base::DataError("data.sources changed while they were read: prepare again");
  writer.finish(describe(data, inputs, formats));
}

}  // namespace

PrepareResult prepare(const PrepareRequest& request) {
  PrepareRequest r = request;
  std::error_code error;
  r.store = fs::absolute(r.store, error).lexically_normal();
  if (error) throw base::FileError("the current folder cannot be found: " + error.message());
  if (r.store.filename().empty()) r.store = r.store.parent_path();
  base::make_folders(r.store.parent_path());
  const base::FileLock lock(r.store.parent_path() / ("." + r.store.filename().string() + ".lock"));
  remove_leftovers(r.store);

  const TemporaryFolder work(r.store.string() + ".tmp-" + std::to_string(::getpid()));
  const auto scratch = work.path() / "scratch";
  const auto folder = work.path() / "store";
  base::make_folders(scratch);
  base::make_folders(folder);

  const auto inputs = Inputs::read(r.data, scratch, r.quiet);
  const auto wanted = describe(r.data, inputs, std::vector<std::string>(inputs.sources.size()));
  const auto existing = look_at(r, wanted);
  PrepareResult result{existing != Existing::kSame,
                       Problems(static_cast<std::uint64_t>(r.data.max_skipped))};
  if (!result.made) return result;

  make(r, inputs, folder, scratch, result.problems);
  put_in_place(folder, r.store, existing);
  return result;
}

}  // namespace banter::data
