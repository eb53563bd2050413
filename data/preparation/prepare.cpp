#include "data/preparation/prepare.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "data/input/sources.h"
#include "data/preparation/existing_store.h"
#include "data/preparation/inputs.h"
#include "data/preparation/partial_store.h"
#include "data/preparation/record_taker.h"
#include "data/preparation/source_readings.h"
#include "data/preparation/tokenizer_training.h"
#include "data/scratch/temporary_folder.h"
#include "data/store/rows.h"
#include "data/tokenizer/own_symbols.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

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

/// What is made among the files of a source would be read as one of them. `option` names it.
/// Throws   `Wrong`
template <typename Wrong>
void refuse_among(const std::vector<SourceOptions>& sources, const fs::path& made,
                  const std::string& option) {
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (is_read_with(made, sources[i].path))
      throw Wrong(option + ": " + shown(made) + " is read as data.sources[" + std::to_string(i) +
                  "] or lies inside it, " + shown(sources[i].path) + ": give another `" + option +
                  "`");
}

/// Throws   FileError, DataError when a file is there that is not ours to replace
void refuse_existing(const fs::path& file, bool force) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (!fs::exists(status)) return;  // writing it tells what else is wrong
  if (!fs::is_regular_file(status))
    throw base::FileError(shown(file) + ": is no plain file, and only such a one is replaced");
  if (!force)
    throw base::DataError(shown(file) +
                          ": is there already; nothing was changed: give another file, or --force "
                          "to replace it");
}

/// What the ids are made with.
struct Encoding {
  Tokenizer tokenizer;
  double valid_below;  ///< the recipe's share, or what a reading has made of it
};

/// A tokenizer that was made first, by us or elsewhere. Throws   DataError
Tokenizer given_tokenizer(const std::string& file, const std::string& hash) {
  auto model = base::read_file(file);
  if (base::sha256_hex(model) != hash)
    throw base::DataError(file + ": changed while it was used: prepare again");
  try {
    return Tokenizer(with_own_symbols(std::move(model)));
  } catch (const base::DataError& error) {
    throw base::DataError(file + ": " + error.what());
  }
}

Encoding encoding_for(const Work& work, PartialStore& partial) {
  const auto& data = work.request.data;
  if (!data.tokenizer.path.empty())
    return {given_tokenizer(data.tokenizer.path, work.inputs.tokenizer), data.valid_share};
  if (auto trained = partial.tokenizer()) return {*trained, data.valid_share};
  auto trained = train_tokenizer(work);
  partial.keep_tokenizer(trained.tokenizer);
  return {trained.tokenizer, trained.valid_below};
}

/// The last reading. Throws   Stopped, with all that was read so far kept
Reading encode_sources(const Work& work, double below, Problems& problems, RecordTaker& taker) {
  try {
    return read_sources(
        work, "encoding", below, work.request.shard, problems,
        [&](const std::string& split, Record&& record) { taker.take(split, std::move(record)); });
  } catch (const base::Stopped&) {
    taker.save();
    throw;
  }
}

/// Makes the store in the partial's folder. Returns  what was wrong in the corpora
Problems make(const Work& work, PartialStore& partial) {
  const auto& data = work.request.data;
  auto [tokenizer, below] = encoding_for(work, partial);
  for (;;) {
    Problems problems(static_cast<std::uint64_t>(data.max_skipped));
    RecordTaker taker(tokenizer, static_cast<std::uint64_t>(data.checkpoint_records), partial);
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

/// Which folder stands under a name, 0 = none.
ino_t number_of(const fs::path& folder) {
  struct stat status {};
  return ::stat(folder.c_str(), &status) == 0 ? status.st_ino : 0;
}

void say_what_is_kept(bool quiet) {
  if (!quiet)
    base::Progress({}).say("what is done is kept beside the store: the same command goes on");
}

/// Puts the finished store in place. Where that cannot be, it stays for the next run to go on with.
/// Throws   FileError
void publish(PartialStore& partial, const fs::path& store, Existing existing, bool quiet) {
  const auto made = number_of(partial.store());
  partial.seal();
  try {
    put_in_place(partial.store(), store, existing);
  } catch (const base::FileError&) {
    if (number_of(partial.store()) == made && partial.unseal()) say_what_is_kept(quiet);
    throw;
  }
  partial.remove();
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
  refuse_among<base::ConfigError>(r.data.sources, r.store, "store");
  base::make_folders(r.store.parent_path());
  const base::FileLock lock(r.store.parent_path() / ("." + r.store.filename().string() + ".lock"));
  remove_leftovers(r.store);

  const TemporaryFolder scratch(r.store.string() + ".tmp-" + std::to_string(::getpid()));
  const auto inputs = Inputs::read(r.data, scratch.path(), r.quiet);
  const auto wanted =
      describe(r.data, inputs, r.shard, std::vector<std::string>(inputs.sources.size()));
  const auto existing = look_at(r.store, wanted, r.force, r.quiet);
  auto plan = wanted;
  plan["store_version"] = kStoreVersion;
  PartialStore partial(r.store.string() + ".partial", plan);
  if (existing == Existing::kSame) {  // made by a run that was killed behind its last step
    partial.remove();
    return {false, Problems()};
  }
  PrepareResult result{true, Problems()};
  try {
    result.problems = make({r, inputs, scratch.path()}, partial);
  } catch (const base::Stopped&) {
    say_what_is_kept(r.quiet);
    throw;
  } catch (...) {
    partial.remove();
    throw;
  }
  publish(partial, r.store, existing, r.quiet);
  return result;
}

TrainedTokenizer prepare_tokenizer(const PrepareRequest& request, const fs::path& file) {
  refuse_among<base::UsageError>(request.data.sources, file, "--tokenizer-only");
  refuse_existing(file, request.force);
  if (file.has_parent_path()) base::make_folders(file.parent_path());
  const TemporaryFolder scratch(unique_temporary_path());
  const auto inputs = Inputs::read(request.data, scratch.path(), request.quiet);
  auto trained = train_tokenizer({request, inputs, scratch.path()});
  base::write_durably(file, trained.tokenizer.model());
  return trained;
}

}  // namespace banter::data
