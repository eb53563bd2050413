#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "data/commands/corpus_options.h"
#include "data/input/sources.h"
#include "data/input/standard_input.h"
#include "data/inspection/reports/report.h"
#include "data/reading/corpus.h"
#include "data/reading_progress.h"
#include "data/scratch/temporary_folder.h"
#include "data/store/store.h"
#include "train/commands.h"
#include "train/metrics/texts/sample.h"
#include "train/vectors/training.h"

namespace banter::train {
namespace {

struct Request {
  std::vector<std::string> paths;
  std::string output, split, format = "auto", model = "skipgram";
  VectorOptions options;
  bool force = false, quiet = false;
};

/// Refuses what can be seen to be wrong before anything is read.
void check(const Request& request) {
  for (const auto& path : request.paths) {
    if (data::is_read_with(request.output, path))
      throw base::UsageError("banter vectors: --output: " + base::printable(request.output, 1000) +
                             " is read as " + base::printable(path, 1000) +
                             " or lies inside it: give another file");
    if (!request.split.empty() && !data::is_store(path))
      throw base::UsageError("banter vectors: --split is of stores, and " +
                             base::printable(path, 1000) + " is none");
  }
  const auto folder = std::filesystem::absolute(request.output).parent_path();
  if (!std::filesystem::is_directory(folder))
    throw base::FileError(base::printable(folder.string(), 1000) +
                          ": is no folder; --output needs one that is there");
  if (!request.force && std::filesystem::exists(request.output))
    throw base::FileError(base::printable(request.output, 1000) +
                          ": is there already; give another --output, or --force to replace it");
}

/// Writes the turns of stores and corpora as the words that the metrics compare, a turn a line.
class WordFile {
 public:
  WordFile(const Request& request, const std::filesystem::path& scratch)
      : request_(request),
        scratch_(scratch),
        path_(scratch / "words"),
        file_(path_),
        progress_({.label = "reading", .unit = "turns", .quiet = request.quiet}) {}

  void store(const std::string& path) {
    const auto store = data::Store::open(path);
    {
      data::ReadingProgress progress("verifying", 0, request_.quiet);
      store.verify(std::ref(progress));
    }
    const auto& split = store.split(request_.split.empty() ? "train" : request_.split);
    for (std::uint64_t i = 0; i < split.dialogues(); ++i) {
      base::throw_if_stopped();
      add(split.record(i));
    }
  }
  void corpus(data::CorpusReader& reader, const std::string& path) {
    std::filesystem::path file = path;
    if (path == "-") {
      file = scratch_ / "standard-input";
      data::copy_standard_input(file);
    }
    reader.read(
        {.path = path, .format = request_.format},
        [&](data::Record&& record, const data::Place&) {
          if (const auto* dialogue = std::get_if<data::Dialogue>(&record)) add(*dialogue);
        },
        [](std::uint64_t) {}, file);
  }
  /// Ends it. Throws   DataError when it has no turn
  [[nodiscard]] const std::filesystem::path& finish() {
    progress_.finish();
    if (turns_ == 0) throw base::DataError("there is no turn to train word vectors on");
    file_.close();
    return path_;
  }
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  [[nodiscard]] std::uint64_t words() const { return words_; }

 private:
  void add(const data::Dialogue& dialogue) {
    for (const auto& turn : dialogue.turns) {
      std::string line;
      for (const auto& word : small_words(turn.text)) {
        line.append(line.empty() ? "" : " ").append(word);
        ++words_;
      }
      file_.write(line += '\n');
      ++turns_;
      progress_.advance();
    }
  }

  const Request& request_;
  const std::filesystem::path& scratch_;
  std::filesystem::path path_;
  base::FileWriter file_;
  base::Progress progress_;
  std::uint64_t turns_ = 0, words_ = 0;
};

TrainedVectors train(const Request& request, const std::filesystem::path& words) {
  constexpr std::uint64_t kParts = 100;
  base::Progress progress(
      {.label = "training", .unit = "%", .total = kParts, .quiet = request.quiet});
  auto trained = train_vectors(words, request.options, [&](double share) {
    progress.update(static_cast<std::uint64_t>(share * kParts));
  });
  progress.update(kParts);
  progress.finish();
  return trained;
}

int run(const Request& request) {
  check(request);
  const data::TemporaryFolder scratch(data::unique_temporary_path());
  data::Problems problems;
  data::CorpusReader reader({}, {}, scratch.path(), problems);
  WordFile file(request, scratch.path());
  for (const auto& path : request.paths) {
    if (data::is_store(path))
      file.store(path);
    else
      file.corpus(reader, path);
  }
  const auto& words = file.finish();
  data::print_problems(std::cerr, problems, data::Places::kFirst);
  const auto trained = train(request, words);
  base::write_durably(request.output, trained.text);
  std::cout << base::printable(request.output, 1000) << ": " << data::grouped(trained.words)
            << " words with " << request.options.dimensions << " numbers each, from "
            << data::grouped(file.words()) << " words of " << data::grouped(file.turns())
            << " turns\n";
  return 0;
}

void add_options(configs::CommandLine& line, Request& request) {
  auto& app = line.app;
  auto& options = request.options;
  const auto positive = CLI::Range(1, 1'000'000);
  const auto number = [&](const char* name, std::int32_t& value, const char* help) {
    app.add_option(name, value, help)->check(positive)->capture_default_str();
  };
  app.add_option("path", request.paths, "stores, files or folders; - = standard input")->required();
  app.add_option("--output", request.output, "the vectors, as text")->required();
  app.add_option("--split", request.split, "of the stores; by default train");
  data::add_format_option(line, request.format);
  app.add_option("--model", request.model,
                 "skipgram (words from a word) or cbow (a word from them)")
      ->check(CLI::IsMember({"skipgram", "cbow"}))
      ->capture_default_str();
  number("--dimensions", options.dimensions, "numbers of a vector");
  number("--epochs", options.epochs, "passes over the text");
  number("--min-count", options.min_count, "words that stand less often get no vector");
  number("--window", options.window, "words on each side that are seen together, at most");
  number("--negatives", options.negatives, "words that a word is told from");
  app.add_option("--sample", options.sample,
                 "words that are a larger share of the text are passed over at times; 1 = none is")
      ->check(CLI::Range(1e-9, 1.0))
      ->capture_default_str();
  app.add_option("--lr", options.lr, "learning rate at the start")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "the same seed gives the same file (with one thread)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--threads", options.threads, "more than one is faster, and two trainings differ")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--force", request.force, "replace a file that is there");
}

}  // namespace

int run_vectors(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter vectors",
      "Trains word vectors on the turns of stores or corpora, for the embedding metrics of "
      "`evaluate` and `metrics`: word2vec as fastText has it, on the words that the metrics read "
      "(13a, small letters), written as text with a line WORDS DIMENSIONS above.",
      "banter vectors stores/ubuntu --output ubuntu.vec\n"
      "banter vectors dialogs.tgz --output ubuntu.vec --dimensions 300 --min-count 2\n"
      "banter evaluate runs/ubuntu --vectors ubuntu.vec");
  Request request;
  add_options(line, request);
  if (!line.parse(arguments)) return 0;
  data::check_format_option("banter vectors", request.format);
  data::check_standard_input("banter vectors", request.paths);
  request.options.cbow = request.model == "cbow";
  request.quiet = line.common.quiet;
  return run(request);
}

}  // namespace banter::train
