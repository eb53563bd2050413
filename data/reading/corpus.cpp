#include "data/reading/corpus.h"

#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "data/input/sources.h"
#include "data/reading/found_cleaning.h"
#include "data/reading/read_ahead.h"
#include "data/store/store.h"

namespace banter::data {

namespace {

/// Takes what the files of one source hold.
class SourceTaker {
 public:
  /// `make_filter(stream, ids, scope)` makes the filter of a stream.
  SourceTaker(CorpusSummary& summary, Problems& problems, std::string scope,
              std::function<RecordFilter(const Place&, Ids, const std::string&)> make_filter,
              const std::function<void(std::uint64_t)>& bytes)
      : summary_(summary),
        problems_(problems),
        scope_(std::move(scope)),
        make_filter_(std::move(make_filter)),
        bytes_(bytes) {}

  void operator()(StreamFound&& stream) {
    using Kind = StreamFound::Kind;
    ++summary_.streams;
    if (stream.kind == Kind::kEmpty) {
      any_empty_ = true;
      return problems_.add({stream.place, Severity::kNote, stream.why, "", 0});
    }
    if (stream.kind != Kind::kRead) {
      ++summary_.passed_over;
      if (stream.kind == Kind::kPassedOver) return;
      hint_ = stream.place.text() + kUtf16 + "; ";
      return problems_.add(
          {stream.place, Severity::kNote, "a file is UTF-16, not UTF-8: it is passed over", "", 0});
    }
    if (summary_.format.empty()) {
      summary_.format = stream.format->name;
      summary_.why = stream.why;
    }
    std::string scope = scope_;
    if (stream.format->ids == Ids::kInFile) scope += stream.place.file + '\0' + stream.place.member;
    filter_.emplace(make_filter_(stream.place, stream.format->ids, scope + '\0'));
  }
  void operator()(FoundRecord&& found) {
    if (filter_) filter_->record(std::move(found));  // its stream was found
  }
  void operator()(const Problem& problem) { problems_.add(problem); }
  void operator()(const BytesRead& read) { bytes_(read.bytes); }

  /// Throws   DataError when there are files and none has a known format
  void finish(const std::string& path) {
    if (summary_.streams == 0)
      problems_.add(
          {{path, "", 0, 0}, Severity::kNote, "no dialogues: it holds no file to read", "", 0});
    else if (summary_.format.empty() && !any_empty_)
      throw base::DataError(base::printable(path, 1000) + ": holds no known format; " + hint_ +
                            "known: " + known_formats());
  }

 private:
  CorpusSummary& summary_;
  Problems& problems_;
  std::string scope_;
  std::function<RecordFilter(const Place&, Ids, const std::string&)> make_filter_;
  const std::function<void(std::uint64_t)>& bytes_;
  std::optional<RecordFilter> filter_;
  bool any_empty_ = false;
  std::string hint_;
};

}  // namespace

CorpusReader::CorpusReader(const CleaningOptions& cleaning, const ReadLimits& limits,
                           const std::filesystem::path& scratch, Problems& problems)
    : cleaner_(cleaning), limits_(limits), problems_(problems), seen_(scratch) {
  if (cleaning.duplicates != "keep")
    duplicates_.emplace(seen_, std::string("duplicate") + '\0',
                        cleaning.duplicates == "exact" ? Likeness::kExact : Likeness::kNormalised);
}

RecordFilter CorpusReader::filter(const Place& stream, Ids ids, const std::string& scope,
                                  const RecordSink& sink) {
  return {stream, duplicates_ ? &*duplicates_ : nullptr, ids, scope, seen_, problems_, sink};
}

void CorpusReader::read(const SourceOptions& source, const RecordSink& sink,
                        const std::function<void(std::uint64_t)>& bytes,
                        const std::filesystem::path& file, const Shard& files) {
  summary_ = {};
  if (is_store(file)) return read_store(file, sink, bytes);
  std::error_code unreadable;  // opening it tells why
  const FileReading how{.limits = limits_,
                        .wanted = source.format == "auto" ? nullptr : &format_named(source.format),
                        .is_the_source = std::filesystem::is_regular_file(file, unreadable)};
  SourceTaker taker(
      summary_, problems_, std::to_string(sources_++) + '\0',
      [&](const Place& stream, Ids ids, const std::string& scope) {
        return filter(stream, ids, scope, sink);
      },
      bytes);
  ReadAhead::Make clean;
  if (!cleaner_.is_idle())
    clean = [&](FoundItem&& item, const ReadAhead::Take& take) {
      clean_found(cleaner_, std::move(item), take);
    };
  ReadAhead ahead(how, std::move(clean), [&](FoundItem&& item) {
    std::visit([&](auto& one) { taker(std::move(one)); }, item);
  });
  std::uint64_t number = 0;
  for_each_file(
      file, [&](const Problem& problem) { ahead.add(problem); },
      [&](const std::filesystem::path& path, const std::string& name) {
        if (!how.is_the_source && !files.has(number++)) return;
        ahead.add(path, name, {how.is_the_source ? source.path : path.string(), "", 0, 0});
      });
  ahead.finish();
  if (files.is_whole()) taker.finish(source.path);
}

/// A store is read again as what it was made from: cleaned once more, in its own splits.
void CorpusReader::read_store(const std::filesystem::path& folder, const RecordSink& sink,
                              const std::function<void(std::uint64_t)>& bytes) {
  const auto store = Store::open(folder);
  store.verify(bytes);
  summary_.format = store.format();
  summary_.why = "it is a store";
  for (const auto& split : store.splits()) {
    ++summary_.streams;
    summary_.split = split.name();
    Place place{folder.string(), split.name(), 0, 0};
    auto filter = this->filter(place, Ids::kNone, "", sink);
    const auto take = [&](FoundItem&& item) {
      if (auto* found = std::get_if<FoundRecord>(&item))
        filter.record(std::move(*found));
      else
        problems_.add(std::get<Problem>(item));
    };
    for (place.element = 1; place.element <= split.dialogues(); ++place.element) {
      base::throw_if_stopped();
      clean_found(cleaner_, FoundRecord{split.record(place.element - 1), place}, take);
    }
    for (place.element = 1; place.element <= split.pairs(); ++place.element) {
      base::throw_if_stopped();
      clean_found(cleaner_, FoundRecord{split.pair_record(place.element - 1), place}, take);
    }
  }
  summary_.split.clear();
}

std::string known_formats() {
  std::string known;
  for (const auto& format : formats()) {
    if (!known.empty()) known += "; ";
    known += std::string(format.name) + " (" + std::string(format.about) + ")";
  }
  return known;
}

}  // namespace banter::data
