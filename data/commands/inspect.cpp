#include "data/inspection/inspect.h"

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "data/commands.h"
#include "data/commands/corpus_options.h"
#include "data/inspection/counting_queue.h"
#include "data/inspection/overlap.h"
#include "data/inspection/reports/corpus_report.h"
#include "data/inspection/reports/pair_report.h"
#include "data/inspection/reports/report.h"
#include "data/inspection/token_statistics.h"
#include "data/reading_progress.h"
#include "data/scratch/temporary_folder.h"

namespace banter::data {
namespace {

namespace json = boost::json;

constexpr std::size_t kPathBytes = 1000;
constexpr std::size_t kMaxExamples = 1000;

void append(json::object& to, json::object from) {
  for (auto& entry : from) to[entry.key()] = std::move(entry.value());
}

json::object to_json(const std::string& path, const CorpusInspection& found,
                     const CorpusFigures& figures, const PairFigures& pairs) {
  json::object o{{"path", path},
                 {"kind", "corpus"},
                 {"format", found.summary.format},
                 {"why", found.summary.why},
                 {"complete", found.damage.empty()},
                 {"damage", found.damage},
                 {"files", found.summary.streams},
                 {"passed_over", found.summary.passed_over},
                 {"records_lost", found.problems.records_lost()},
                 {"empty_turns", found.records_with_a_blank_turn()},
                 {"problems", to_json(found.problems)}};
  append(o, to_json(figures));
  if (pairs.pairs > 0) o["pairs"] = to_json(pairs);
  return o;
}

void print_figures(std::ostream& out, const CorpusFigures& figures, const PairFigures& pairs) {
  if (figures.turns.count() > 0 || pairs.pairs == 0) print(out, figures);
  if (pairs.pairs > 0) print(out, pairs);
}

void print(const std::string& path, const CorpusInspection& found, const CorpusFigures& figures,
           const PairFigures& pairs) {
  auto& out = std::cout;
  const auto& summary = found.summary;
  out << base::printable(path, kPathBytes) << '\n';
  if (!found.damage.empty()) out << "  INCOMPLETE: " << found.damage << '\n';
  print_row(out, "format",
            summary.format.empty() ? "none" : summary.format + " (" + summary.why + ")");
  print_row(out, "files", summary.streams,
            summary.passed_over == 0 ? "" : grouped(summary.passed_over) + " passed over");
  print_row(out, "records left out", found.problems.records_lost());
  const auto blank = found.records_with_a_blank_turn();
  print_row(out, "empty turns", blank,
            blank == 0 ? "" : "the first of each record that is left out for it");
  print_figures(out, figures, pairs);
  print_problems(out, found.problems, Places::kSome);
}

/// Inspects paths one after the other, and compares each corpus with those before it.
class Inspection {
 public:
  Inspection(const std::filesystem::path& scratch, std::size_t examples, bool as_json, bool quiet)
      : keys_(std::make_shared<KeyFile>(scratch)),
        examples_(examples),
        as_json_(as_json),
        quiet_(quiet) {}

  /// Returns whether all of it could be read.
  bool corpus(const SourceOptions& source) {
    auto found = inspect_corpus(source, ReadLimits{}, keys_, examples_, quiet_);
    const auto figures = found.statistics.figures();
    const auto pairs = found.pairs.figures();
    separate();
    if (as_json_)
      say(to_json(source.path, found, figures, pairs));
    else
      print(source.path, found, figures, pairs);
    keep({source.path, std::move(found.statistics), std::move(found.pairs), found.damage.empty()});
    return found.damage.empty();
  }

  void store(const std::string& path) {
    const auto store = Store::open(path);
    {
      ReadingProgress progress("verifying", 0, quiet_);
      store.verify(std::ref(progress));
    }
    separate();
    if (!as_json_)
      std::cout << base::printable(path, kPathBytes) << "\n  store of "
                << base::printable(store.format()) << ", corpus "
                << store.corpus_hash().substr(0, 12) << ", tokenizer "
                << store.tokenizer().hash().substr(0, 12) << '\n';
    json::array splits;
    for (const auto& split : store.splits()) splits.push_back(part(path, store, split));
    if (as_json_)
      say({{"path", path},
           {"kind", "store"},
           {"format", store.format()},
           {"corpus_sha256", store.corpus_hash()},
           {"tokenizer_sha256", store.tokenizer().hash()},
           {"splits", std::move(splits)}});
  }

  void overlaps() {
    for (std::size_t i = 1; i < corpora_.size(); ++i)
      for (std::size_t earlier = 0; earlier < i; ++earlier) overlap(corpora_[i], corpora_[earlier]);
  }

 private:
  /// A corpus or a split of a store, as it is compared with others.
  struct Corpus {
    std::string name;
    CorpusStatistics dialogues;
    PairStatistics pairs;
    bool complete;
  };

  /// Puts an empty line between two things that people read.
  void separate() {
    if (is_first_)
      is_first_ = false;
    else if (!as_json_)
      std::cout << '\n';
  }

  static void say(const json::object& answer) { std::cout << json::serialize(answer) << '\n'; }

  void keep(Corpus corpus) {
    if (!corpora_.empty()) {
      corpora_.back().dialogues.rest();
      corpora_.back().pairs.rest();
    }
    corpora_.push_back(std::move(corpus));
  }

  /// What is in a split, printed, or returned for programs.
  json::object part(const std::string& path, const Store& store, const Split& split) {
    CorpusStatistics statistics(keys_, examples_);
    PairStatistics pair_statistics(keys_);
    TokenStatistics tokens(store.tokenizer());
    CountingQueue counting(statistics, pair_statistics);
    for (std::uint64_t i = 0; i < split.dialogues(); ++i) {
      base::throw_if_stopped();
      counting.add(split.record(i));
      tokens.add_dialogue(split, i);
    }
    for (std::uint64_t i = 0; i < split.pairs(); ++i) {
      base::throw_if_stopped();
      auto pair = split.pair_record(i);
      tokens.add_pair(split, i, pair);
      counting.add(std::move(pair));
    }
    counting.finish();
    const auto figures = statistics.figures();
    const auto pairs = pair_statistics.figures();
    keep({path + " (" + split.name() + ")", std::move(statistics), std::move(pair_statistics),
          true});
    if (as_json_) {
      auto o = data::to_json(figures);
      o["name"] = split.name();
      o["tokenizer"] = tokens.to_json();
      if (pairs.pairs > 0) o["pairs"] = data::to_json(pairs);
      return o;
    }
    std::cout << "split " << split.name() << '\n';
    print_figures(std::cout, figures, pairs);
    tokens.print(std::cout);
    return {};
  }

  void overlap(Corpus& other, Corpus& one) {
    const bool both_hold_pairs = other.pairs.pairs() > 0 && one.pairs.pairs() > 0;
    const auto pairs = PairOverlap::of(other.pairs, one.pairs);
    const auto dialogues = Overlap::of(other.dialogues, one.dialogues);
    separate();
    if (as_json_) {
      json::object o{{"kind", "overlap"},
                     {"of", other.name},
                     {"in", one.name},
                     {"complete", other.complete && one.complete}};
      append(o, data::to_json(dialogues));
      if (both_hold_pairs) o["pairs"] = data::to_json(pairs);
      return say(o);
    }
    print_overlap_heading(std::cout, other.name, one.name);
    if (both_hold_pairs) data::print(std::cout, pairs);
    if (!both_hold_pairs || dialogues.dialogues.all > 0) data::print(std::cout, dialogues);
  }

  std::shared_ptr<KeyFile> keys_;  ///< of all corpora: one open file, however many there are
  std::size_t examples_;
  bool as_json_, quiet_;
  bool is_first_ = true;
  std::vector<Corpus> corpora_;
};

}  // namespace

int run_inspect(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter inspect",
                            "What is in a corpus or a store: format, counts, lengths, copies, "
                            "examples, every kind of problem with its places; of several paths "
                            "also what of the later ones stands in the earlier ones.",
                            "banter inspect dialogs.tgz\n"
                            "banter inspect store --json\n"
                            "banter inspect train.jsonl.gz valid.jsonl.gz\n"
                            "zcat talk.jsonl.gz | banter inspect -");
  std::vector<std::string> paths;
  SourceOptions source;
  std::size_t examples = CorpusStatistics::kExamples;
  line.app.add_option("path", paths, "files, folders or stores; - = standard input")->required();
  add_format_option(line, source.format);
  line.app.add_option("--examples", examples, "dialogues to show of each corpus")
      ->check(CLI::Range(std::size_t{0}, kMaxExamples));
  line.with_json();
  if (!line.parse(arguments)) return 0;
  check_format_option("banter inspect", source.format);
  check_standard_input("banter inspect", paths);

  const TemporaryFolder scratch(unique_temporary_path());
  Inspection inspection(scratch.path(), examples, line.common.json, line.common.quiet);
  bool complete = true;
  for (const auto& path : paths) {
    source.path = path;
    if (is_store(path))
      inspection.store(path);
    else
      complete = inspection.corpus(source) && complete;
  }
  inspection.overlaps();
  return complete ? 0 : 1;
}

}  // namespace banter::data
