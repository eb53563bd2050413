// The commands of the data part, and what its speed is measured by, in a build without LibTorch:
//
//     data_program prepare ARGUMENTS...    banter prepare
//     data_program inspect ARGUMENTS...    banter inspect
//     data_program read PATH...            reads corpora as both do, and keeps nothing
//     data_program read --config RECIPE    the same of its sources, with its cleaning
//     data_program open STORE TIMES        opens a store so often
//
// `read` and `open` write a line of JSON: records, turns and bytes of text; milliseconds, sorted.

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include <boost/json.hpp>

#include "configs/section.h"
#include "data/commands.h"
#include "data/options.h"
#include "data/reading/corpus.h"
#include "data/scratch/temporary_folder.h"
#include "data/store/store.h"

namespace banter::data {
namespace {

namespace json = boost::json;

/// What was read, so that it can be compared with what another reader has read.
struct Sums {
  std::uint64_t records = 0, turns = 0, text_bytes = 0;

  void add(const Dialogue& dialogue) {
    ++records;
    turns += dialogue.turns.size();
    for (const auto& turn : dialogue.turns) text_bytes += turn.text.size();
  }
  void add(const Pair& pair) {
    ++records;
    text_bytes += pair.premise.size() + pair.hypothesis.size();
  }
};

DataOptions options_of_read(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "--config") {
    auto section = configs::Config::load(arguments[1]).root().section("data");
    return DataOptions::from(section);
  }
  DataOptions options;
  for (const auto& path : arguments) options.sources.push_back({.path = path});
  return options;
}

int run_read(const DataOptions& options) {
  const TemporaryFolder scratch(unique_temporary_path());
  Problems problems;
  CorpusReader reader(options.cleaning, options.limits, scratch.path(), problems);
  Sums sums;
  for (const auto& source : options.sources)
    reader.read(
        source,
        [&](Record&& record, const Place&) {
          std::visit([&](const auto& one) { sums.add(one); }, record);
        },
        [](std::uint64_t) {}, source.path);
  std::cout << json::serialize(json::object{{"records", sums.records},
                                            {"turns", sums.turns},
                                            {"text_bytes", sums.text_bytes},
                                            {"records_lost", problems.records_lost()}})
            << '\n';
  return 0;
}

int run_open(const std::string& folder, int times) {
  std::vector<double> milliseconds;
  for (int i = 0; i < times; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto store = Store::open(folder);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - begin;
    milliseconds.push_back(taken.count());
  }
  std::ranges::sort(milliseconds);
  std::cout << json::serialize(json::array(milliseconds.begin(), milliseconds.end())) << '\n';
  return 0;
}

int run(const std::string& command, const std::vector<std::string>& arguments) {
  if (command == "prepare") return run_prepare(arguments);
  if (command == "inspect") return run_inspect(arguments);
  if (command == "read" && !arguments.empty()) return run_read(options_of_read(arguments));
  if (command == "open" && arguments.size() == 2)
    return run_open(arguments[0], std::stoi(arguments[1]));
  std::cerr << "data_program prepare|inspect|read|open ARGUMENTS...\n";
  return 2;
}

}  // namespace
}  // namespace banter::data

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.empty()) return banter::data::run("", {});
    return banter::data::run(words.front(), {words.begin() + 1, words.end()});
  } catch (const std::exception& error) {
    std::cerr << "data_program: " << error.what() << '\n';
    return 1;
  }
}
