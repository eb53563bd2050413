#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/errors.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "data/commands.h"
#include "data/commands/corpus_options.h"
#include "data/export/exporter.h"
#include "data/input/sources.h"
#include "data/input/standard_input.h"
#include "data/inspection/reports/report.h"
#include "data/reading/corpus.h"
#include "data/reading_progress.h"
#include "data/scratch/temporary_folder.h"
#include "data/store/store.h"

namespace banter::data {
namespace {

struct Request {
  std::vector<std::string> paths;
  ExportForm form = ExportForm::kEither;
  std::string split, output;
  std::string format = "auto";
  bool quiet = false;
};

/// The splits of a store that are asked for.
std::vector<Split> wanted_splits(const Store& store, const std::string& name) {
  if (name.empty()) return store.splits();
  return {store.split(name)};
}

/// Whether the pairs go into a file of their own where there are dialogues, too.
bool parts_kinds(const Request& request) {
  return request.form == ExportForm::kEither && !request.output.empty();
}

/// Refuses to write over what is read. Throws   UsageError
void check_output(const Request& request, const std::string& path) {
  if (request.output.empty()) return;
  std::vector<std::filesystem::path> files = {request.output};
  if (parts_kinds(request)) files.push_back(file_of_pairs(request.output));
  for (const auto& file : files) {
    if (is_read_with(file, path))
      throw base::UsageError(
          "banter export-data: --output: " + base::printable(file.string(), 1000) + " is read as " +
          base::printable(path, 1000) + " or lies inside it: give another file");
  }
}

/// Refuses what can be seen to be wrong before anything is read.
/// Returns  how many records the stores among the paths hold, 0 when there are corpora, too
std::uint64_t check(const Request& request) {
  std::uint64_t dialogues = 0;
  std::uint64_t pairs = 0;
  bool only_stores = true;
  for (const auto& path : request.paths) {
    check_output(request, path);
    if (is_store(path)) {
      for (const auto& split : wanted_splits(Store::open(path), request.split)) {
        dialogues += split.dialogues();
        pairs += split.pairs();
      }
      continue;
    }
    only_stores = false;
    if (!request.split.empty())
      throw base::UsageError("banter export-data: --split is of stores, and " +
                             base::printable(path, 1000) +
                             " is none: a corpus has no splits before it is prepared");
  }
  if (request.form == ExportForm::kEither && request.output.empty() && dialogues > 0 && pairs > 0)
    refuse_two_kinds();
  return only_stores ? dialogues + pairs : 0;
}

/// Gives the records of stores and corpora to an exporter, in their order.
class Export {
 public:
  Export(const Request& request, std::uint64_t records, const std::filesystem::path& scratch,
         Exporter& exporter)
      : request_(request),
        scratch_(scratch),
        exporter_(exporter),
        progress_({.label = "writing",
                   .unit = "records",
                   .total = records,
                   .quiet = request.quiet || (request.output.empty() && ::isatty(STDOUT_FILENO))}),
        reader_(CleaningOptions{}, ReadLimits{}, scratch, problems_) {}

  void store(const std::string& path) {
    const auto store = Store::open(path);
    {
      ReadingProgress progress("verifying", 0, request_.quiet);
      store.verify(std::ref(progress));
    }
    for (const auto& split : wanted_splits(store, request_.split)) {
      for (std::uint64_t i = 0; i < split.dialogues(); ++i) add(split.record(i));
      for (std::uint64_t i = 0; i < split.pairs(); ++i) add(split.pair_record(i));
    }
  }

  void corpus(const std::string& path) {
    std::filesystem::path file = path;
    if (path == "-") {
      file = scratch_ / "standard-input";
      copy_standard_input(file);
    }
    reader_.read(
        {.path = path, .format = request_.format},
        [&](Record&& record, const Place&) { add(std::move(record)); }, [](std::uint64_t) {}, file);
  }

  [[nodiscard]] const Problems& problems() const { return problems_; }
  void finish() { progress_.finish(); }

 private:
  void add(Record&& record) {
    exporter_.add(std::move(record));
    progress_.advance();
  }

  const Request& request_;
  const std::filesystem::path& scratch_;
  Exporter& exporter_;
  base::Progress progress_;
  Problems problems_;
  CorpusReader reader_;
};

/// What a person should know of what was written; on standard error.
void tell(const Request& request, const ExportCounts& counts) {
  auto& out = std::cerr;
  if (counts.renamed > 0)
    out << "note: " << grouped(counts.renamed)
        << " ids stood twice: the later ones are ID+N now, N the number of the line in its kind\n";
  if (counts.long_lines > 0)
    out << "note: " << grouped(counts.long_lines)
        << " lines are longer than data.max_line_bytes by default: set it higher to read them\n";
  if (request.form == ExportForm::kRankings && counts.rankings == 0)
    out << "note: no turn has distractors, so that there is no ranking\n";
  if (request.quiet || request.output.empty()) return;
  const auto line = [&](std::uint64_t count, const char* what, const std::string& path) {
    if (count == 0) return;
    // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): it loses sight of the captured stream
    out << base::printable(path, 1000) << ": " << grouped(count) << ' ' << what << '\n';
  };
  line(counts.dialogues, "dialogues", request.output);
  auto pairs = request.output;
  if (parts_kinds(request) && counts.dialogues > 0) pairs = file_of_pairs(request.output).string();
  line(counts.pairs, "pairs", pairs);
  line(counts.rankings, "rankings", request.output);
}

int run(const Request& request) {
  const auto records = check(request);
  const auto output = request.output.empty() ? lines_to_standard_output()
                                             : lines_to_file(request.output, !parts_kinds(request));
  const TemporaryFolder scratch(unique_temporary_path());
  Exporter exporter(request.form, request.form == ExportForm::kEither && request.output.empty(),
                    scratch.path(), *output);
  Export source(request, records, scratch.path(), exporter);
  for (const auto& path : request.paths) {
    if (is_store(path))
      source.store(path);
    else
      source.corpus(path);
  }
  output->finish();
  source.finish();
  print_problems(std::cerr, source.problems(), Places::kFirst);
  tell(request, exporter.counts());
  return 0;
}

}  // namespace

int run_export_data(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter export-data",
      "Writes what a store holds (the texts that a model saw, from their ids), or what the readers "
      "make of a corpus, as JSON Lines that `inspect` and `prepare` read.",
      "banter export-data stores/own | head\n"
      "banter export-data stores/own --split valid --output valid.jsonl\n"
      "banter export-data dialogs.tgz --output ubuntu.jsonl\n"
      "banter export-data personachat.txt --to rankings --output rankings.jsonl");
  const std::map<std::string, ExportForm> forms = {{"dialogues", ExportForm::kDialogues},
                                                   {"pairs", ExportForm::kPairs},
                                                   {"rankings", ExportForm::kRankings},
                                                   {"all", ExportForm::kAll}};
  Request request;
  std::string form;
  line.app.add_option("path", request.paths, "stores, files or folders; - = standard input")
      ->required();
  line.app
      .add_option("--to", form,
                  "dialogues, pairs, rankings (a line for each turn with distractors), or all: "
                  "dialogues and pairs in one stream; by default dialogues, or pairs")
      ->check(CLI::IsMember(forms));
  line.app.add_option("--split", request.split, "only this split of the stores");
  line.app.add_option("--output", request.output,
                      "a file in place of standard output; where there are dialogues and pairs, "
                      "FILE.jsonl gets the dialogues and FILE.pairs.jsonl the pairs");
  add_format_option(line, request.format);
  if (!line.parse(arguments)) return 0;
  check_format_option("banter export-data", request.format);
  check_standard_input("banter export-data", request.paths);
  if (!form.empty()) request.form = forms.at(form);
  request.quiet = line.common.quiet;
  try {
    return run(request);
  } catch (const OutputClosed&) {  // `| head` has read what it wanted
    return 0;
  }
}

}  // namespace banter::data
