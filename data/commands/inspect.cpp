#include "data/inspection/inspect.h"

#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "data/commands.h"
#include "data/preparation/temporary_folder.h"
#include "data/reading_progress.h"

namespace banter::data {
namespace {

namespace json = boost::json;

json::array to_json(const Problems& problems) {
  json::array all;
  for (const auto& [rule, count] : problems.by_rule()) {
    json::array first;
    for (const auto& text : count.first) first.emplace_back(text);
    all.push_back({{"rule", rule},
                   {"kind", count.severity == Severity::kSkip ? "skip" : "note"},
                   {"count", count.count},
                   {"first", std::move(first)}});
  }
  return all;
}

int show_corpus(const std::string& path, const CorpusInspection& found, bool as_json) {
  if (as_json) {
    auto o = found.statistics.to_json();
    json::object all{{"path", path},
                     {"kind", "corpus"},
                     {"format", found.summary.format},
                     {"complete", found.damage.empty()},
                     {"damage", found.damage},
                     {"files", found.summary.streams},
                     {"passed_over", found.summary.passed_over},
                     {"records_lost", found.problems.records_lost()},
                     {"problems", to_json(found.problems)}};
    for (auto& entry : o) all[entry.key()] = std::move(entry.value());
    if (found.pairs.pairs() > 0) all["pairs"] = found.pairs.to_json();
    std::cout << json::serialize(all) << '\n';
  } else {
    std::cout << base::printable(path, 1000) << ": format "
              << (found.summary.format.empty() ? "none" : found.summary.format) << '\n';
    if (!found.damage.empty()) std::cout << "  INCOMPLETE: " << found.damage << '\n';
    if (found.summary.passed_over > 0)
      std::cout << "  other files passed over: " << grouped(found.summary.passed_over) << '\n';
    if (found.statistics.dialogues() > 0 || found.pairs.pairs() == 0)
      found.statistics.print(std::cout);
    if (found.pairs.pairs() > 0) found.pairs.print(std::cout);
    if (found.problems.records_lost() > 0)
      std::cout << "  records left out: " << grouped(found.problems.records_lost()) << '\n';
    print_problems(std::cout, found.problems, Places::kSome);
  }
  return found.damage.empty() ? 0 : 1;
}

void inspect_store(const std::string& path, const std::filesystem::path& scratch, bool as_json,
                   bool quiet) {
  const auto store = Store::open(path);
  {
    ReadingProgress progress("verifying", 0, quiet);
    store.verify(std::ref(progress));
  }
  json::array splits;
  if (!as_json)
    std::cout << base::printable(path, 1000) << ": store of " << store.format() << ", corpus "
              << store.corpus_hash().substr(0, 12) << ", tokenizer "
              << store.tokenizer().hash().substr(0, 12) << '\n';
  for (const auto& split : store.splits()) {
    CorpusStatistics statistics(scratch);
    TokenStatistics tokens(store.tokenizer());
    for (std::uint64_t i = 0; i < split.dialogues(); ++i) {
      base::throw_if_stopped();
      statistics.add(split.record(i));
      tokens.add(split, i);
    }
    if (as_json) {
      auto o = statistics.to_json();
      o["name"] = split.name();
      o["tokenizer"] = tokens.to_json();
      splits.push_back(std::move(o));
    } else {
      std::cout << "split " << split.name() << '\n';
      statistics.print(std::cout);
      tokens.print(std::cout);
    }
  }
  if (as_json)
    std::cout << json::serialize(json::object{{"path", path},
                                              {"kind", "store"},
                                              {"format", store.format()},
                                              {"corpus_sha256", store.corpus_hash()},
                                              {"tokenizer_sha256", store.tokenizer().hash()},
                                              {"splits", std::move(splits)}})
              << '\n';
}

}  // namespace

int run_inspect(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter inspect",
                            "What is in a corpus or a store: format, counts, lengths, examples, "
                            "every kind of problem with its places.",
                            "banter inspect dialogs.tgz\n"
                            "banter inspect store --json\n"
                            "zcat talk.jsonl.gz | banter inspect -");
  std::vector<std::string> paths;
  SourceOptions source;
  line.app.add_option("path", paths, "files, folders or stores; - = standard input")->required();
  std::string formats_help = "read corpora as this format:";
  for (const auto& format : formats()) formats_help += " " + std::string(format.name);
  line.app.add_option("--format", source.format, formats_help);
  line.with_json();
  if (!line.parse(arguments)) return 0;
  if (source.format != "auto") {
    try {
      (void)format_named(source.format);
    } catch (const base::DataError& error) {
      throw base::UsageError(std::string("banter inspect: --format: ") + error.what());
    }
  }

  int code = 0;
  for (const auto& path : paths) {
    const TemporaryFolder scratch(unique_temporary_path());
    if (is_store(path)) {
      inspect_store(path, scratch.path(), line.common.json, line.common.quiet);
      continue;
    }
    source.path = path;
    const auto found = inspect_corpus(source, ReadLimits{}, scratch.path(), line.common.quiet);
    code = std::max(code, show_corpus(path, found, line.common.json));
  }
  return code;
}

}  // namespace banter::data
